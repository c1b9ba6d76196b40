#include "harness/store/merge_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/io/sha256.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Statement;
using Names = TableMerger::Names;

Names columns_of(Database& database, const std::string& table) {
  Statement statement(database, "SELECT name FROM pragma_table_info(?) WHERE name != 'id' ORDER BY cid");
  statement.bind(table);
  Names names;
  while (statement.step()) names.push_back(statement.text(0));
  return names;
}

// "evaluation" for "evaluation_id": a column that holds another table's id, which each file counts for
// itself.
std::optional<std::string> referred(const std::string& column) {
  for (const char* table :
       {"environment", "model", "task", "run", "evaluation", "sample", "prompt", "response"}) {
    if (column == fmt::format("{}_id", table)) return table;
  }
  return std::nullopt;
}

// The value of a row of theirs in our file; for a reference, with the join that finds it.
std::string value_of(const std::string& column, std::string& joins) {
  const std::optional<std::string> table = referred(column);
  if (!table) return "theirs." + column;
  joins += fmt::format("JOIN temp.map_{0} ON map_{0}.theirs = theirs.{1} ", *table, column);
  return fmt::format("map_{}.ours", *table);
}

// What a cell of a part stands for, with the join that finds it.
std::string natural(const std::string& schema, const std::string& column, std::string& joins) {
  const std::optional<std::string> table = referred(column);
  if (!table) return "part." + column;
  joins += fmt::format("JOIN {0}.{1} ON {1}.id = part.{2} ", schema, *table, column);
  if (*table == "sample") return "sample.document_id || sample.document_hash || sample.prompt_hash";
  if (*table == "response") return "response.key";
  return "model.name || model.reference || model.fingerprint || model.card";
}

}  // namespace

void TableMerger::unite(const std::string& table, const Names& keys, const Names& better) {
  const Names columns = columns_of(database_, table);
  Names updates;
  Names ours;
  Names theirs;
  for (const std::string& expression : better) {
    theirs.push_back(fmt::format(fmt::runtime(expression), "excluded"));
    ours.push_back(fmt::format(fmt::runtime(expression), table));
  }
  for (const std::string& column : columns) {
    if (std::find(keys.begin(), keys.end(), column) != keys.end()) continue;
    updates.push_back(fmt::format("{0} = excluded.{0}", column));
    if (referred(column)) continue;
    theirs.push_back(fmt::format("ifnull(excluded.{}, '')", column));
    ours.push_back(fmt::format("ifnull({}.{}, '')", table, column));
  }
  std::string conflict = fmt::format("ON CONFLICT ({}) DO ", fmt::join(keys, ", "));
  conflict += updates.empty() ? "NOTHING"
                              : fmt::format("UPDATE SET {} WHERE ({}) > ({})", fmt::join(updates, ", "),
                                            fmt::join(theirs, ", "), fmt::join(ours, ", "));
  insert(table, columns, conflict);
}

void TableMerger::add_new(const std::string& table, const Names& keys) {
  insert(table, columns_of(database_, table),
         fmt::format("ON CONFLICT ({}) DO NOTHING", fmt::join(keys, ", ")));
}

void TableMerger::copy(const std::string& table) {
  insert(table, columns_of(database_, table), "");
}

void TableMerger::map_ids(const std::string& table, const Names& keys) {
  start_map(table);
  std::string joins;
  Names same;
  for (const std::string& key : keys) {
    same.push_back(fmt::format("ours.{} IS {}", key, value_of(key, joins)));
  }
  database_.execute(
      fmt::format("INSERT INTO temp.map_{1} SELECT theirs.id, ours.id FROM {0}.{1} AS theirs {2} "
                  "JOIN main.{1} AS ours ON {3}",
                  schema_, table, joins, fmt::join(same, " AND ")));
}

void TableMerger::start_map(const std::string& table) {
  database_.execute(fmt::format("DROP TABLE IF EXISTS temp.map_{}", table));
  database_.execute(
      fmt::format("CREATE TABLE temp.map_{} (theirs INTEGER PRIMARY KEY, ours INTEGER)", table));
}

void TableMerger::map(const std::string& table, int64_t theirs, int64_t ours) {
  Statement(database_, fmt::format("INSERT INTO temp.map_{} VALUES (?, ?)", table)).bind(theirs, ours).run();
}

void TableMerger::insert(const std::string& table, const Names& columns, const std::string& conflict) {
  std::string joins;
  Names values;
  for (const std::string& column : columns) values.push_back(value_of(column, joins));
  // WHERE true: without it, SQLite takes ON CONFLICT for the ON of a join.
  database_.execute(
      fmt::format("INSERT INTO main.{0} ({1}) SELECT {2} FROM {3}.{0} AS theirs {4} WHERE true {5}", table,
                  fmt::join(columns, ", "), fmt::join(values, ", "), schema_, joins, conflict));
}

std::vector<std::pair<int64_t, int64_t>> TableMerger::mapped(const std::string& table) {
  Statement row(database_, fmt::format("SELECT theirs, ours FROM temp.map_{}", table));
  std::vector<std::pair<int64_t, int64_t>> pairs;
  while (row.step()) pairs.emplace_back(row.integer(0), row.integer(1));
  return pairs;
}

std::string content_hash(Database& database, const std::string& schema, const std::string& table,
                         const std::string& owner, int64_t id) {
  std::string joins;
  Names values;
  for (const std::string& column : columns_of(database, table)) {
    if (column == owner) continue;
    values.push_back(natural(schema, column, joins));
  }
  std::vector<size_t> positions(values.size());
  std::iota(positions.begin(), positions.end(), size_t{1});
  Statement row(database, fmt::format("SELECT {} FROM {}.{} AS part {} WHERE part.{} = ? ORDER BY {}",
                                      fmt::join(values, ", "), schema, table, joins, owner,
                                      fmt::join(positions, ", ")));
  row.bind(id);
  Sha256 hash;
  while (row.step()) {
    for (size_t column = 0; column < values.size(); ++column) {
      hash.update(row.text(static_cast<int>(column)));
      hash.update(std::string_view("\0", 1));
    }
  }
  return to_hex(hash.digest());
}

}  // namespace sizeup
