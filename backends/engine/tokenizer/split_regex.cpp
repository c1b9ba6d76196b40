#include "backends/engine/tokenizer/split_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;
// Real patterns need a few steps for each character of a word; a hostile one would need exponentially many.
constexpr uint32_t kMatchLimit = 10'000'000;

tl::unexpected<Error> untranslatable(const std::string& place, std::string_view what) {
  return bad_input(place, fmt::format("the regular expression uses {}, which is not supported yet", what),
                   "a pattern without it");
}

// Where a quantifier {n} or {n,m} starting at `start` ends; npos if it is none.
size_t end_of_interval(std::string_view pattern, size_t start) {
  size_t i = start + 1;
  while (i < pattern.size() && (std::isdigit(static_cast<unsigned char>(pattern[i])) || pattern[i] == ','))
    ++i;
  return i > start + 1 && i < pattern.size() && pattern[i] == '}' ? i : std::string_view::npos;
}

// What Oniguruma's \w means; PCRE2's lacks marks and connectors.
constexpr std::string_view kWordClass = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";

// Oniguruma to PCRE2. \s is the Unicode property White_Space there, while PCRE2 adds U+180E; \w is wider
// there; \h is a hexadecimal digit there and a space here; {n,m}+ repeats there and is possessive here; &&
// intersects; a class inside of a class belongs to it there and is no class here.
class Translator {
 public:
  Translator(std::string_view pattern, const std::string& place) : pattern_(pattern), place_(place) {}

  Result<std::string> run() {
    while (position_ < pattern_.size()) {
      const char c = pattern_[position_];
      Result<void> step;
      if (c == '\\') {
        step = escape();
      } else if (depth_ > 0) {
        step = in_class(c);
      } else {
        step = outside(c);
      }
      if (!step) return forward_error(step);
    }
    return std::move(result_);
  }

 private:
  char at(size_t offset) const {
    return position_ + offset < pattern_.size() ? pattern_[position_ + offset] : '\0';
  }

  void copy(size_t count) {
    result_ += pattern_.substr(position_, count);
    position_ += count;
  }

  // A class begins: its first ] is a character of it.
  void open_class(bool copies) {
    ++depth_;
    const size_t start = position_;
    position_ += at(1) == '^' ? 2 : 1;
    if (at(0) == ']') ++position_;
    if (copies) result_ += pattern_.substr(start, position_ - start);
  }

  Result<void> outside(char c) {
    if (c == '{' && end_of_interval(pattern_, position_) != std::string_view::npos) {
      const size_t end = end_of_interval(pattern_, position_);
      if (end + 1 < pattern_.size() && pattern_[end + 1] == '+') return untranslatable(place_, "{n,m}+");
    }
    if (c == '[') {
      open_class(true);
    } else {
      copy(1);
    }
    return {};
  }

  Result<void> in_class(char c) {
    if (c == '&' && at(1) == '&') return untranslatable(place_, "&&");
    if (c == '[' && at(1) == ':') {
      const size_t end = pattern_.find(":]", position_);
      copy(end == std::string_view::npos ? 1 : end + 2 - position_);
    } else if (c == '[') {
      if (at(1) == '^' || at(1) == ']') return untranslatable(place_, "a negated class inside of a class");
      open_class(false);
    } else if (c == ']') {
      if (--depth_ == 0) result_ += ']';
      ++position_;
    } else {
      copy(1);
    }
    return {};
  }

  Result<void> escape() {
    const char kind = at(1);
    switch (kind) {
      case 's':
        result_ += "\\p{White_Space}";
        break;
      case 'S':
        result_ += "\\P{White_Space}";
        break;
      case 'w':
        result_ += depth_ > 0 ? std::string(kWordClass) : fmt::format("[{}]", kWordClass);
        break;
      case 'W':
        if (depth_ > 0) return untranslatable(place_, "\\W in a class");
        result_ += fmt::format("[^{}]", kWordClass);
        break;
      case 'b':
        if (depth_ > 0) return untranslatable(place_, "\\b in a class");
        result_ += fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", kWordClass);
        break;
      case 'h':
      case 'H':
        return untranslatable(place_, "\\h");
      case 'u': {
        const std::string_view digits = pattern_.substr(std::min(position_ + 2, pattern_.size()), 4);
        result_ += fmt::format("\\x{{{}}}", digits);
        position_ += digits.size();
        break;
      }
      default:
        copy(std::min<size_t>(2, pattern_.size() - position_));
        return {};
    }
    position_ += 2;
    return {};
  }

