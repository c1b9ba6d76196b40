// What a template may use up before it is refused, and the error that ends a rendering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sizeup::jinja {

constexpr size_t kMaxSourceBytes = 4u << 20;  // the largest known chat templates are 20 kB
constexpr int kMaxTreeDepth = 400;            // of a parsed expression or of nested statements
constexpr int kMaxValueDepth = 400;           // of nested lists and dicts: printing and freeing them recurse
constexpr int kMaxCallDepth = 2000;           // of nested evaluation; a macro call takes about ten
constexpr int64_t kMaxRange = 100'000;        // jinja2.sandbox.MAX_RANGE
constexpr int64_t kBytesPerStep = 64;         // text costs time and memory too

// Ends parsing or rendering; turned into an Error with file and line at the public interface.
struct TemplateError : std::runtime_error {
  explicit TemplateError(const std::string& message, int at_line = 0)
      : std::runtime_error(message), line(at_line) {}
  int line;  // 0: the line being evaluated
};

[[noreturn]] void fail(const std::string& message, int line = 0);
[[noreturn]] void fail_not_supported(const std::string& what, int line = 0);  // "... is not supported yet"

// Counts down the steps of one rendering.
class Limits {
 public:
  Limits(int64_t max_steps, size_t max_bytes) : steps_left_(max_steps), max_bytes_(max_bytes) {}

  void charge(int64_t steps) {
    steps_left_ -= steps;
    if (steps_left_ < 0) fail("the template takes too many steps");
  }
  // For a text of this size, before it is made.
  void charge_bytes(size_t bytes) {
    if (bytes > max_bytes_) fail("the template makes a text that is too long");
    charge(static_cast<int64_t>(bytes) / kBytesPerStep);
  }
  size_t max_bytes() const { return max_bytes_; }

 private:
  int64_t steps_left_;
  size_t max_bytes_;
};

// A text under construction that stops at the limits.
class BoundedText {
 public:
  explicit BoundedText(Limits& limits) : limits_(limits) {}

  void append(std::string_view part) {
    limits_.charge_bytes(part.size());
    if (text_.size() + part.size() > limits_.max_bytes()) fail("the template makes a text that is too long");
    text_ += part;
  }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }
  Limits& limits() { return limits_; }

 private:
  Limits& limits_;
  std::string text_;
};

}  // namespace sizeup::jinja
