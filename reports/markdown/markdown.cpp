#include "reports/markdown/markdown.h"

#include "reports/text.h"

namespace sizeup {

std::string markdown_text(std::string_view text) {
  // Round brackets and exclamation marks mean something only beside square ones.
  constexpr std::string_view kMarkup = "\\`*_[]#|~$";
  return marked_up(text, [&](CodePoint next, std::string_view rest, std::string& out) {
    const std::string_view bytes = rest.substr(0, next.bytes);
    if (next.value == '@') {
      out += "&#64;";
    } else if (rest.starts_with("://")) {
      out += "&#58;";  // addresses are text, no links
    } else if (next.value == '.' && out.ends_with("www")) {
      out += "&#46;";
    } else if (is_odd(next.value)) {
      out += "\\[" + code_point_name(next.value) + "\\]";
    } else {
      if (kMarkup.find(bytes) != std::string_view::npos) out += '\\';
      out += bytes;
    }
  });
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
