#include "tasks/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "core/io/sha256.h"
#include "datasets/readers/reader.h"
#include "tasks/process_docs.h"

namespace sizeup {
namespace {

// As Hugging Face's `field`: the file is one object, and its rows are a list in it.
Result<void> take_rows(std::vector<Json>& rows, const std::string& field, const std::string& file) {
  if (field.empty()) return {};
  const auto list = rows.size() == 1 ? rows[0].find(field) : Json::iterator();
  const bool objects =
      rows.size() == 1 && list != rows[0].end() && list->is_array() &&
      std::all_of(list->begin(), list->end(), [](const Json& row) { return row.is_object(); });
  if (!objects) {
    return bad_input(file, fmt::format("the file is no object with a list of documents '{}'", field), "",
                     "dataset_kwargs.field names that list; leave the key out where every row is a document");
  }
  std::vector<Json> taken(list->begin(), list->end());
  rows = std::move(taken);
  return {};
}

}  // namespace

void Documents::collect_columns() {
  columns.clear();
  std::unordered_set<std::string> seen;
  for (const Json& row : rows) {
    for (const auto& item : row.items()) {
      if (seen.insert(item.key()).second) columns.push_back(item.key());
    }
  }
}

std::string Documents::place(size_t row) const {
  return fmt::format("{} (document {})", name, row + 1);
}

Result<Documents> load_split(const Definition& definition, const std::string& split) {
  const auto files = definition.data_files.find(split);
  if (files == definition.data_files.end()) {
    std::vector<std::string> splits;
    for (const auto& [name, paths] : definition.data_files) splits.push_back(name);
    return bad_input(definition.file.string(), fmt::format("there is no data file for the split '{}'", split),
                     fmt::format("one of {}", fmt::join(splits, ", ")),
                     "dataset_kwargs.data_files names a file for each split");
  }
  Documents documents;
  std::string hashes;
  for (const DataFile& file : files->second) {
    Result<std::filesystem::path> path = file.locate(definition.name, definition.data_dir);
    if (!path) return forward_error(path);
    if (documents.name.empty()) documents.name = path->string();
    Result<Dataset> dataset = read_dataset(*path, definition.column_names);
    if (!dataset) return forward_error(dataset);
    if (Result<void> taken = take_rows(dataset->rows, definition.rows_field, path->string()); !taken)
      return forward_error(taken);
    std::move(dataset->rows.begin(), dataset->rows.end(), std::back_inserter(documents.rows));
    hashes += dataset->hash;
  }
  if (documents.rows.empty()) return bad_input(documents.name, "the file has no documents");
  documents.hash = files->second.size() == 1 ? hashes : sha256_hex(hashes);
  if (definition.process_docs) {
    Result<DocumentSteps> steps = DocumentSteps::parse(*definition.process_docs);
    if (!steps) return forward_error(steps);
    if (Result<void> done = steps->apply(documents); !done) return forward_error(done);
  }
  documents.collect_columns();
  return documents;
}

Result<Documents> load_file(const std::filesystem::path& file) {
  Definition definition;
  definition.file = file;
  definition.data_files["test"].push_back({file});
  return load_split(definition, "test");
}

Documents inline_documents(const YamlNode& samples) {
  Documents documents;
  documents.name = samples.place;
  for (const YamlNode& item : samples.items) documents.rows.push_back(to_json(item));
  documents.collect_columns();
  return documents;
}

}  // namespace sizeup
