// Rows of JSON files: one object a line, or an array of objects.
#pragma once

#include <memory>

#include "datasets/readers/row_stream.h"
#include "datasets/readers/text_source.h"

namespace sizeup {

// JSON lines; blank lines are skipped. `text` must live as long as the rows.
std::unique_ptr<RowStream> json_line_rows(TextSource& text);

// An array of objects if the text begins with "[", else JSON lines.
Result<std::unique_ptr<RowStream>> json_rows(TextSource& text);

}  // namespace sizeup
