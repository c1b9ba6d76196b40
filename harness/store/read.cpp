#include "harness/store/read.h"

#include <fmt/format.h>

#include "core/json/json.h"
#include "harness/store/connection.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Failure;
using sqlite::Statement;

constexpr std::string_view kRuns =
    "SELECT run.id, name, created_at, finished_at, now, protocol, seed, settings, program, machine, texts "
    "FROM run JOIN environment ON environment.id = run.environment_id ";

RunRow run_row(const Statement& statement) {
  RunRow run;
  run.id = statement.integer(0);
  run.name = statement.text(1);
  run.created_at = statement.text(2);
  run.finished_at = statement.optional_text(3);
  run.now = statement.text(4);
  run.protocol = statement.text(5);
  run.seed = statement.integer(6);
  run.settings = statement.text(7);
  run.program = statement.text(8);
  run.machine = statement.text(9);
  run.texts = statement.text(10);
  return run;
}

std::optional<RunRow> newest_run(Database& database, std::string_view condition) {
  Statement statement(database, fmt::format("{} {} ORDER BY run.id DESC LIMIT 1", kRuns, condition));
  if (!statement.step()) return std::nullopt;
  return run_row(statement);
}

// The newest that is no judging.
std::optional<RunRow> newest_asked_run(Database& database, std::string_view condition) {
  Statement statement(database, fmt::format("{} {} ORDER BY run.id DESC", kRuns, condition));
  while (statement.step()) {
    RunRow run = run_row(statement);
    if (!is_judging(run)) return run;
  }
  return std::nullopt;
}

std::string run_names(Database& database) {
  constexpr int kShown = 10;
  Statement statement(database, "SELECT name FROM run ORDER BY id DESC LIMIT ?");
  std::string names;
  statement.bind(kShown);
  while (statement.step()) names += (names.empty() ? "" : ", ") + statement.text(0);
  return names;
}

// Samples of an evaluation with an answer, or with a timing.
constexpr std::string_view kEvaluations =
    "SELECT evaluation.id, run_id, scenario, protocol, chat_template, num_fewshot, samples, finished_at, "
    "wall_ms, "
    "counts, model.id, model.name, reference, fingerprint, card, "
    "task.id, task.name, version, definition_hash, data_hash, output_type, description, metrics, "
    "slice_fields "
    "FROM evaluation JOIN model ON model.id = model_id JOIN task ON task.id = task_id "
    "WHERE run_id = ? ORDER BY evaluation.id";

EvaluationRow evaluation_row(const Statement& statement) {
  EvaluationRow row;
  int column = 0;
  row.id = statement.integer(column++);
  row.run_id = statement.integer(column++);
  row.scenario = statement.text(column++);
  row.protocol = statement.text(column++);
  row.chat_template = statement.integer(column++) != 0;
  if (!statement.is_null(column)) row.num_fewshot = static_cast<int>(statement.integer(column));
  ++column;
  row.samples = statement.integer(column++);
  row.finished_at = statement.optional_text(column++);
  row.wall_ms = statement.optional_real(column++);
  row.counts = statement.optional_text(column++);
  row.model.id = statement.integer(column++);
  row.model.name = statement.text(column++);
  row.model.reference = statement.text(column++);
  row.model.fingerprint = statement.text(column++);
  row.model.card = statement.text(column++);
  row.task.id = statement.integer(column++);
  row.task.name = statement.text(column++);
  row.task.version = statement.text(column++);
  row.task.definition_hash = statement.text(column++);
  row.task.data_hash = statement.text(column++);
  row.task.output_type = statement.text(column++);
  row.task.description = statement.text(column++);
  row.task.metrics = metric_rows(statement.text(column++));
  row.task.slice_fields = text_list(statement.text(column++));
  return row;
}

}  // namespace

bool is_judging(const RunRow& run) {
  const Result<Json> settings = parse_json(run.settings, run.name);
  if (!settings || !settings->is_object()) return false;
  const auto tasks = settings->find("tasks");
  if (tasks == settings->end() || !tasks->is_array() || tasks->empty() || !tasks->front().is_string())
    return false;
  return tasks->front().get<std::string>().starts_with(kJudgedTask);
}

