// Rows of plain text: {"text": ...}, as Hugging Face datasets reads text files.
#pragma once

#include <memory>

#include "datasets/readers/row_stream.h"
#include "datasets/readers/text_source.h"

namespace sizeup {

// How a plain text becomes rows.
enum class TextRows {
  lines,      // every line, also an empty one
  documents,  // the whole file
};

// `text` must live as long as the rows.
std::unique_ptr<RowStream> text_rows(TextSource& text, TextRows rows);

}  // namespace sizeup
