// All rows of a data file in memory, for what needs them all. RowReader reads them one at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// One file, wholly read. Rows are objects; CSV cells are strings under the header's names.
struct Dataset {
  std::vector<Json> rows;
  std::string hash;  // SHA-256 of the file's bytes; of a folder, of its files' hashes
};

// A file, or all data files of a folder, in any format of RowReader. `column_names`: of a CSV or TSV file
// that has no header row; empty: it has one. A bad row is an error with file, line and what was expected;
// nothing is skipped silently.
Result<Dataset> read_dataset(const std::filesystem::path& file,
                             const std::vector<std::string>& column_names = {});

}  // namespace sizeup
