// Rows of CSV and TSV files (RFC 4180): cells are strings under the columns' names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datasets/readers/row_stream.h"
#include "datasets/readers/text_source.h"

namespace sizeup {

// The first row names the columns unless `column_names` does. Empty lines are skipped; a row with another
// number of cells is bad. `text` must live as long as the rows.
Result<std::unique_ptr<RowStream>> csv_rows(TextSource& text, char separator,
                                            const std::vector<std::string>& column_names);

}  // namespace sizeup
