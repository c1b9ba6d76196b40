// Variants and the worst slice of every model and task.
#include "harness/store/read_outcomes.h"
#include "reports/load/load_parts.h"

namespace sizeup {
namespace {

// Of a task whose slices are looked at: some 30 MB. Beyond, a report stays a matter of seconds without them.
constexpr int64_t kMostOutcomes = 100'000;

}  // namespace

Result<void> measure_robustness(const Store& store, const RunContent& content, const Redactor& redactor,
                                ReportData& data) {
  for (size_t task = 0; task < data.tasks.size(); ++task) {
    const std::vector<std::string>& fields = content.tasks[task].slice_fields;
    if (fields.empty() || content.pair_metrics[task].empty()) continue;
    for (size_t model = 0; model < data.models.size(); ++model) {
      const Cell& cell = content.cells[model][task];
      if (!cell.present || cell.evaluation.samples > kMostOutcomes) continue;
      auto outcomes = read_outcomes(store, cell.evaluation.id, content.pair_metrics[task]);
      if (!outcomes) return forward_error(outcomes);
      ReportRobustness entry{robustness_of(*outcomes, fields), static_cast<int>(model),
                             static_cast<int>(task)};
      if (!entry.variants && !entry.worst) continue;
      for (std::string& name : entry.names) name = shown_name(redactor, name);
      if (entry.worst) {
        entry.worst->field = shown_name(redactor, entry.worst->field);
        entry.worst->value = shown_name(redactor, entry.worst->value);
      }
      data.robustness.push_back(std::move(entry));
    }
  }
  return {};
}

}  // namespace sizeup
