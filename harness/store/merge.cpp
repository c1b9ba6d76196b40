#include "harness/store/merge.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>

#include "core/io/sha256.h"
#include "harness/store/connection.h"
#include "harness/store/merge_tables.h"
#include "harness/store/schema.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Failure;
using sqlite::Statement;
using sqlite::Transaction;
using Names = TableMerger::Names;

// A run apart from the name that it has here.
struct KnownRun {
  int64_t id = 0;
  std::string name;
  std::string base;  // the name that it was given
  std::string created_at;
  std::string digest;
};

std::string digest_of(const std::string& base, const Statement& row) {
  std::string all = base;
  for (int column = 2; column <= 8; ++column) all += '\0' + row.text(column);
  return sha256_hex(all);
}

std::string renamed(const std::string& base, const std::string& digest) {
  constexpr size_t kDigits = 8;  // runs of one name: a few
  return base + "@" + digest.substr(0, kDigits);
}

std::vector<KnownRun> runs_of(Database& database, const std::string& schema) {
  Statement row(
      database,
      fmt::format("SELECT run.id, name, created_at, now, protocol, seed, settings, program, machine "
                  "FROM {0}.run JOIN {0}.environment ON environment.id = environment_id ORDER BY run.id",
                  schema));
  std::vector<KnownRun> runs;
  while (row.step()) {
    KnownRun run{row.integer(0), row.text(1), row.text(1), row.text(2), digest_of(row.text(1), row)};
    // A name that an earlier merge gave.
    const std::string base = run.name.substr(0, run.name.rfind('@'));
    if (base != run.name) {
      std::string digest = digest_of(base, row);
      if (run.name == renamed(base, digest)) {
        run.base = base;
        run.digest = std::move(digest);
      }
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

class RunMerger {
 public:
  explicit RunMerger(Database& database) : database_(database) {
    for (KnownRun& run : runs_of(database, "main")) {
      by_digest_[run.digest] = run.id;
      known_[run.id] = std::move(run);
    }
  }

  void take(TableMerger& tables, MergeReport& report) {
    tables.start_map("run");
    Statement finish(database_,
                     fmt::format("UPDATE main.run SET finished_at = nullif(max(ifnull(finished_at, ''), "
                                 "ifnull((SELECT finished_at FROM {}.run WHERE id = ?), '')), '') "
                                 "WHERE id = ?",
                                 tables.schema()));
    Statement add(database_,
                  fmt::format("INSERT INTO main.run (name, created_at, finished_at, now, protocol, seed, "
                              "settings, environment_id, texts) SELECT ?, created_at, finished_at, now, "
                              "protocol, seed, settings, map_environment.ours, texts FROM {}.run "
                              "JOIN temp.map_environment ON map_environment.theirs = environment_id "
                              "WHERE id = ?",
                              tables.schema()));
    for (KnownRun& run : runs_of(database_, tables.schema())) {
      const int64_t theirs = run.id;
      const auto found = by_digest_.find(run.digest);
      if (found != by_digest_.end()) {
        finish.bind(theirs, found->second).run();
        tables.map("run", theirs, found->second);
        continue;
      }
      add.bind(run.digest, theirs).run();  // its name may be taken: see name_all
      run.id = database_.last_insert_id();
      tables.map("run", theirs, run.id);
      by_digest_[run.digest] = run.id;
      known_[run.id] = std::move(run);
      ++report.runs;
    }
  }

  // Names depend on which runs there are, and on nothing else.
  void name_all(MergeReport& report) {
    std::map<std::string, std::vector<const KnownRun*>> by_base;
    for (const auto& [id, run] : known_) by_base[run.base].push_back(&run);
    Statement name(database_, "UPDATE main.run SET name = ? WHERE id = ?");
    for (const auto& [id, run] : known_) name.bind(run.digest, id).run();
    for (auto& [base, runs] : by_base) {
      std::sort(runs.begin(), runs.end(), [](const KnownRun* a, const KnownRun* b) {
        return std::tie(a->created_at, a->digest) < std::tie(b->created_at, b->digest);
      });
      for (const KnownRun* run : runs) {
        const std::string given = run == runs.front() ? base : renamed(base, run->digest);
        name.bind(given, run->id).run();
        if (given != run->name) report.renamed.emplace_back(run->name, given);
      }
    }
  }

 private:
  Database& database_;
  std::map<int64_t, KnownRun> known_;  // by our ids
  std::map<std::string, int64_t> by_digest_;
};

// The tables of an evaluation's parts.
constexpr std::array kParts = {"answer", "score", "sample_response", "timing",
                               "result", "cost",  "measurement"};

// Greater is better: finished, then more answers, then any order that does not depend on the file.
struct EvaluationRank {
  bool finished = false;
  int64_t answers = 0;
  std::string content;

  auto operator<=>(const EvaluationRank&) const = default;
};

EvaluationRank rank(Database& database, const std::string& schema, int64_t id) {
  Statement row(database,
                fmt::format("SELECT finished_at IS NOT NULL, (SELECT count(*) FROM {0}.answer WHERE "
                            "evaluation_id = evaluation.id), (SELECT count(*) FROM {0}.timing WHERE "
                            "evaluation_id = evaluation.id), ifnull(finished_at, '') || ifnull(wall_ms, '') "
                            "|| ifnull(counts, '') FROM {0}.evaluation WHERE id = ?",
                            schema));
  row.bind(id).step();
  EvaluationRank found{row.integer(0) != 0, row.integer(1) + row.integer(2), row.text(3)};
  for (const char* part : kParts) found.content += content_hash(database, schema, part, "evaluation_id", id);
  return found;
}

// New evaluations are added; of one that both have, the better one is taken whole, so that scores, results
// and answers belong together.
void merge_evaluations(Database& database, TableMerger& tables) {
  const Names keys = {"run_id", "model_id", "task_id", "scenario"};
  tables.map_ids("evaluation", keys);
  for (const auto& [theirs, ours] : tables.mapped("evaluation")) {
    if (rank(database, "main", ours) >= rank(database, tables.schema(), theirs)) continue;
    for (const char* part : kParts)
      database.execute(fmt::format("DELETE FROM main.{} WHERE evaluation_id = {}", part, ours));
    database.execute(fmt::format("DELETE FROM main.evaluation WHERE id = {}", ours));
  }
  // What stays has its parts; what is added gets them.
  database.execute("DROP TABLE IF EXISTS temp.kept");
  database.execute("CREATE TEMP TABLE kept AS SELECT id FROM main.evaluation");
  tables.add_new("evaluation", keys);
  tables.map_ids("evaluation", keys);
  database.execute("DELETE FROM temp.map_evaluation WHERE ours IN (SELECT id FROM temp.kept)");
  for (const char* part : kParts) tables.copy(part);
}

// Results of groups belong to a run as a whole.
void merge_groups(Database& database, TableMerger& tables) {
  const auto rank_of = [&](const std::string& schema, int64_t run) {
    const int64_t rows =
        database.integer(fmt::format("SELECT count(*) FROM {}.group_result WHERE run_id = {}", schema, run));
    return std::pair(rows, content_hash(database, schema, "group_result", "run_id", run));
  };
  for (const auto& [theirs, ours] : tables.mapped("run")) {
    if (rank_of("main", ours) >= rank_of(tables.schema(), theirs)) {
      database.execute(fmt::format("DELETE FROM temp.map_run WHERE theirs = {}", theirs));
    } else {
      database.execute(fmt::format("DELETE FROM main.group_result WHERE run_id = {}", ours));
    }
  }
  tables.copy("group_result");
}

void merge_one(Database& database, const std::string& schema, RunMerger& runs, MergeReport& report) {
  TableMerger tables(database, schema);
  const std::map<std::string, Names> keys = {
      {"environment", {"program", "machine"}},
      {"model", {"name", "reference", "fingerprint", "card"}},
      {"task", {"name", "definition_hash", "data_hash"}},
      {"sample", {"task_id", "document_id", "document_hash", "prompt_hash"}},
      {"prompt", {"hash"}},
      {"response", {"key"}},
  };
  const auto unite = [&](const std::string& table, const Names& better) {
    tables.unite(table, keys.at(table), better);
    tables.map_ids(table, keys.at(table));
  };
  unite("environment", {});
  unite("model", {});
  unite("task", {});
  runs.take(tables, report);
  unite("sample", {"NOT {}.edited"});
  unite("prompt", {"NOT {}.edited"});
  report.differing += database.integer(
      fmt::format("SELECT count(*) FROM {}.response AS theirs JOIN main.response AS ours USING (key) WHERE "
                  "NOT theirs.edited AND NOT ours.edited AND (theirs.text IS NOT ours.text OR "
                  "theirs.logprob IS NOT ours.logprob)",
                  schema));
  unite("response", {"NOT {}.edited", "ifnull(-julianday({}.created_at), 0)"});
  merge_evaluations(database, tables);
  merge_groups(database, tables);
  tables.unite("label", {"task", "document_id", "model", "run", "annotator"}, {"{}.imported_at"});
}

// A file to merge: itself, or a copy of this version of an older one, removed at the end.
class Source {
 public:
  Source(std::filesystem::path file, const std::filesystem::path& beside) : file_(std::move(file)) {
    Database original(file_, sqlite::Access::read);
    check_version(original, file_.string());
    if (original.integer("PRAGMA user_version") == kSchemaVersion) return;
    std::string name = (beside / "sizeup-merge-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    if (descriptor < 0)
      throw Failure(
          {ErrorKind::unavailable, beside.string(), "a copy of an older store cannot be made here", "", ""});
    close(descriptor);
    copy_ = name;
    Database copy(copy_, sqlite::Access::write);
    sqlite3_backup* backup = sqlite3_backup_init(copy.handle(), "main", original.handle(), "main");
    if (backup == nullptr) copy.fail(sqlite3_errcode(copy.handle()), "copying an older store");
    const int code = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) copy.fail(code, "copying an older store");
    bring_up_to_date(copy);
  }
  ~Source() {
    if (copy_.empty()) return;
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(copy_.string() + ending, ignored);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::filesystem::path& file() const { return copy_.empty() ? file_ : copy_; }

 private:
  std::filesystem::path file_;
  std::filesystem::path copy_;
};

// Files beside the store's own, until the end.
class Attached {
 public:
  explicit Attached(Database& database) : database_(database) {}
  ~Attached() {
    for (const std::string& schema : schemas_)
      sqlite3_exec(database_.handle(), ("DETACH " + schema).c_str(), nullptr, nullptr, nullptr);
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  void add(const std::filesystem::path& file) {
    std::string schema = fmt::format("source_{}", schemas_.size());
    Statement(database_, "ATTACH ? AS " + schema).bind(file.string()).run();
    schemas_.push_back(std::move(schema));
  }
  const std::vector<std::string>& schemas() const { return schemas_; }

 private:
  Database& database_;
  std::vector<std::string> schemas_;
};

Result<void> check_files(const Store& into, std::span<const std::filesystem::path> from) {
  constexpr size_t kMostFiles = 10;  // SQLITE_MAX_ATTACHED
  if (from.size() > kMostFiles) {
    return usage_error(fmt::format("{} files to merge, and SQLite reads {} at once", from.size(), kMostFiles),
                       "merge them in several steps: their order makes no difference");
  }
  for (const std::filesystem::path& file : from) {
    if (auto there = store_exists(file); !there) return there;
    std::error_code ignored;
    if (std::filesystem::equivalent(file, into.file(), ignored))
      return usage_error(fmt::format("'{}' cannot be merged into itself", file.string()));
  }
  return {};
}

}  // namespace

Result<MergeReport> merge_stores(Store& into, std::span<const std::filesystem::path> from) {
  if (auto good = check_files(into, from); !good) return forward_error(good);
  return with_database(into, [&](Database& database) {
    std::vector<std::unique_ptr<Source>> sources;
    const std::filesystem::path beside = std::filesystem::absolute(into.file()).parent_path();
    for (const std::filesystem::path& file : from) sources.push_back(std::make_unique<Source>(file, beside));
    Attached attached(database);
    for (const auto& source : sources) attached.add(source->file());

    MergeReport report;
    Transaction transaction(database);
    const auto rows = [&](const char* table) {
      return database.integer(fmt::format("SELECT count(*) FROM main.{}", table));
    };
    const int64_t samples = rows("sample");
    const int64_t responses = rows("response");
    {
      RunMerger runs(database);
      for (const std::string& schema : attached.schemas()) merge_one(database, schema, runs, report);
      runs.name_all(report);
    }
    report.samples = rows("sample") - samples;
    report.responses = rows("response") - responses;
    transaction.commit();
    return report;
  });
}

}  // namespace sizeup
