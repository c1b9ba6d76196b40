#include "reports/markdown/markdown.h"

#include "core/text/utf8.h"
#include "reports/text.h"

namespace sizeup {

std::string markdown_text(std::string_view text) {
  // Round brackets and exclamation marks mean something only beside square ones.
  constexpr std::string_view kMarkup = "\\`*_[]#|~$";
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    const std::string_view bytes = rest.substr(0, next.bytes);
    if (next.value == '&') {
      out += "&amp;";
    } else if (next.value == '<') {
      out += "&lt;";
    } else if (next.value == '>') {
      out += "&gt;";
    } else if (next.value == '@') {
      out += "&#64;";
    } else if (rest.starts_with("://")) {
      out += "&#58;";  // addresses are text, no links
    } else if (next.value == '.' && out.ends_with("www")) {
      out += "&#46;";
    } else if (next.value == '\n' || next.value == '\t') {
      out += ' ';
    } else if (is_odd(next.value)) {
      out += "\\[" + code_point_name(next.value) + "\\]";
    } else {
      if (kMarkup.find(bytes) != std::string_view::npos) out += '\\';
      out += bytes;
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + cell + " |";
  return out + "\n";
}

std::string markdown_header(const std::vector<std::string>& names) {
  std::string out = markdown_row(names) + "|";
  for (size_t i = 0; i < names.size(); ++i) out += "---|";
  return out + "\n";
}

}  // namespace sizeup
