// Which files hold data, by their names: formats, the data files of a folder, and the splits they belong to.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

enum class DataFormat { json_lines, json, csv, tsv, text, parquet };

// By the ending, .gz and .zst aside. bad_input lists the endings there are.
Result<DataFormat> format_of(const std::filesystem::path& file);

// The data files in the folder and those below it, by name. Hidden files and files about the data (README,
// LICENSE, dataset_info.json, ...) are none. bad_input if there is no data file, or files of two formats: one
// would be a copy of the other.
Result<std::vector<std::filesystem::path>> data_files_of(const std::filesystem::path& folder);

// The data files of each split, which the name of the file or of a folder on its way says ("test.jsonl",
// "data/test-00000-of-00002.csv.gz", "validation/a.txt"), as Hugging Face datasets finds them: train or
// training; validation, valid, val or dev; test, testing, eval or evaluation. If no name says one, all are
// "train".
Result<std::map<std::string, std::vector<std::filesystem::path>>> splits_of(
    const std::filesystem::path& folder);

}  // namespace sizeup