  std::string_view pattern_;
  const std::string& place_;
  std::string result_;
  size_t position_ = 0;
  int depth_ = 0;  // of classes
};

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

struct SplitRegex::Code {
  pcre2_code* compiled = nullptr;
  std::unique_ptr<pcre2_match_context, FreeMatchContext> context;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(compiled); }

  // The compiler's code first; where its small stack does not suffice, the interpreter, which uses the heap.
  bool match(std::string_view text, size_t start, uint32_t options, pcre2_match_data* data) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const uint32_t checked = options | PCRE2_NO_UTF_CHECK;
    int count = pcre2_match(compiled, subject, text.size(), start, checked, data, context.get());
    if (count == PCRE2_ERROR_JIT_STACKLIMIT) {
      count = pcre2_match(compiled, subject, text.size(), start, checked | PCRE2_NO_JIT, data, context.get());
    }
    return count > 0;
  }
};

SplitRegex::SplitRegex(std::unique_ptr<Code> code) : code_(std::move(code)) {}
SplitRegex::SplitRegex(SplitRegex&&) noexcept = default;
SplitRegex& SplitRegex::operator=(SplitRegex&&) noexcept = default;
SplitRegex::~SplitRegex() = default;

Result<SplitRegex> SplitRegex::compile(std::string_view pattern, const std::string& place) {
  if (pattern.size() > kMaxPatternBytes || !is_valid_utf8(pattern)) {
    return bad_input(place, "the regular expression is too long or not UTF-8",
                     fmt::format("at most {} bytes of UTF-8", kMaxPatternBytes));
  }
  const auto translated = Translator(pattern, place).run();
  if (!translated) return tl::unexpected<Error>(translated.error());
  auto code = std::make_unique<Code>();
  int error = 0;
  size_t position = 0;
  code->compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &position, nullptr);
  if (!code->compiled) {
    std::array<unsigned char, 160> reason{};
    pcre2_get_error_message(error, reason.data(), reason.size());
    return bad_input(place,
                     fmt::format("the regular expression is not well-formed: {} (at its byte {})",
                                 reinterpret_cast<const char*>(reason.data()), position),
                     "a pattern as Hugging Face tokenizers writes it");
  }
  // Without the compiler (a system that forbids it) matching is slower and gives the same.
  pcre2_jit_compile(code->compiled, PCRE2_JIT_COMPLETE);
  code->context.reset(pcre2_match_context_create(nullptr));
  require(code->context != nullptr, "PCRE2 can allocate a match context");
  pcre2_set_match_limit(code->context.get(), kMatchLimit);
  return SplitRegex(std::move(code));
}

struct SplitRegex::Matcher::Data {
  std::unique_ptr<pcre2_match_data, FreeMatchData> match;
};

SplitRegex::Matcher::Matcher(const SplitRegex& pattern)
    : code_(*pattern.code_), data_(std::make_unique<Data>()) {
  data_->match.reset(pcre2_match_data_create_from_pattern(code_.compiled, nullptr));
  require(data_->match != nullptr, "PCRE2 can allocate match data");
}

SplitRegex::Matcher::~Matcher() = default;

void SplitRegex::Matcher::find_all(std::string_view text, std::vector<Range>& matches) {
  pcre2_match_data* data = data_->match.get();
  const size_t* offsets = pcre2_get_ovector_pointer(data);
  size_t position = 0;
  size_t last_end = std::string_view::npos;  // where the last match ended
  while (position < text.size() && code_.match(text, position, 0, data)) {
    const size_t begin = offsets[0];
    const size_t end = offsets[1];
    if (begin < position || end < begin) break;  // \K can move the start: not a split's pattern
    if (begin < end || begin != last_end) matches.push_back({begin, end});
    last_end = end;
    position = end;
    if (begin < end || end >= text.size()) continue;
    const auto passed = decode_utf8(text.substr(end));
    position += passed ? passed->bytes : 1;
  }
}

std::vector<Range> SplitRegex::find_all(std::string_view text) const {
  std::vector<Range> matches;
  Matcher(*this).find_all(text, matches);
  return matches;
}

std::string quote_for_regex(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c))) {
      quoted += fmt::format("\\x{{{:x}}}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted;
}

}  // namespace sizeup
