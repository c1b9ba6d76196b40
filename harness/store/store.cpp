#include "harness/store/store.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "harness/store/connection.h"
#include "harness/store/schema.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Failure;
using sqlite::Statement;
using sqlite::Transaction;

// PRAGMA application_id of our files: "SIZE" in ASCII.
constexpr int64_t kApplicationId = 0x53495A45;

// Two programs that create the same file at once: the change to WAL does not always wait for locks by itself.
void use_write_ahead_log(Database& database) {
  constexpr std::chrono::milliseconds kPause{20};
  const auto deadline = std::chrono::steady_clock::now() + database.patience();
  while (true) {
    try {
      Statement statement(database, "PRAGMA journal_mode = WAL");
      statement.step();
      return;
    } catch (const Failure&) {
      if (std::chrono::steady_clock::now() >= deadline) throw;
      std::this_thread::sleep_for(kPause);
    }
  }
}

void prepare(Database& database, const std::string& file, StoreAccess access) {
  const bool empty = database.integer("PRAGMA user_version") == 0 &&
                     database.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (empty && access == StoreAccess::read) {
    throw Failure({ErrorKind::bad_input, file, "is an empty database", "a file that `sizeup run` made", ""});
  }
  if (access != StoreAccess::read && sqlite3_db_readonly(database.handle(), "main") != 0) {
    database.fail(SQLITE_READONLY, "opening it for writing");
  }
  if (empty) bring_up_to_date(database);
  check_version(database, file);
  if (database.integer("PRAGMA user_version") < kSchemaVersion) {
    Database writer(file, sqlite::Access::write);  // also for reading: there is one form of the tables only
    bring_up_to_date(writer);
  }
  database.execute("PRAGMA foreign_keys = ON");
  // Keys are hashes, so each response touches pages all over their indices. In 64 MB the inner pages of a few
  // million keys stay at hand (SQLite's default is 2 MB), and a page that several commits touch goes from the
  // log into the file once (the default is a checkpoint, with its syncs, every 4 MB: two commits).
  database.execute("PRAGMA cache_size = -65536");
  if (access != StoreAccess::read) database.execute("PRAGMA wal_autocheckpoint = 16384");
  // With the write-ahead log, NORMAL survives a killed process; FULL also survives a loss of power.
  database.execute(access == StoreAccess::write_durable ? "PRAGMA synchronous = FULL"
                                                        : "PRAGMA synchronous = NORMAL");
}

}  // namespace

Result<void> store_exists(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return {};
  return bad_input(file.string(), "file not found", "a file that `sizeup run` made", "name it with --db");
}

void bring_up_to_date(Database& database) {
  use_write_ahead_log(database);
  Transaction transaction(database);
  const int64_t version = database.integer("PRAGMA user_version");
  if (version >= kSchemaVersion) return;  // another program was first
  for (size_t step = static_cast<size_t>(version); step < kSchema.size(); ++step)
    database.execute(kSchema[step]);
  database.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
  database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
  transaction.commit();
}

void check_version(Database& database, const std::string& file) {
  const int64_t version = database.integer("PRAGMA user_version");
  const int64_t application = database.integer("PRAGMA application_id");
  if (application != kApplicationId) {
    throw Failure({ErrorKind::bad_input, file, "is an SQLite database, but not one of sizeup",
                   "a file that `sizeup run` made", "choose another file with --db"});
  }
  if (version > kSchemaVersion) {
    throw Failure({ErrorKind::bad_input, file,
                   fmt::format("was made by a newer sizeup (store version {})", version),
                   fmt::format("store version {}", kSchemaVersion), "update this sizeup"});
  }
}

