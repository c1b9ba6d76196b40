#include "harness/store/labels.h"

#include <fmt/format.h>

#include "harness/store/connection.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

// Whether a label speaks of something that is there.
class Known {
 public:
  explicit Known(Database& database)
      : task_(database, "SELECT 1 FROM task WHERE name = ?"),
        document_(database,
                  "SELECT 1 FROM task JOIN sample ON sample.task_id = task.id WHERE task.name = ? AND "
                  "document_id = ?"),
        model_(database, "SELECT 1 FROM model WHERE name = ?"),
        run_(database, "SELECT 1 FROM run WHERE name = ?") {}

  std::optional<Error> missing(const LabelRow& row) {
    if (!task_.bind(row.task).step()) return error(row, fmt::format("the store has no task '{}'", row.task));
    if (!document_.bind(row.task, row.document_id).step())
      return error(row,
                   fmt::format("the store has no document '{}' of task '{}'", row.document_id, row.task));
    if (!row.model.empty() && !model_.bind(row.model).step())
      return error(row, fmt::format("the store has no model '{}'", row.model));
    if (!row.run.empty() && !run_.bind(row.run).step())
      return error(row, fmt::format("the store has no run '{}'", row.run));
    return std::nullopt;
  }

 private:
  static Error error(const LabelRow& row, std::string message) {
    return {ErrorKind::bad_input, row.place, std::move(message), "", ""};
  }

  Statement task_, document_, model_, run_;
};

}  // namespace

Result<LabelReport> store_labels(Store& store, std::span<const LabelRow> labels) {
  return with_database(store, [&](Database& database) {
    LabelReport report;
    Transaction transaction(database);
    {
      Known known(database);
      Statement find(database,
                     "SELECT 1 FROM label WHERE task = ? AND document_id = ? AND model = ? AND run = ? AND "
                     "annotator = ?");
      Statement put(database,
                    "INSERT OR REPLACE INTO label (task, document_id, model, run, annotator, label, score, "
                    "imported_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
      const std::string now = stored_now();
      for (const LabelRow& row : labels) {
        if (std::optional<Error> missing = known.missing(row)) {
          report.refused.push_back(std::move(*missing));
          continue;
        }
        if (find.bind(row.task, row.document_id, row.model, row.run, row.annotator).step()) ++report.replaced;
        put.bind(row.task, row.document_id, row.model, row.run, row.annotator, row.label, row.score, now)
            .run();
        ++report.imported;
      }
    }
    transaction.commit();
    return report;
  });
}

Result<std::vector<HumanScore>> read_human_scores(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT document_id, annotator, human_score FROM labelled WHERE evaluation_id = ? AND "
        "human_score IS NOT NULL ORDER BY document_id, annotator");
    statement.bind(evaluation_id);
    std::vector<HumanScore> scores;
    while (statement.step()) scores.push_back({statement.text(0), statement.text(1), statement.real(2)});
    return scores;
  });
}

}  // namespace sizeup
