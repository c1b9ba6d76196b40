#include "harness/store/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "harness/store/connection.h"
#include "harness/store/schema.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Failure;
using sqlite::Statement;

std::vector<std::string> texts(Database& database, std::string_view sql) {
  Statement statement(database, sql);
  std::vector<std::string> rows;
  while (statement.step()) rows.push_back(statement.text(0));
  return rows;
}

// "table 'sample'" -> the statement that made it.
std::map<std::string, std::string> schema_of(Database& database) {
  std::map<std::string, std::string> schema;
  Statement statement(database,
                      "SELECT type || ' ''' || name || '''', sql FROM sqlite_schema "
                      "WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'");
  while (statement.step()) schema[statement.text(0)] = statement.text(1);
  return schema;
}

void compare_schema(Database& database, StoreCheck& check) {
  Database fresh(":memory:", sqlite::Access::write);
  for (const char* step : kSchema) fresh.execute(step);
  const std::map<std::string, std::string> expected = schema_of(fresh);
  const std::map<std::string, std::string> found = schema_of(database);
  for (const auto& [what, sql] : expected) {
    const auto here = found.find(what);
    if (here == found.end()) {
      check.problems.push_back(what + " is missing");
    } else if (here->second != sql) {
      check.problems.push_back(what + " is not as sizeup makes it");
    }
  }
  for (const auto& [what, sql] : found) {
    if (!expected.contains(what)) check.notes.push_back(what + " is not sizeup's");
  }
}

void check_foreign_keys(Database& database, StoreCheck& check) {
  Statement statement(
      database,
      "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2");
  while (statement.step()) {
    check.problems.push_back(fmt::format("{} rows of '{}' point to a row of '{}' that is not there",
                                         statement.integer(2), statement.text(0), statement.text(1)));
  }
}

// A count that ought to be 0, or is worth saying.
struct Count {
  const char* sql;
  const char* words;
};

constexpr std::array kWrong{
    Count{"SELECT count(*) FROM evaluation WHERE finished_at IS NOT NULL AND scenario = 'offline' AND "
          "samples != "
          "(SELECT count(*) FROM answer WHERE evaluation_id = evaluation.id)",
          "evaluations are finished, but not every sample has its answer"},
    Count{"SELECT count(*) FROM run WHERE finished_at IS NOT NULL AND EXISTS (SELECT 1 FROM evaluation "
          "WHERE run_id = run.id AND finished_at IS NULL)",
          "runs are finished, but not all of their evaluations"},
    Count{"SELECT count(*) FROM score WHERE NOT EXISTS (SELECT 1 FROM answer WHERE answer.evaluation_id = "
          "score.evaluation_id AND answer.sample_id = score.sample_id)",
          "scores belong to no answer"},
    Count{"SELECT count(*) FROM answer WHERE NOT json_valid(details)",
          "answers have details that are not JSON"},
    Count{"SELECT count(*) FROM sample WHERE NOT json_valid(slices)",
          "samples have slices that are not JSON"},
    Count{"SELECT count(*) FROM task WHERE NOT json_valid(metrics) OR NOT json_valid(slice_fields)",
          "tasks have metrics or slices that are not JSON"},
    Count{
        "SELECT count(*) FROM response WHERE NOT json_valid(tokens) OR NOT json_valid(token_logprobs) OR NOT "
        "json_valid(key_json)",
        "responses have tokens or keys that are not JSON"},
};

constexpr std::array kUnused{
    Count{"SELECT count(*) FROM response WHERE NOT EXISTS (SELECT 1 FROM sample_response WHERE response_id = "
          "response.id)",
          "responses are used by no sample"},
    Count{"SELECT count(*) FROM prompt WHERE NOT EXISTS (SELECT 1 FROM response WHERE prompt_id = prompt.id)",
          "prompts have no response"},
    Count{"SELECT count(*) FROM task WHERE NOT EXISTS (SELECT 1 FROM evaluation WHERE task_id = task.id)",
          "tasks are in no evaluation"},
    Count{"SELECT count(*) FROM model WHERE NOT EXISTS (SELECT 1 FROM evaluation WHERE model_id = model.id)",
          "models are in no evaluation"},
};

template <size_t N>
void add_counts(Database& database, const std::array<Count, N>& counts, std::vector<std::string>& to) {
  for (const Count& count : counts) {
    if (const int64_t found = database.integer(count.sql); found > 0)
      to.push_back(fmt::format("{} {}", found, count.words));
  }
}

void note_unfinished(Database& database, StoreCheck& check) {
  Statement statement(database,
                      "SELECT run.name, count(*), sum(evaluation.finished_at IS NULL) FROM run "
                      "JOIN evaluation ON evaluation.run_id = run.id WHERE run.finished_at IS NULL "
                      "GROUP BY run.id ORDER BY run.id");
  while (statement.step()) {
    check.notes.push_back(
        fmt::format("run '{}' is not finished: {} of {} evaluations remain (sizeup run --resume)",
                    statement.text(0), statement.integer(2), statement.integer(1)));
  }
}

void check_content(Database& database, StoreCheck& check) {
  for (const std::string& table : texts(database,
                                        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT "
                                        "LIKE 'sqlite_%' ORDER BY rowid")) {
    check.rows.emplace_back(table, database.integer(fmt::format("SELECT count(*) FROM \"{}\"", table)));
  }
  check_foreign_keys(database, check);
  add_counts(database, kWrong, check.problems);
  note_unfinished(database, check);
  add_counts(database, kUnused, check.notes);
}

}  // namespace

Result<StoreCheck> check_store(const std::filesystem::path& file) {
  if (auto there = store_exists(file); !there) return forward_error(there);
  return sqlite::guarded([&] {
    Database database(file, sqlite::Access::read);
    check_version(database, file.string());
    StoreCheck check;
    check.version = database.integer("PRAGMA user_version");
    check.bytes = database.integer("PRAGMA page_count") * database.integer("PRAGMA page_size");
    try {
      for (std::string& fault : texts(database, "PRAGMA integrity_check(20)")) {
        if (fault != "ok") check.problems.push_back(std::move(fault));
      }
    } catch (const Failure& failure) {  // so damaged that it cannot be gone through
      if (failure.error().kind != ErrorKind::bad_input) throw;
      check.problems.push_back(failure.error().message);
    }
    if (!check.problems.empty()) return check;  // what is read from damaged pages says nothing
    if (check.version == kSchemaVersion) {
      compare_schema(database, check);
    } else {
      check.notes.push_back(fmt::format("version {} of the tables: opening the file brings it to version {}",
                                        check.version, kSchemaVersion));
    }
    const bool tables_missing =
        std::any_of(check.problems.begin(), check.problems.end(),
                    [](const std::string& problem) { return problem.starts_with("table"); });
    if (!tables_missing) check_content(database, check);
    return check;
  });
}

}  // namespace sizeup
