#include "reports/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/text/utf8.h"

namespace sizeup {

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
  const std::string valid = replace_invalid_utf8(name);
  std::string out;
  size_t count = 0;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    if (++count > kLimit) return out + "…";
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

std::string without_folders(std::string_view reference) {
  // Everything before ? is the place; options after it hold adapters, which are paths as well.
  const size_t query = reference.find('?');
  const std::string_view place = reference.substr(0, query);
  const bool absolute = place.starts_with('/') || place.starts_with('~') || place.find(":/") == 1;
  const size_t slash = place.find_last_of("/\\", place.size() < 2 ? 0 : place.size() - 2);
  std::string out(absolute && slash != std::string_view::npos ? place.substr(slash + 1) : place);
  if (query == std::string_view::npos) return out;
  char separator = '?';
  for (std::string_view rest = reference.substr(query + 1); !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view option = rest.substr(0, end);
    const size_t equals = std::min(option.find('='), option.size());
    const std::string_view value = equals < option.size() ? option.substr(equals + 1) : std::string_view{};
    out += separator;
    out += option.substr(0, equals);
    if (equals < option.size()) out += "=" + without_folders(value.substr(0, value.find('?')));
    separator = '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace sizeup
