#include "backends/engine/tokenizer/sentencepiece_normalizer.h"

#include "core/text/utf8.h"

namespace sizeup {

// What the beginning of a text that is not empty becomes.
Charsmap::Match SentencePieceNormalizer::first(std::string_view text) const {
  if (const size_t kept = kept_.longest_prefix(text)) return {kept, text.substr(0, kept)};
  if (rules_.map) {
    if (const auto match = rules_.map->longest(text)) return *match;
  }
  const auto code_point = decode_utf8(text);
  if (!code_point) return {1, "\xEF\xBF\xBD"};
  return {code_point->bytes, text.substr(0, code_point->bytes)};
}

std::string SentencePieceNormalizer::apply(std::string_view text) const {
  const bool trim = rules_.remove_extra_whitespaces;
  while (trim && !text.empty()) {
    const Charsmap::Match match = first(text);
    if (match.replacement != " ") break;
    text.remove_prefix(match.bytes);
  }
  if (text.empty()) return {};

  const std::string_view space = rules_.escape_whitespaces ? kSpaceMark : " ";
  std::string result;
  result.reserve(text.size() + text.size() / 2);
  if (rules_.add_dummy_prefix && !rules_.treat_whitespace_as_suffix) result += space;
  bool after_space = trim;
  while (!text.empty()) {
    const Charsmap::Match match = first(text);
    text.remove_prefix(match.bytes);
    std::string_view replacement = match.replacement;
    while (after_space && replacement.starts_with(' ')) replacement.remove_prefix(1);
    for (const char c : replacement) {
      if (c == ' ') {
        result += space;
      } else {
        result += c;
      }
    }
    if (!replacement.empty()) after_space = trim && replacement.ends_with(' ');
  }
  while (trim && result.ends_with(space)) result.resize(result.size() - space.size());
  if (rules_.add_dummy_prefix && rules_.treat_whitespace_as_suffix) result += space;
  return is_valid_utf8(result) ? result : replace_invalid_utf8(result);
}

}  // namespace sizeup