Result<std::vector<RunRow>> read_runs(const Store& store) {
  return with_database(store, [](Database& database) {
    Statement statement(database, fmt::format("{} ORDER BY run.id", kRuns));
    std::vector<RunRow> runs;
    while (statement.step()) runs.push_back(run_row(statement));
    return runs;
  });
}

Result<RunRow> find_run(const Store& store, const std::string& name) {
  return with_database(store, [&](Database& database) {
    const std::string file = store.file().string();
    if (name == "latest") {
      std::optional<RunRow> run = newest_asked_run(database, "");
      if (!run) run = newest_run(database, "");
      if (run) return *run;
      throw Failure({ErrorKind::bad_input, file, "holds no run yet", "", "make one with `sizeup run`"});
    }
    Statement statement(database, fmt::format("{} WHERE name = ?", kRuns));
    if (statement.bind(name).step()) return run_row(statement);
    throw Failure({ErrorKind::bad_input, file, fmt::format("holds no run named '{}'", name),
                   run_names(database), "`sizeup list runs` shows them all"});
  });
}

Result<std::optional<RunRow>> find_unfinished_run(const Store& store) {
  return with_database(
      store, [](Database& database) { return newest_asked_run(database, "WHERE finished_at IS NULL"); });
}

Result<std::vector<std::string>> read_model_names(const Store& store, int64_t run_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(database,
                        "SELECT model.name FROM evaluation JOIN model ON model.id = model_id "
                        "WHERE run_id = ? GROUP BY model.id ORDER BY min(evaluation.id)");
    statement.bind(run_id);
    std::vector<std::string> names;
    while (statement.step()) names.push_back(statement.text(0));
    return names;
  });
}

Result<std::vector<EvaluationRow>> read_evaluations(const Store& store, int64_t run_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(database, kEvaluations);
    statement.bind(run_id);
    std::vector<EvaluationRow> rows;
    while (statement.step()) rows.push_back(evaluation_row(statement));
    return rows;
  });
}

Result<AnswerCounts> count_answers(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(database,
                        "SELECT (SELECT count(*) FROM answer WHERE evaluation_id = ?1) + "
                        "(SELECT count(*) FROM timing WHERE evaluation_id = ?1), "
                        "(SELECT count(*) FROM answer WHERE evaluation_id = ?1 AND error IS NOT NULL)");
    statement.bind(evaluation_id).step();
    return AnswerCounts{statement.integer(0), statement.integer(1)};
  });
}

Result<std::vector<ResultRow>> read_results(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT metric, slice_field, slice_value, result.value, lo, hi, n FROM result "
        "LEFT JOIN (SELECT metric.key AS position, json_extract(metric.value, '$.name') AS name "
        "           FROM evaluation JOIN task ON task.id = task_id, json_each(task.metrics) AS metric "
        "           WHERE evaluation.id = ?1) AS ordered ON ordered.name = result.metric "
        "WHERE evaluation_id = ?1 "
        "ORDER BY slice_field, slice_value, ordered.position IS NULL, ordered.position, metric");
    statement.bind(evaluation_id);
    std::vector<ResultRow> rows;
    while (statement.step()) {
      rows.push_back({statement.text(0), statement.text(1), statement.text(2), statement.real(3),
                      statement.optional_real(4), statement.optional_real(5), statement.integer(6)});
    }
    return rows;
  });
}

Result<std::optional<CostRow>> read_cost(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) -> std::optional<CostRow> {
    Statement statement(database,
                        "SELECT currency, per_request, per_1000_correct, total, basis, measured FROM cost "
                        "WHERE evaluation_id = ?");
    if (!statement.bind(evaluation_id).step()) return std::nullopt;
    return CostRow{statement.optional_text(0), statement.optional_real(1), statement.optional_real(2),
                   statement.optional_real(3), statement.text(4),          statement.text(5)};
  });
}

}  // namespace sizeup
