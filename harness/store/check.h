// Whether a store's file is whole, and what is in it: `sizeup db check`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct StoreCheck {
  int64_t version = 0;                                // of the tables
  int64_t bytes = 0;                                  // of the file, without its write-ahead log
  std::vector<std::pair<std::string, int64_t>> rows;  // by table, in the schema's order
  std::vector<std::string> problems;                  // what should not be
  std::vector<std::string> notes;                     // what may be: unfinished runs, rows that nothing uses
};

// Reads only: an older file is not brought up to date. Errors as Store::open's.
Result<StoreCheck> check_store(const std::filesystem::path& file);

}  // namespace sizeup
