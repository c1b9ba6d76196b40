#include "tasks/documents.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <unordered_set>

#include "datasets/readers/row_reader.h"

namespace sizeup {
namespace {

// The fields of documents, in order of appearance.
class Columns {
 public:
  explicit Columns(std::vector<std::string>& names) : names_(names) {}

  void add(const Json& row) {
    for (const auto& item : row.items()) {
      if (seen_.insert(item.key()).second) names_.push_back(item.key());
    }
  }

 private:
  std::vector<std::string>& names_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

std::string Documents::place(size_t row) const {
  return fmt::format("{} (document {})", origins.empty() ? name : origins[row].place, index(row) + 1);
}

Result<Documents> load_split(const Definition& definition, const std::string& split, int64_t keep,
                             BadRows& bad_rows) {
  const auto files = definition.data_files.find(split);
  if (files == definition.data_files.end()) {
    std::vector<std::string> splits;
    for (const auto& [name, paths] : definition.data_files) splits.push_back(name);
    return bad_input(definition.file.string(), fmt::format("there is no data file for the split '{}'", split),
                     fmt::format("one of {}", fmt::join(splits, ", ")),
                     "dataset_kwargs.data_files names a file for each split");
  }
  std::vector<std::filesystem::path> paths;
  for (const DataFile& file : files->second) {
    Result<std::filesystem::path> path = file.locate(definition.name, definition.data_dir, definition.hub);
    if (!path) return forward_error(path);
    paths.push_back(std::move(*path));
  }
  Documents documents;
  if (!paths.empty()) documents.name = paths.front().string();
  Columns columns(documents.columns);
  RowReader reader(std::move(paths), {definition.column_names, definition.text_rows}, bad_rows);
  while (true) {
    Result<std::optional<Json>> row = reader.next();
    if (!row) return forward_error(row);
    if (!*row) break;
    columns.add(**row);
    if (keep > 0 && documents.rows.size() >= static_cast<size_t>(keep)) continue;
    documents.rows.push_back(std::move(**row));
    documents.origins.push_back({reader.place(), reader.index()});
  }
  if (documents.rows.empty()) return bad_input(documents.name, "the file has no documents");
  documents.hash = reader.hash();
  return documents;
}

Documents inline_documents(const YamlNode& samples) {
  Documents documents;
  documents.name = samples.place;
  Columns columns(documents.columns);
  for (const YamlNode& item : samples.items) {
    documents.rows.push_back(to_json(item));
    columns.add(documents.rows.back());
  }
  return documents;
}

}  // namespace sizeup
