#include "harness/store/prune.h"

#include <fmt/format.h>

#include <array>

#include "harness/store/connection.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Failure;
using sqlite::Statement;
using sqlite::Transaction;

// The ids of the runs that go, in a table of this connection.
void choose(Database& database, const PruneRule& rule, const std::vector<int64_t>& named,
            const std::string& now) {
  database.execute("DROP TABLE IF EXISTS temp.pruned");
  database.execute("CREATE TEMP TABLE pruned (id INTEGER PRIMARY KEY)");
  Statement add(database, "INSERT OR IGNORE INTO temp.pruned VALUES (?)");
  for (const int64_t id : named) add.bind(id).run();
  if (!named.empty()) return;
  Statement(database,
            "INSERT INTO temp.pruned SELECT id FROM run WHERE finished_at IS NOT NULL "
            "AND (?1 IS NULL OR id NOT IN (SELECT id FROM run WHERE finished_at IS NOT NULL "
            "                              ORDER BY created_at DESC, id DESC LIMIT ifnull(?1, 0))) "
            "AND (?2 IS NULL OR julianday(?3) - julianday(created_at) > ?2)")
      .bind(rule.keep, rule.older_than, now)
      .run();
}

// In an order in which nothing is removed that something left points to. A run that is not finished may still
// ask all samples of its tasks.
struct Removal {
  const char* table;
  const char* which;
};
constexpr const char* kGone = "evaluation_id IN (SELECT id FROM temp.pruned_evaluation)";
constexpr std::array kRemovals{
    Removal{"score", kGone},
    Removal{"answer", kGone},
    Removal{"timing", kGone},
    Removal{"result", kGone},
    Removal{"cost", kGone},
    Removal{"measurement", kGone},
    Removal{
        "response",
        "id IN (SELECT response_id FROM temp.freed) AND id NOT IN (SELECT response_id FROM sample_response)"},
    Removal{"prompt",
            "id IN (SELECT prompt_id FROM temp.freed) AND id NOT IN (SELECT prompt_id FROM response)"},
    Removal{"group_result", "run_id IN (SELECT id FROM temp.pruned)"},
    Removal{"evaluation", "id IN (SELECT id FROM temp.pruned_evaluation)"},
    Removal{"run", "id IN (SELECT id FROM temp.pruned)"},
    Removal{"sample",
            "task_id NOT IN (SELECT task_id FROM evaluation WHERE finished_at IS NULL) "
            "AND id NOT IN (SELECT sample_id FROM answer) AND id NOT IN (SELECT sample_id FROM timing)"},
    Removal{"task", "id NOT IN (SELECT task_id FROM evaluation) AND id NOT IN (SELECT task_id FROM sample)"},
    Removal{"model", "id NOT IN (SELECT model_id FROM evaluation)"},
    Removal{"environment", "id NOT IN (SELECT environment_id FROM run)"},
};

void remove(Database& database, PruneReport& report) {
  database.execute("DROP TABLE IF EXISTS temp.pruned_evaluation");
  database.execute(
      "CREATE TEMP TABLE pruned_evaluation AS SELECT id FROM evaluation WHERE run_id IN (SELECT id FROM "
      "temp.pruned)");
  database.execute("DROP TABLE IF EXISTS temp.freed");
  database.execute(
      "CREATE TEMP TABLE freed AS SELECT DISTINCT response_id, prompt_id FROM sample_response "
      "JOIN response ON response.id = response_id WHERE evaluation_id IN (SELECT id FROM "
      "temp.pruned_evaluation)");
  database.execute(
      "DELETE FROM sample_response WHERE evaluation_id IN (SELECT id FROM temp.pruned_evaluation)");
  for (const Removal& removal : kRemovals) {
    Statement(database, fmt::format("DELETE FROM {} WHERE {}", removal.table, removal.which)).run();
    if (const int64_t gone = database.changes(); gone > 0) report.rows.emplace_back(removal.table, gone);
  }
}

std::vector<std::string> names_of_pruned(Database& database) {
  Statement statement(
      database, "SELECT name FROM run WHERE id IN (SELECT id FROM temp.pruned) ORDER BY created_at, id");
  std::vector<std::string> names;
  while (statement.step()) names.push_back(statement.text(0));
  return names;
}

// For each row that goes, SQLite would look through whole tables for rows that point to it; one check of all
// keys at the end takes their place.
class ForeignKeysOff {
 public:
  explicit ForeignKeysOff(Database& database) : database_(database) {
    database.execute("PRAGMA foreign_keys = OFF");
  }
  ~ForeignKeysOff() {
    sqlite3_exec(database_.handle(), "PRAGMA foreign_keys = ON", nullptr, nullptr, nullptr);
  }
  ForeignKeysOff(const ForeignKeysOff&) = delete;
  ForeignKeysOff& operator=(const ForeignKeysOff&) = delete;

 private:
  Database& database_;
};

// Rewrites the file without its free pages; what was removed is then no longer in it.
void compact(Database& database) {
  database.execute("VACUUM");
  Statement checkpoint(database, "PRAGMA wal_checkpoint(TRUNCATE)");
  checkpoint.step();
}

}  // namespace

Result<PruneReport> prune_store(Store& store, const PruneRule& rule, const std::string& now, bool dry_run) {
  std::vector<int64_t> named;
  for (const std::string& name : rule.runs) {
    auto run = find_run(store, name);
    if (!run) return forward_error(run);
    named.push_back(run->id);
  }
  return with_database(store, [&](Database& database) {
    PruneReport report;
    const int64_t page_bytes = database.integer("PRAGMA page_size");
    const ForeignKeysOff unchecked(database);
    const int64_t before = database.integer("PRAGMA page_count");
    {
      Transaction transaction(database);
      choose(database, rule, named, now);
      report.runs = names_of_pruned(database);
      if (report.runs.empty()) return report;
      const int64_t free_before = database.integer("PRAGMA freelist_count");
      remove(database, report);
      if (database.integer("SELECT count(*) FROM pragma_foreign_key_check") > 0) {
        throw Failure({ErrorKind::bad_input, store.file().string(), "has rows that point to missing ones", "",
                       "`sizeup db check` says which"});
      }
      report.bytes = (database.integer("PRAGMA freelist_count") - free_before) * page_bytes;
      if (dry_run) return report;
      transaction.commit();
    }
    try {
      compact(database);
      report.bytes = (before - database.integer("PRAGMA page_count")) * page_bytes;
    } catch (const Failure& failure) {
      report.not_compacted = failure.error();
      report.bytes = 0;
    }
    return report;
  });
}

}  // namespace sizeup