Store::Store(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::filesystem::path& Store::file() const {
  return connection_->file;
}

void Store::set_text_rule(TextRule rule) {
  const std::lock_guard lock(connection_->mutex);
  connection_->texts = std::move(rule);
}

Result<Store> Store::open(const std::filesystem::path& file, StoreAccess access) {
  return open(file, access, sqlite::kPatience);
}

Result<Store> Store::open(const std::filesystem::path& file, StoreAccess access,
                          std::chrono::milliseconds patience) {
  if (access == StoreAccess::read) {
    if (auto there = store_exists(file); !there) return forward_error(there);
  }
  return sqlite::guarded([&] {
    auto connection = std::make_unique<Connection>(
        file, access == StoreAccess::read ? sqlite::Access::read : sqlite::Access::write, patience);
    prepare(connection->database, file.string(), access);
    return Store(std::move(connection));
  });
}

Result<std::optional<ResponseRow>> Store::find_response(const std::string& key) const {
  return with_database(*this, [&](Database& database) -> std::optional<ResponseRow> {
    Statement statement(
        database,
        fmt::format("SELECT {} FROM response JOIN prompt ON prompt.id = response.prompt_id "
                    "WHERE response.key = ? AND NOT (response.edited AND response.text IS NOT NULL)",
                    kResponseColumns));
    if (!statement.bind(key).step()) return std::nullopt;
    return read_response(statement, 0);
  });
}

Result<void> Store::add_measurement(int64_t evaluation_id, const MeasurementRow& measurement) {
  return with_database(*this, [&](Database& database) {
    Statement(database,
              "INSERT OR REPLACE INTO measurement (evaluation_id, samples, input_tokens, output_tokens, "
              "pass_ms, pass_share, cached_input_tokens, pass_joules) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(evaluation_id, measurement.samples, measurement.input_tokens, measurement.output_tokens,
              measurement.pass_ms, measurement.pass_share, measurement.cached_input_tokens,
              measurement.pass_joules)
        .run();
  });
}

Result<std::optional<MeasurementRow>> Store::find_measurement(int64_t evaluation_id) const {
  return with_database(*this, [&](Database& database) -> std::optional<MeasurementRow> {
    Statement find(
        database,
        "SELECT measurement.samples, input_tokens, output_tokens, pass_ms, pass_share, measured_run.name, "
        "measurement.cached_input_tokens, measurement.pass_joules "
        "FROM evaluation JOIN run ON run.id = evaluation.run_id "
        "JOIN evaluation AS measured ON measured.model_id = evaluation.model_id "
        "AND measured.task_id = evaluation.task_id AND measured.protocol = evaluation.protocol "
        "AND measured.chat_template = evaluation.chat_template "
        "AND measured.num_fewshot IS evaluation.num_fewshot AND measured.scenario = evaluation.scenario "
        "JOIN run AS measured_run ON measured_run.id = measured.run_id "
        "AND measured_run.environment_id = run.environment_id "
        "JOIN measurement ON measurement.evaluation_id = measured.id "
        "WHERE evaluation.id = ? ORDER BY measured.id = evaluation.id DESC, measured.id DESC LIMIT 1");
    if (!find.bind(evaluation_id).step()) return std::nullopt;
    return MeasurementRow{find.integer(0), find.integer(1), find.integer(2),          find.real(3),
                          find.real(4),    find.text(5),    find.optional_integer(6), find.optional_real(7)};
  });
}

Result<void> Store::finish_evaluation(const EvaluationRow& evaluation, std::span<const ResultRow> results,
                                      const std::optional<CostRow>& cost) {
  return with_database(*this, [&](Database& database) {
    Transaction transaction(database);
    Statement(database, "DELETE FROM result WHERE evaluation_id = ?").bind(evaluation.id).run();
    Statement insert(database,
                     "INSERT INTO result (evaluation_id, metric, slice_field, slice_value, value, lo, hi, n) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const ResultRow& row : results) {
      insert
          .bind(evaluation.id, row.metric, row.slice_field, row.slice_value, row.value, row.lo, row.hi, row.n)
          .run();
    }
    if (cost) {
      Statement(database,
                "INSERT OR REPLACE INTO cost (evaluation_id, currency, per_request, per_1000_correct, total, "
                "basis, measured) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)")
          .bind(evaluation.id, cost->currency, cost->per_request, cost->per_1000_correct, cost->total,
                cost->basis, cost->measured)
          .run();
    }
    Statement(database, "UPDATE evaluation SET finished_at = ?, wall_ms = ?, counts = ? WHERE id = ?")
        .bind(evaluation.finished_at, evaluation.wall_ms, evaluation.counts, evaluation.id)
        .run();
    transaction.commit();
  });
}

Result<void> Store::finish_run(int64_t run_id, const std::string& finished_at) {
  return with_database(*this, [&](Database& database) {
    Statement(database, "UPDATE run SET finished_at = ? WHERE id = ?").bind(finished_at, run_id).run();
  });
}

std::string stored_now() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto milliseconds = now.time_since_epoch().count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     milliseconds);
}

}  // namespace sizeup
