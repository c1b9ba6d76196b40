// All rows of a data file in memory, for what needs them all. RowReader reads them one at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

struct Dataset {
  std::vector<Json> rows;
  std::string hash;  // as RowReader's
};

// A file, or all data files of a folder, in any format of RowReader. A bad row is an error with file, line
// and what was expected; nothing is skipped silently.
Result<Dataset> read_dataset(const std::filesystem::path& file);

}  // namespace sizeup
