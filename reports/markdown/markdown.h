// Text in Markdown that is shown to people who did not write it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

// Shows as it is within a line or a table's cell: no markup, no HTML, no end of the line, nobody mentioned,
// nothing to click; invalid UTF-8 as U+FFFD, controls and direction overrides as their code points.
std::string markdown_text(std::string_view text);

// "| a | b |"; cells are Markdown already.
std::string markdown_row(const std::vector<std::string>& cells);
// The header's row and the line below it.
std::string markdown_header(const std::vector<std::string>& names);

}  // namespace sizeup
