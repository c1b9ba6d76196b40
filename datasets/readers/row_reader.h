// Rows of data files as JSON objects, one at a time: memory does not grow with the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"
#include "datasets/readers/bad_rows.h"
#include "datasets/readers/text_rows.h"

namespace sizeup {

struct RowOptions {
  std::vector<std::string> column_names = {};  // of CSV and TSV files that have no header row
  TextRows text_rows = TextRows::lines;        // of .txt files
  // Of one file after decompression. Hours of parsing: a file with more is no test set, but a small
  // compressed one may say so.
  size_t max_bytes = size_t{64} << 30;
};

// By the files' endings: .jsonl (or .ndjson), .json (an array of objects, or one object a line), .csv, .tsv
// and .txt, each also with .gz or .zst, and .parquet where parquet_support() is there. Rows are objects; CSV
// cells are strings under the header's names.
class RowReader {
 public:
  // The rows of all files in their order; a folder stands for the data files in it (data_files_of). What is
  // wrong with a row goes to `bad_rows`, which must live as long as the reader; the row is left out.
  // Nothing is opened yet.
  RowReader(std::vector<std::filesystem::path> files, RowOptions options, BadRows& bad_rows);
  ~RowReader();

  // The next row, nothing at the end. An error ends the reading: a bad row too many, a file that cannot be
  // read, or one that is damaged so that its rows cannot be told apart.
  Result<std::optional<Json>> next();

  std::string place() const;  // of the last row: "tickets.jsonl:12", "tickets.parquet, row 12"
  int64_t index() const;      // of the last row among all, bad ones included, from 0

  // At the end: SHA-256 of the file's bytes; of several files, of their hashes in order.
  std::string hash() const;

 private:
  struct OpenFile;

  Result<void> open_next();
  Result<void> close();

  std::vector<std::filesystem::path> waiting_;  // the next one last
  RowOptions options_;
  BadRows* bad_rows_;
  std::unique_ptr<OpenFile> open_;
  std::string place_;
  int64_t index_ = -1;
  std::string hashes_;
  size_t hashed_ = 0;
};

}  // namespace sizeup
