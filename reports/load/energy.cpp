// Energy of requests, where the counters of processors or GPU were readable while they were answered.
#include "harness/cost/assumptions.h"
#include "reports/load/load_parts.h"

namespace sizeup {
namespace {

constexpr double kJoulesPerKwh = 3.6e6;

// Answers that are right; nothing where the headline is no count of right and wrong.
std::optional<double> right_answers(const Cell& cell, const std::string& headline) {
  double right = 0;
  for (const AnswerRow& answer : cell.answers) {
    if (answer.error) continue;
    const double* score = find_score(answer, headline);
    if (score == nullptr || (*score != 0.0 && *score != 1.0)) return std::nullopt;
    right += *score;
  }
  return right;
}

// One model's answers over all tasks, at what the measured ones took.
struct EnergySum {
  double joules = 0.0;
  double tokens = 0.0;
  double requests = 0.0;
  std::optional<double> right = 0.0;
  bool known = true;

  void add(const Cell& cell, const std::string& headline, const std::optional<MeasurementRow>& measured) {
    known = known && measured && measured->pass_joules && measured->samples > 0;
    if (!known) return;
    const auto answers = static_cast<double>(cell.answered);
    const double times = answers / static_cast<double>(measured->samples);
    joules += *measured->pass_joules * measured->pass_share * times;
    tokens += static_cast<double>(measured->input_tokens + measured->output_tokens) * times;
    requests += answers;
    const std::optional<double> more = right_answers(cell, headline);
    right = right && more ? std::optional(*right + *more) : std::nullopt;
  }
};

}  // namespace

Result<void> measure_energy(const Store& store, const RunContent& content, const ReportOptions& options,
                            ReportData& data) {
  const std::optional<double> grid = options.cost
                                         ? options.cost->grid_g_per_kwh
                                         : read_stored_costs(content.run.settings).assumptions.grid_g_per_kwh;
  for (size_t model = 0; model < content.models.size(); ++model) {
    EnergySum sum;
    for (size_t task = 0; task < content.tasks.size(); ++task) {
      const Cell& cell = content.cells[model][task];
      if (!cell.present) continue;
      auto measured = store.find_measurement(cell.evaluation.id);
      if (!measured) return forward_error(measured);
      sum.add(cell, data.tasks[task].metric, *measured);
    }
    ReportEnergy energy;
    energy.model = static_cast<int>(model);
    if (sum.known && sum.requests > 0) {
      energy.joules_per_request = sum.joules / sum.requests;
      if (sum.tokens > 0) energy.joules_per_token = sum.joules / sum.tokens;
      if (sum.right.value_or(0.0) > 0) energy.joules_per_correct = sum.joules / *sum.right;
      if (grid) energy.grams_per_1000 = 1000.0 * *energy.joules_per_request / kJoulesPerKwh * *grid;
    }
    data.energy.push_back(energy);
  }
  return {};
}

}  // namespace sizeup
