// Tables of one file into those of another, by their natural keys: what merge.cpp is made of. Columns are
// taken from the schema, so that a new one is merged without a word here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/store/sqlite.h"

namespace sizeup {

// The rows of an attached file on their way into the main one. Each table with ids leaves a map from the
// file's ids to ours for the tables after it.
class TableMerger {
 public:
  using Names = std::vector<std::string>;

  TableMerger(sqlite::Database& database, std::string schema)
      : database_(database), schema_(std::move(schema)) {}

  // Adds the rows of a table whose natural keys we lack. Where we have them, `better` (expressions over a
  // row,
  // {} stands for it; greatest first) and then the content decide which row stands, so that the order of
  // files does not.
  void unite(const std::string& table, const Names& keys, const Names& better);

  // Adds the rows whose natural keys we lack.
  void add_new(const std::string& table, const Names& keys);

  // Adds all rows whose references have a place in our file.
  void copy(const std::string& table);

  void map_ids(const std::string& table, const Names& keys);
  void start_map(const std::string& table);
  void map(const std::string& table, int64_t theirs, int64_t ours);
  std::vector<std::pair<int64_t, int64_t>> mapped(const std::string& table);  // theirs, ours

  const std::string& schema() const { return schema_; }

 private:
  void insert(const std::string& table, const Names& columns, const std::string& conflict);

  sqlite::Database& database_;
  std::string schema_;
};

// A hash of the rows of a table that belong to one owner ("evaluation_id"), the same in every file: ids are
// replaced by what they stand for.
std::string content_hash(sqlite::Database& database, const std::string& schema, const std::string& table,
                         const std::string& owner, int64_t id);

}  // namespace sizeup
