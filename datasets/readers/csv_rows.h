// Rows of CSV and TSV files (RFC 4180): cells are strings under the columns' names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// The first row names the columns unless `column_names` does. Empty lines are skipped; a row with another
// number of cells is an error.
Result<std::vector<Json>> read_csv(std::string_view text, char separator, const std::string& file,
                                   const std::vector<std::string>& column_names = {});

}  // namespace sizeup
