// The regular expressions of pre-tokenizers. Files write them for Oniguruma (Hugging Face) ; we run PCRE2
// with its compiler, after translating what the two understand differently.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct Range {
  size_t begin;
  size_t end;
};

class SplitRegex {
 public:
  // bad_input, with `place`, for a pattern that is not well-formed or uses what we cannot translate.
  static Result<SplitRegex> compile(std::string_view pattern, const std::string& place);

  SplitRegex(SplitRegex&&) noexcept;
  SplitRegex& operator=(SplitRegex&&) noexcept;
  ~SplitRegex();

  // All matches from left to right; an empty one only where no other ended. `text` must be valid UTF-8. A
  // pattern that needs unreasonably many steps on this text (only a hostile one does) stops matching there.
  std::vector<Range> find_all(std::string_view text) const;

 private:
  struct Code;

 public:
  // Finds in many short texts without allocating for each. For one thread; the pattern must outlive it.
  class Matcher {
   public:
    explicit Matcher(const SplitRegex& pattern);
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;
    ~Matcher();

    void find_all(std::string_view text, std::vector<Range>& matches);

   private:
    struct Data;
    const Code& code_;
    std::unique_ptr<Data> data_;
  };

 private:
  explicit SplitRegex(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

// Quotes what has a meaning in a pattern, so that it matches `text` itself.
std::string quote_for_regex(std::string_view text);

}  // namespace sizeup
