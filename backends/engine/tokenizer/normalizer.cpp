#include "backends/engine/tokenizer/normalizer.h"

#include <utf8proc.h>

#include "backends/engine/tokenizer/byte_alphabet.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr size_t kMaxRuleBytes = 5;  // of a cluster that Hugging Face's Precompiled looks up as a whole

// The text with each character replaced by what change(character, result) appends.
template <class Change>
std::string map_characters(std::string_view text, Change change) {
  std::string result;
  result.reserve(text.size());
  while (const auto code_point = decode_utf8(text)) {
    change(code_point->value, result);
    text.remove_prefix(code_point->bytes);
  }
  return result;
}

void apply_step(const normalize::Form& step, std::string& text) {
  text = to_form(text, step.form);
}

void apply_step(const normalize::Lowercase&, std::string& text) {
  text = to_lower(text);
}

void apply_step(const normalize::Strip& step, std::string& text) {
  std::string_view rest = text;
  while (step.left) {
    const auto first = decode_utf8(rest);
    if (!first || !is_white_space(first->value)) break;
    rest.remove_prefix(first->bytes);
  }
  while (step.right && !rest.empty()) {
    size_t start = rest.size() - 1;
    while (start > 0 && (static_cast<uint8_t>(rest[start]) & 0xC0) == 0x80) --start;
    const auto last = decode_utf8(rest.substr(start));
    if (!last || !is_white_space(last->value)) break;
    rest.remove_suffix(last->bytes);
  }
  text = std::string(rest);
}

void apply_step(const normalize::StripAccents&, std::string& text) {
  text = map_characters(text, [](char32_t c, std::string& result) {
    if (!is_mark(c)) append_utf8(result, c);
  });
}

void apply_step(const normalize::Prepend& step, std::string& text) {
  if (!text.empty()) text.insert(0, step.text);
}

void apply_step(const Replacement& step, std::string& text) {
  text = step.apply(text);
}

// As BERT's own code has it: the blocks of ideographs, without those that were added to Unicode later (and
// with one mistyped limit that Hugging Face keeps).
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void apply_step(const normalize::Bert& step, std::string& text) {
  if (step.clean_text) {
    text = map_characters(text, [](char32_t c, std::string& result) {
      if (is_white_space(c) && (c == '\t' || c == '\n' || c == '\r' || !is_other(c))) {
        result += ' ';
      } else if (c != 0xFFFD && !is_other(c)) {
        append_utf8(result, c);
      }
    });
  }
  if (step.handle_chinese_chars) {
    text = map_characters(text, [](char32_t c, std::string& result) {
      result += is_chinese(c) ? ' ' + encode_utf8(c) + ' ' : encode_utf8(c);
    });
  }
  if (step.strip_accents) {
    text = map_characters(to_form(text, UnicodeForm::nfd), [](char32_t c, std::string& result) {
      if (!is_nonspacing_mark(c)) append_utf8(result, c);
    });
  }
  if (step.lowercase) text = to_lower(text);
}

bool is_dropped_by_nmt(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}

bool is_space_to_nmt(char32_t c) {
  return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

void apply_step(const normalize::Nmt&, std::string& text) {
  text = map_characters(text, [](char32_t c, std::string& result) {
    if (!is_dropped_by_nmt(c)) append_utf8(result, is_space_to_nmt(c) ? U' ' : c);
  });
}

// The bytes of the grapheme cluster at the start of a text.
size_t cluster_length(std::string_view text) {
  utf8proc_int32_t state = 0;
  auto previous = decode_utf8(text);
  size_t length = previous ? previous->bytes : 0;
  while (length < text.size()) {
    const auto next = decode_utf8(text.substr(length));
    if (!next || utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous->value),
                                                  static_cast<utf8proc_int32_t>(next->value), &state)) {
      break;
    }
    length += next->bytes;
    previous = next;
  }
  return length;
}

// Hugging Face looks up short clusters as a whole, by their shortest key; then characters one by one.
void apply_step(const normalize::Precompiled& step, std::string& text) {
  std::string result;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view cluster = rest.substr(0, cluster_length(rest));
    rest.remove_prefix(cluster.size());
    if (cluster.size() <= kMaxRuleBytes) {
      if (const auto match = step.map.shortest(cluster)) {
        result += match->replacement;
        continue;
      }
    }
    while (const auto code_point = decode_utf8(cluster)) {
      const std::string_view character = cluster.substr(0, code_point->bytes);
      const auto match = step.map.shortest(character);
      result += match ? match->replacement : character;
      cluster.remove_prefix(code_point->bytes);
    }
  }
  text = is_valid_utf8(result) ? std::move(result) : replace_invalid_utf8(result);
}

void apply_step(const normalize::ByteAlphabet&, std::string& text) {
  text = to_byte_alphabet(text);
}

void apply_step(const SentencePieceNormalizer& step, std::string& text) {
  text = step.apply(text);
}

}  // namespace

std::string Normalizer::apply(std::string_view text) const {
  std::string result(text);
  for (const NormalizerStep& step : steps_) {
    std::visit([&](const auto& known) { apply_step(known, result); }, step);
  }
  return result;
}

}  // namespace sizeup
