#include "reports/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

std::string cleaned(std::string_view name, size_t limit) {
  const std::string valid = replace_invalid_utf8(name);
  std::string out;
  size_t count = 0;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    if (++count > limit) return out + "…";
    const bool spelled = is_odd(next.value) || next.value == '\n' || next.value == '\t';
    if (spelled) {
      out += fmt::format("[{}]", code_point_name(next.value));
    } else {
      out += rest.substr(0, next.bytes);
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

}  // namespace

bool is_odd(char32_t code_point) {
  constexpr std::array<std::pair<char32_t, char32_t>, 10> kRanges = {{
      {0x0000, 0x0008},    // controls before tab
      {0x000B, 0x001F},    // vertical tab to unit separator, carriage return among them
      {0x007F, 0x009F},    // delete and C1
      {0x061C, 0x061C},    // Arabic letter mark
      {0x200B, 0x200F},    // zero-width and direction marks
      {0x2028, 0x202E},    // separators, bidi embeddings and overrides
      {0x2060, 0x2069},    // invisible operators, bidi isolates
      {0xFEFF, 0xFEFF},    // byte order mark
      {0xFFF9, 0xFFFB},    // interlinear annotation
      {0xE0000, 0xE007F},  // tags
  }};
  return std::any_of(kRanges.begin(), kRanges.end(), [&](const auto& range) {
    return range.first <= code_point && code_point <= range.second;
  });
}

std::string code_point_name(char32_t code_point) {
  return fmt::format("U+{:04X}", static_cast<uint32_t>(code_point));
}

std::string clean_name(std::string_view name) {
  constexpr size_t kLimit = 120;
  return cleaned(name, kLimit);
}

std::string clean_text(std::string_view text) {
  return cleaned(text, std::numeric_limits<size_t>::max());
}

std::string marked_up(std::string_view text, const MarkupWriter& write) {
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    if (next.value == '&') {
      out += "&amp;";
    } else if (next.value == '<') {
      out += "&lt;";
    } else if (next.value == '>') {
      out += "&gt;";
    } else if (next.value == '\n' || next.value == '\t') {
      out += ' ';
    } else {
      write(next, rest, out);
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

std::string load_in_words(std::string_view scenario) {
  const size_t colon = std::min(scenario.find(':'), scenario.size());
  const std::string_view kind = scenario.substr(0, colon);
  const std::string_view rest = scenario.substr(std::min(colon + 1, scenario.size()));
  if (kind == "concurrent") return fmt::format("{} requests at a time", rest);
  if (kind != "server") return "one request at a time";
  const size_t second = std::min(rest.find(':'), rest.size());
  std::string words = fmt::format(
      "{} requests a second arriving in the mean, each timed from when it was due", rest.substr(0, second));
  if (second < rest.size()) words += fmt::format("; burstiness {}", rest.substr(second + 1));
  return words;
}

std::string snippet(std::string_view text, size_t limit) {
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  size_t count = 0;
  bool space = false;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    const bool white = next.value == ' ' || next.value == '\n' || next.value == '\t' || next.value == '\r';
    if (white) {
      space = !out.empty();
    } else {
      if (count + (space ? 1 : 0) >= limit) return out + "…";
      if (space) out += ' ';
      count += space ? 2 : 1;
      space = false;
      out += rest.substr(0, next.bytes);
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

}  // namespace sizeup
