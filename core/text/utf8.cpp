#include "core/text/utf8.h"

#include <algorithm>

namespace sizeup {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// Table 3-7 of the Unicode standard: what may follow a first byte. Only the second byte's range varies.
struct Lead {
  size_t bytes = 0;  // 0: not a first byte
  uint8_t second_low = 0x80;
  uint8_t second_high = 0xBF;
};

Lead lead_of(uint8_t first) {
  if (first < 0x80) return {1};
  if (first >= 0xC2 && first <= 0xDF) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {4};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

// How many bytes at the start agree with the first byte's form: all of them if it is a valid sequence.
size_t matching_bytes(std::string_view text, const Lead& lead) {
  size_t matched = 1;
  while (matched < lead.bytes && matched < text.size()) {
    const auto byte = static_cast<uint8_t>(text[matched]);
    const uint8_t low = matched == 1 ? lead.second_low : 0x80;
    const uint8_t high = matched == 1 ? lead.second_high : 0xBF;
    if (byte < low || byte > high) break;
    ++matched;
  }
  return matched;
}

}  // namespace

std::optional<CodePoint> decode_utf8(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return CodePoint{first, 1};
  const Lead lead = lead_of(first);
  if (lead.bytes == 0 || matching_bytes(text, lead) < lead.bytes) return std::nullopt;
  char32_t value = first & (0x7Fu >> lead.bytes);
  for (size_t i = 1; i < lead.bytes; ++i) value = (value << 6) | (static_cast<uint8_t>(text[i]) & 0x3Fu);
  return CodePoint{value, lead.bytes};
}

void append_utf8(std::string& text, char32_t code_point) {
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  const char32_t value = surrogate || code_point > 0x10FFFF ? kReplacement : code_point;
  const auto continuation = [&](int shift) { text += static_cast<char>(0x80 | ((value >> shift) & 0x3F)); };
  if (value < 0x80) {
    text += static_cast<char>(value);
  } else if (value < 0x800) {
    text += static_cast<char>(0xC0 | (value >> 6));
    continuation(0);
  } else if (value < 0x10000) {
    text += static_cast<char>(0xE0 | (value >> 12));
    continuation(6);
    continuation(0);
  } else {
    text += static_cast<char>(0xF0 | (value >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::string encode_utf8(char32_t code_point) {
  std::string text;
  append_utf8(text, code_point);
  return text;
}

size_t invalid_utf8_length(std::string_view text) {
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  return lead.bytes == 0 ? 1 : matching_bytes(text, lead);
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto code_point = decode_utf8(text);
    if (!code_point) return false;
    text.remove_prefix(code_point->bytes);
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto code_point = decode_utf8(text);
    const size_t length = code_point ? code_point->bytes : invalid_utf8_length(text);
    if (code_point) {
      result.append(text.substr(0, length));
    } else {
      append_utf8(result, kReplacement);
    }
    text.remove_prefix(length);
  }
  return result;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const auto code_point = decode_utf8(text);
    text.remove_prefix(code_point ? code_point->bytes : invalid_utf8_length(text));
    ++count;
  }
  return count;
}

int64_t utf16_length(std::string_view text) {
  int64_t units = 0;
  while (!text.empty()) {
    const std::optional<CodePoint> next = decode_utf8(text);
    units += next && next->value > 0xFFFF ? 2 : 1;
    text.remove_prefix(next ? next->bytes : invalid_utf8_length(text));
  }
  return units;
}

size_t incomplete_utf8_suffix(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(3, text.size()); ++length) {
    const std::string_view suffix = text.substr(text.size() - length);
    const Lead lead = lead_of(static_cast<uint8_t>(suffix[0]));
    if (lead.bytes > length && matching_bytes(suffix, lead) == length) return length;
  }
  return 0;
}

}  // namespace sizeup
