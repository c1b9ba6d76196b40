// Groups of tasks: their results of a run.
#include "harness/store/connection.h"
#include "harness/store/read.h"
#include "harness/store/store.h"

namespace sizeup {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

Result<void> Store::store_groups(int64_t run_id, std::span<const GroupRow> groups) {
  return with_database(*this, [&](Database& database) {
    Transaction transaction(database);
    Statement(database, "DELETE FROM group_result WHERE run_id = ?").bind(run_id).run();
    Statement insert(
        database,
        "INSERT INTO group_result (run_id, model_id, position, name, version, depth, tasks, metric, "
        "value, lo, hi, n, standard_error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    int64_t position = 0;
    for (const GroupRow& row : groups) {
      const ResultRow& result = row.result;
      insert
          .bind(run_id, row.model.id, position++, row.name, row.version, row.depth, row.tasks, result.metric,
                result.value, result.lo, result.hi, result.n, row.standard_error)
          .run();
    }
    transaction.commit();
  });
}

Result<std::vector<GroupRow>> read_groups(const Store& store, int64_t run_id) {
  return with_database(store, [&](Database& database) {
    std::vector<GroupRow> rows;
    Statement statement(
        database,
        "SELECT model.id, model.name, group_result.name, version, depth, tasks, metric, value, lo, hi, n, "
        "standard_error "
        "FROM group_result JOIN model ON model.id = model_id WHERE run_id = ? ORDER BY position");
    statement.bind(run_id);
    while (statement.step()) {
      GroupRow row;
      row.model.id = statement.integer(0);
      row.model.name = statement.text(1);
      row.name = statement.text(2);
      row.version = statement.text(3);
      row.depth = static_cast<int>(statement.integer(4));
      row.tasks = statement.integer(5);
      row.result = {statement.text(6),
                    "",
                    "",
                    statement.real(7),
                    statement.optional_real(8),
                    statement.optional_real(9),
                    statement.integer(10)};
      row.standard_error = statement.optional_real(11);
      rows.push_back(std::move(row));
    }
    return rows;
  });
}

}  // namespace sizeup
