#include "harness/store/connection.h"
#include "harness/store/read.h"

namespace sizeup {

Result<std::vector<HistoryRow>> read_history(const Store& store, const std::string& model,
                                             const std::string& task, const std::string& metric) {
  return with_database(store, [&](sqlite::Database& database) {
    sqlite::Statement statement(
        database,
        "SELECT run.name, run.created_at, fingerprint, definition_hash, data_hash, evaluation.protocol, "
        "chat_template, num_fewshot, value, lo, hi, n "
        "FROM evaluation JOIN run ON run.id = run_id JOIN model ON model.id = model_id "
        "JOIN task ON task.id = task_id "
        "JOIN result ON evaluation_id = evaluation.id AND metric = ? AND slice_field = '' "
        "WHERE model.name = ? AND task.name = ? AND scenario = 'offline' AND run.finished_at IS NOT NULL "
        "ORDER BY run.created_at, run.id");
    statement.bind(metric, model, task);
    std::vector<HistoryRow> rows;
    while (statement.step()) {
      HistoryRow row;
      row.run = statement.text(0);
      row.created_at = statement.text(1);
      row.fingerprint = statement.text(2);
      row.definition_hash = statement.text(3);
      row.data_hash = statement.text(4);
      row.protocol = statement.text(5);
      row.chat_template = statement.integer(6) != 0;
      if (!statement.is_null(7)) row.num_fewshot = static_cast<int>(statement.integer(7));
      row.result.metric = metric;
      row.result.value = statement.real(8);
      row.result.lo = statement.optional_real(9);
      row.result.hi = statement.optional_real(10);
      row.result.n = statement.integer(11);
      rows.push_back(std::move(row));
    }
    return rows;
  });
}

}  // namespace sizeup
