#include "tasks/documents.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "datasets/readers/row_reader.h"
#include "tasks/columns.h"
#include "tasks/process_docs.h"

namespace sizeup {
namespace {

// As Hugging Face's `field`: each file is one object, and its rows are a list in it.
Result<void> take_rows(Documents& documents, const std::string& field) {
  if (field.empty()) return {};
  Documents taken;
  for (size_t i = 0; i < documents.rows.size(); ++i) {
    const auto list = documents.rows[i].find(field);
    const bool objects =
        list != documents.rows[i].end() && list->is_array() &&
        std::all_of(list->begin(), list->end(), [](const Json& row) { return row.is_object(); });
    if (!objects) {
      return bad_input(
          documents.origins[i].place, fmt::format("there is no list of documents '{}'", field), "",
          "dataset_kwargs.field names that list; leave the key out where every row is a document");
    }
    for (Json& row : *list) {
      taken.origins.push_back({documents.origins[i].place, static_cast<int64_t>(taken.rows.size())});
      taken.rows.push_back(std::move(row));
    }
  }
  documents.rows = std::move(taken.rows);
  documents.origins = std::move(taken.origins);
  if (documents.rows.empty()) return bad_input(documents.name, "the file has no documents");
  return {};
}

}  // namespace

void Documents::collect_columns() {
  columns.clear();
  Columns found(columns);
  for (const Json& row : rows) found.add(row);
}

std::string Documents::place(size_t row) const {
  return fmt::format("{} (document {})", origins.empty() ? name : origins[row].place, index(row) + 1);
}

std::optional<size_t> Documents::row_of(int64_t index) const {
  if (origins.empty()) {
    if (index < 0 || static_cast<size_t>(index) >= rows.size()) return std::nullopt;
    return static_cast<size_t>(index);
  }
  const auto found = std::ranges::lower_bound(origins, index, {}, &DocumentOrigin::index);
  if (found == origins.end() || found->index != index) return std::nullopt;
  return static_cast<size_t>(found - origins.begin());
}

Result<std::vector<std::filesystem::path>> files_of_split(const Definition& definition,
                                                          const std::string& split) {
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
  return paths;
}

Result<Documents> load_split(const Definition& definition, const std::string& split, int64_t keep,
                             BadRows& bad_rows) {
  Result<std::vector<std::filesystem::path>> paths = files_of_split(definition, split);
  if (!paths) return forward_error(paths);
  // What changes the documents takes all of them.
  const bool changes = !definition.rows_field.empty() || definition.process_docs;
  Documents documents;
  if (!paths->empty()) documents.name = paths->front().string();
  Columns columns(documents.columns);
  RowReader reader(std::move(*paths), {definition.column_names, definition.text_rows}, bad_rows);
  while (true) {
    Result<std::optional<Json>> row = reader.next();
    if (!row) return forward_error(row);
    if (!*row) break;
    if (!changes) columns.add(**row);
    documents.whole = changes || keep == 0 || documents.rows.size() < static_cast<size_t>(keep);
    if (!documents.whole) continue;
    documents.rows.push_back(std::move(**row));
    documents.origins.push_back({reader.place(), reader.index()});
  }
  if (documents.rows.empty()) return bad_input(documents.name, "the file has no documents");
  documents.hash = reader.hash();
  if (!changes) return documents;
  if (Result<void> taken = take_rows(documents, definition.rows_field); !taken) return forward_error(taken);
  if (definition.process_docs) {
    Result<void> done = process_documents(*definition.process_docs, documents);
    if (!done) return forward_error(done);
  }
  documents.collect_columns();
  return documents;
}

Documents inline_documents(const YamlNode& samples) {
  Documents documents;
  documents.name = samples.place;
  for (const YamlNode& item : samples.items) documents.rows.push_back(to_json(item));
  documents.collect_columns();
  return documents;
}

}  // namespace sizeup
