// Where a task's data files lie: beside the task file, below the user's folder of official files
// (`data-dir:gsm8k/test.jsonl`), or on the Hugging Face hub.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/errors/result.h"
#include "datasets/hub/rows.h"

namespace sizeup {

struct DataFile {
  std::filesystem::path path;  // below the data folder if `official`
  bool official = false;
  std::optional<HubRows> hub = {};  // a split of a data set, instead of a path

  // `written` as in the task file at `place`; `{dataset_name}` in it stands for that key's value. What is not
  // official is relative to `folder`. Bad: an official path that leaves the data folder.
  static Result<DataFile> parse(std::string written, const std::string& dataset_name,
                                const std::filesystem::path& folder, const std::string& place);

  // The file to read; an official one may also be there with the ending .gz. Rows of the hub are fetched
  // first unless the cache has them; `settings` may be null, then they are an error.
  Result<std::filesystem::path> locate(const std::string& task, const std::filesystem::path& data_dir,
                                       const HubSettings* settings) const;
};

}  // namespace sizeup
