// The documents of one split, with what names them in errors.
#pragma once

#include <string>
#include <vector>

#include "core/json/json.h"
#include "tasks/definition.h"

namespace sizeup {

struct Documents {
  std::vector<Json> rows;
  std::vector<std::string> columns;  // every field that some document has, in order of appearance
  std::string hash;                  // SHA-256 over the files' bytes
  std::string name;                  // of the file, or the first of several

  void collect_columns();  // from the rows

  std::string place(size_t row) const;  // "test.jsonl (document 12)", counted from 1
};

Result<Documents> load_split(const Definition& definition, const std::string& split);

// One data file by itself.
Result<Documents> load_file(const std::filesystem::path& file);

// Examples that are written in the task file itself.
Documents inline_documents(const YamlNode& samples);

}  // namespace sizeup
