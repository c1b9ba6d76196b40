// The SQLite file that holds runs, answers and results: opening it, and the rows a run needs before it
// starts. SQL lives in this folder only. See schema.sql for the tables, read.h for reading, writer.h for a
// run's answers.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/records.h"
#include "harness/store/texts.h"

namespace sizeup {

enum class StoreAccess {
  read,           // the file must exist
  write,          // created if absent; a killed process loses nothing that was committed
  write_durable,  // the same for power loss: every commit waits for the disk
};

// Samples to store, one at a time in their order: a large task need not hold all of their rows.
class SampleList {
 public:
  SampleList(size_t count, std::function<Result<SampleRow>(size_t)> row)
      : count_(count), row_(std::move(row)) {}
  // `rows` must live as long as the list.
  SampleList(const std::vector<SampleRow>& rows)
      : SampleList(rows.size(), [&rows](size_t index) { return rows[index]; }) {}

  size_t size() const { return count_; }
  Result<SampleRow> row(size_t index) const { return row_(index); }

 private:
  size_t count_;
  std::function<Result<SampleRow>(size_t)> row_;
};

// Functions may be called from several threads; each is atomic.
class Store {
 public:
  // Errors: not an SQLite file, not made by sizeup, made by a newer sizeup, damaged, not writable, locked by
  // another process for longer than `patience` (which holds for every later call too).
  static Result<Store> open(const std::filesystem::path& file, StoreAccess access);
  static Result<Store> open(const std::filesystem::path& file, StoreAccess access,
                            std::chrono::milliseconds patience);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& file() const;

  // For what is written from now on. Rows that hold their texts already keep them; edited rows are filled in
  // by a rule that keeps all.
  void set_text_rule(TextRule rule);

  // A new run with its evaluations and samples, all or nothing. `run.name` empty: today's date and a number.
  // Rows that are there already are found, not repeated.
  struct Plan {
    RunRow run;
    std::vector<EvaluationRow> evaluations;
    std::vector<SampleList> samples;  // evaluations of one task share theirs
    std::vector<size_t> lists;        // by evaluation: which of `samples` has those of its task
  };
  struct Planned {
    RunRow run;
    std::vector<int64_t> evaluation_ids;
    std::vector<std::vector<int64_t>> sample_ids;  // by list
  };
  Result<Planned> create_run(const Plan& plan);

  // The same plan for the run that exists as plan.run. bad_input if a model, a task or its data has changed
  // since.
  Result<Planned> find_run_plan(const Plan& plan);

  // The stored response with this key. A generated text that was left out or redacted cannot be scored any
  // more: it is not found.
  Result<std::optional<ResponseRow>> find_response(const std::string& key) const;

  // Of this evaluation, or, where all its answers came from the store, the latest of the same model and task,
  // put in the same way, on the same machine; nothing if there is none.
  Result<void> add_measurement(int64_t evaluation_id, const MeasurementRow& measurement);
  Result<std::optional<MeasurementRow>> find_measurement(int64_t evaluation_id) const;

  // Replaces the results (and cost, if one is given) of an evaluation and stores its finished_at, wall_ms,
  // counts.
  Result<void> finish_evaluation(const EvaluationRow& evaluation, std::span<const ResultRow> results,
                                 const std::optional<CostRow>& cost);
  // Replaces the results of a run's groups of tasks; they are read back in this order.
  Result<void> store_groups(int64_t run_id, std::span<const GroupRow> groups);
  Result<void> finish_run(int64_t run_id, const std::string& finished_at);

  struct Connection;  // for the other files of this folder: connection.h
  Connection& connection() const { return *connection_; }

 private:
  explicit Store(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

// UTC now as the store writes it: 2026-11-21T03:04:05.678Z.
std::string stored_now();

}  // namespace sizeup
