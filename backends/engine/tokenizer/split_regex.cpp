#include "backends/engine/tokenizer/split_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

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

// Oniguruma to PCRE2. \s is the Unicode property White_Space there, while PCRE2 adds U+180E; \h is a
// hexadecimal digit there and a space here; {n,m}+ repeats there and is possessive here; && intersects.
Result<std::string> translate(std::string_view pattern, const std::string& place) {
  std::string result;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '&' && next == '&') return untranslatable(place, "&&");
    if (c == '{' && end_of_interval(pattern, i) != std::string_view::npos) {
      const size_t end = end_of_interval(pattern, i);
      if (end + 1 < pattern.size() && pattern[end + 1] == '+') return untranslatable(place, "{n,m}+");
    }
    if (c != '\\') {
      result += c;
      continue;
    }
    ++i;
    switch (next) {
      case 's':
        result += "\\p{White_Space}";
        break;
      case 'S':
        result += "\\P{White_Space}";
        break;
      case 'h':
      case 'H':
        return untranslatable(place, "\\h");
      case 'u': {
        const std::string_view digits = pattern.substr(std::min(i + 1, pattern.size()), 4);
        result += fmt::format("\\x{{{}}}", digits);
        i += digits.size();
        break;
      }
      default:
        result += '\\', result += next;
    }
  }
  return result;
}

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
  const auto translated = translate(pattern, place);
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

std::vector<Range> SplitRegex::find_all(std::string_view text) const {
  std::vector<Range> matches;
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(
      pcre2_match_data_create_from_pattern(code_->compiled, nullptr));
  require(data != nullptr, "PCRE2 can allocate match data");
  size_t position = 0;
  while (position < text.size() && code_->match(text, position, PCRE2_NOTEMPTY, data.get())) {
    const size_t* offsets = pcre2_get_ovector_pointer(data.get());
    if (offsets[0] < position || offsets[1] <= offsets[0])
      break;  // \K can move the start: not a split's pattern
    matches.push_back({offsets[0], offsets[1]});
    position = offsets[1];
  }
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
