// How the pair's headlines moved over the runs of the store.
#include <algorithm>

#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// More points than this are a smear on a plot of some hundred pixels; the newest stay.
constexpr size_t kMostPoints = 100;

bool same_question(const HistoryRow& row, const EvaluationRow& evaluation) {
  return row.definition_hash == evaluation.task.definition_hash &&
         row.data_hash == evaluation.task.data_hash && row.protocol == evaluation.protocol &&
         row.chat_template == evaluation.chat_template && row.num_fewshot == evaluation.num_fewshot;
}

Result<ReportHistory> history_of(const Store& store, const RunContent& content, int model, int task) {
  const EvaluationRow& evaluation =
      content.cells[static_cast<size_t>(model)][static_cast<size_t>(task)].evaluation;
  ReportHistory out;
  out.model = model;
  out.task = task;
  if (evaluation.task.metrics.empty()) return out;
  auto rows =
      read_history(store, evaluation.model.name, evaluation.task.name, evaluation.task.metrics.front().name);
  if (!rows) return forward_error(rows);
  for (const HistoryRow& row : *rows) {
    // Later runs are not this report's past.
    if (row.created_at > content.run.created_at) continue;
    if (!same_question(row, evaluation)) {
      ++out.left_out;
      continue;
    }
    ReportHistory::Point point{clean_name(row.run),
                               clean_name(row.created_at),
                               clean_name(row.fingerprint),
                               {row.result.value, row.result.lo.value_or(kNoNumber),
                                row.result.hi.value_or(kNoNumber), row.result.n},
                               false};
    point.other_weights = !out.points.empty() && out.points.back().fingerprint != point.fingerprint;
    out.points.push_back(std::move(point));
  }
  if (out.points.size() > kMostPoints)
    out.points.erase(out.points.begin(), out.points.end() - static_cast<std::ptrdiff_t>(kMostPoints));
  return out;
}

}  // namespace

Result<void> read_histories(const Store& store, const RunContent& content, ReportData& data) {
  for (int task = 0; task < static_cast<int>(data.tasks.size()); ++task) {
    for (const int model : {data.candidate, data.baseline}) {
      if (model < 0 || !content.cells[static_cast<size_t>(model)][static_cast<size_t>(task)].present)
        continue;
      auto history = history_of(store, content, model, task);
      if (!history) return forward_error(history);
      if (history->points.size() > 1) data.history.push_back(std::move(*history));
    }
  }
  return {};
}

}  // namespace sizeup
