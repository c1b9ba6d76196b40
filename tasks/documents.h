// The documents of one split, with what names them in errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json/json.h"
#include "datasets/readers/bad_rows.h"
#include "tasks/definition.h"

namespace sizeup {

// Where a document was read.
struct DocumentOrigin {
  std::string place;  // "test.jsonl:12"
  int64_t index = 0;  // among all rows of the split, bad ones too, from 0; after `field` or a choice by
                      // process_docs, among what these left
  std::string made_of = {};  // SHA-256 of the document that this one is a variant of; empty: of none
};

struct Documents {
  std::vector<Json> rows;
  std::vector<DocumentOrigin> origins;  // of rows; empty: they stand in the task file
  std::vector<std::string> columns;     // every field that some document has, in order of appearance
  std::string hash;                     // SHA-256 over the files' bytes
  std::string name;                     // of the file, or the first of several
  bool whole = true;                    // false: rows are left out that load_split was not to keep

  void collect_columns();  // from the rows

  std::string place(size_t row) const;  // "test.jsonl:13 (document 12)", counted from 1
  int64_t index(size_t row) const { return origins.empty() ? static_cast<int64_t>(row) : origins[row].index; }
  std::optional<size_t> row_of(int64_t index) const;  // nothing: no such document, or a bad row
};

// All rows are read, the first `keep` of them (0: all) are held. Bad rows are left out and counted.
Result<Documents> load_split(const Definition& definition, const std::string& split, int64_t keep,
                             BadRows& bad_rows);

// The files of a split, on this machine: those of the hub are fetched first.
Result<std::vector<std::filesystem::path>> files_of_split(const Definition& definition,
                                                          const std::string& split);

// Examples that are written in the task file itself.
Documents inline_documents(const YamlNode& samples);

}  // namespace sizeup
