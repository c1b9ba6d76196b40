#include "tasks/data_files.h"

#include <fmt/format.h>

#include <string_view>

namespace sizeup {
namespace {

constexpr std::string_view kOfficial = "data-dir:";
constexpr std::string_view kDatasetName = "{dataset_name}";
constexpr const char* kWhere = "docs/benchmarks.md says where the official files are published";

// A task file from elsewhere must not reach files outside the folder that the user named.
bool stays_below(const std::filesystem::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  for (const std::filesystem::path& part : path) {
    if (part == "..") return false;
  }
  return true;
}

}  // namespace

Result<DataFile> DataFile::parse(std::string written, const std::string& dataset_name,
                                 const std::filesystem::path& folder, const std::string& place) {
  const size_t name = written.find(kDatasetName);
  if (name != std::string::npos) {
    if (dataset_name.empty()) {
      return bad_input(place,
                       fmt::format("'{}' stands for the key 'dataset_name', which is missing", kDatasetName),
                       "dataset_name: NAME");
    }
    written.replace(name, kDatasetName.size(), dataset_name);
  }
  DataFile file;
  file.official = written.starts_with(kOfficial);
  if (!file.official) {
    file.path = folder / written;
    return file;
  }
  file.path = written.substr(kOfficial.size());
  if (!stays_below(file.path)) {
    return bad_input(place,
                     fmt::format("the data file '{}' is not below the data folder", file.path.string()),
                     "data-dir:FOLDER/FILE without '..'");
  }
  return file;
}

Result<std::filesystem::path> DataFile::locate(const std::string& task, const std::filesystem::path& data_dir,
                                               const HubSettings* settings) const {
  if (hub && settings == nullptr) {
    return unavailable(
        {}, fmt::format("the task '{}' reads {}, and nothing may be fetched here", task, hub->text()));
  }
  if (hub) return fetch_rows(*hub, *settings);
  if (!official) return path;
  if (data_dir.empty()) {
    return usage_error(
        fmt::format("the task '{}' reads the official file {}, and no data folder is given", task,
                    path.string()),
        fmt::format("--data-dir DIR, or the environment variable SIZEUP_DATA_DIR; {}", kWhere));
  }
  std::filesystem::path file = data_dir / path;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(file, ignored)) return file;
  std::filesystem::path compressed = file;
  compressed += ".gz";
  if (std::filesystem::is_regular_file(compressed, ignored)) return compressed;
  return bad_input(file.string(), fmt::format("the task '{}' reads this file, and it is not there", task),
                   "the official file, as it is or with .gz", kWhere);
}

}  // namespace sizeup
