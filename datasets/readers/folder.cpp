#include "datasets/readers/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "datasets/readers/byte_stream.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

struct Ending {
  std::string_view text;
  DataFormat format;
};
constexpr std::array<Ending, 7> kEndings = {{{".jsonl", DataFormat::json_lines},
                                             {".ndjson", DataFormat::json_lines},
                                             {".json", DataFormat::json},
                                             {".csv", DataFormat::csv},
                                             {".tsv", DataFormat::tsv},
                                             {".txt", DataFormat::text},
                                             {".parquet", DataFormat::parquet}}};

constexpr const char* kDataFiles = ".jsonl, .json, .csv, .tsv or .txt, also with .gz or .zst, or .parquet";

// Files about the data, by their names without endings and in lower case.
constexpr std::array<std::string_view, 9> kAbout = {"readme",       "license",       "licence",
                                                    "notice",       "citation",      "authors",
                                                    "dataset_info", "dataset_infos", "requirements"};

struct SplitName {
  std::string_view word;
  std::string_view split;
};
constexpr std::array<SplitName, 10> kSplitNames = {{{"train", "train"},
                                                    {"training", "train"},
                                                    {"validation", "validation"},
                                                    {"valid", "validation"},
                                                    {"val", "validation"},
                                                    {"dev", "validation"},
                                                    {"test", "test"},
                                                    {"testing", "test"},
                                                    {"eval", "test"},
                                                    {"evaluation", "test"}}};

std::optional<DataFormat> known_format(const fs::path& file) {
  const std::string ending = without_compression(file).extension().string();
  const auto* found = std::find_if(kEndings.begin(), kEndings.end(),
                                   [&](const Ending& known) { return known.text == ending; });
  if (found == kEndings.end()) return std::nullopt;
  return found->format;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_data(const fs::path& file) {
  if (!known_format(file)) return false;
  const std::string name = lower(without_compression(file).stem().string());
  return std::find(kAbout.begin(), kAbout.end(), name) == kAbout.end();
}

// The words of a path below the folder: "data/test-00000.csv" -> data, test, csv. Digits part words too.
std::vector<std::string> words_of(const fs::path& path) {
  std::vector<std::string> words(1);
  for (const char c : lower(path.string())) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

// The last word that names a split: "test/train_questions.csv" is of the file's own name.
std::string split_of(const fs::path& path) {
  const std::vector<std::string> words = words_of(path);
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const auto* found = std::find_if(kSplitNames.begin(), kSplitNames.end(),
                                     [&](const SplitName& name) { return name.word == *word; });
    if (found != kSplitNames.end()) return std::string(found->split);
  }
  return {};
}

Result<std::vector<fs::path>> all_data_files(const fs::path& folder) {
  std::error_code failure;
  fs::recursive_directory_iterator entry(folder, failure);
  std::vector<fs::path> files;
  for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
    const fs::path& path = entry->path();
    std::error_code ignored;
    if (path.filename().string().starts_with('.')) {
      if (entry->is_directory(ignored)) entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_regular_file(ignored) && is_data(path)) files.push_back(path);
  }
  if (failure) return bad_input(folder.string(), fmt::format("cannot be listed: {}", failure.message()));
  if (files.empty()) {
    return bad_input(folder.string(), "the folder has no data file", kDataFiles);
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<void> check_one_format(const fs::path& folder, const std::vector<fs::path>& files) {
  const auto other = std::find_if(files.begin(), files.end(), [&](const fs::path& file) {
    return known_format(file) != known_format(files.front());
  });
  if (other == files.end()) return {};
  return bad_input(folder.string(),
                   fmt::format("the folder has data files of two formats: {} and {}",
                               files.front().filename().string(), other->filename().string()),
                   "files of one format", "name the files that are meant");
}

}  // namespace

Result<DataFormat> format_of(const fs::path& file) {
  if (const std::optional<DataFormat> format = known_format(file)) return *format;
  return bad_input(file.string(), "the file's ending names no known format", kDataFiles);
}

Result<std::vector<fs::path>> data_files_of(const fs::path& folder) {
  Result<std::vector<fs::path>> files = all_data_files(folder);
  if (!files) return files;
  if (Result<void> checked = check_one_format(folder, *files); !checked) return forward_error(checked);
  return files;
}

Result<std::map<std::string, std::vector<fs::path>>> splits_of(const fs::path& folder) {
  Result<std::vector<fs::path>> files = all_data_files(folder);
  if (!files) return forward_error(files);
  std::map<std::string, std::vector<fs::path>> splits;
  for (const fs::path& file : *files) {
    const std::string split =
        split_of(without_compression(file).lexically_relative(folder).replace_extension());
    if (!split.empty()) splits[split].push_back(file);
  }
  if (splits.empty()) splits["train"] = std::move(*files);
  for (const auto& [split, members] : splits) {
    if (Result<void> checked = check_one_format(folder, members); !checked) return forward_error(checked);
  }
  return splits;
}

}  // namespace sizeup
