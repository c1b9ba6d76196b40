// The store's views as files, for those who do not open SQLite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

enum class ViewFormat { csv, json_lines };

struct WrittenView {
  std::filesystem::path file;
  int64_t rows = 0;
};

// Each view as FOLDER/VIEW.csv (RFC 4180, safe for spreadsheets, see CsvTable) or VIEW.jsonl (cells as they
// are). The folder is made if it is not there.
Result<std::vector<WrittenView>> write_views(const Store& store, const std::filesystem::path& folder,
                                             ViewFormat format);

}  // namespace sizeup
