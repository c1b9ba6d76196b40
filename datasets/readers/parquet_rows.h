// Rows of Parquet files, where sizeup was built with Apache Arrow.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "datasets/readers/row_stream.h"

namespace sizeup {

// "Arrow 26.0.1", or empty: built without it, and parquet_rows is an error with a hint.
std::string parquet_support();

// A batch of rows in memory at a time. Lists become arrays and structs objects, times and decimals texts, as
// the hub's rows service gives them. bad_input names a column whose type is no text, number or list of them
// (images, audio, maps). line() is the row's number, from 1.
Result<std::unique_ptr<RowStream>> parquet_rows(const std::filesystem::path& file);

}  // namespace sizeup
