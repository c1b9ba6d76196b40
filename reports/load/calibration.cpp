// What stated confidence is worth: over all tasks with one kind of it, and on each.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "reports/calibration_text.h"
#include "reports/load/load_parts.h"

namespace sizeup {
namespace {

// Answers with a score and a confidence; a failed request has neither. Documents are numbered from `first`.
std::vector<StatedAnswer> stated_answers(const Cell& cell, const ReportTask& task, int64_t first) {
  std::vector<StatedAnswer> out;
  AnswersInOrder answers(cell);
  for (const SampleScore& score : cell.scores) {
    const double confidence = stated_confidence(answers.to(score.sample), task.pair_metric);
    if (std::isnan(confidence)) continue;
    out.push_back({confidence, score.value >= kRightFrom, first + score.document});
  }
  return out;
}

int64_t count_right(const std::vector<StatedAnswer>& answers) {
  return std::count_if(answers.begin(), answers.end(), [](const StatedAnswer& a) { return a.right; });
}

bool enough(const std::vector<StatedAnswer>& answers) {
  const int64_t right = count_right(answers);
  const auto n = static_cast<int64_t>(answers.size());
  return n >= kFewestCalibrated && right > 0 && right < n;
}

std::vector<RiskPoint> fiftieths(const std::vector<RiskPoint>& curve) {
  std::vector<RiskPoint> out;
  for (int part = 1; part <= 50; ++part) {
    const RiskPoint& point = point_at_coverage(curve, part / 50.0);
    if (out.empty() || out.back().answered != point.answered) out.push_back(point);
  }
  return out;
}

// Sorts the answers: nearly everything below looks at them in the order of confidence, and finds it there.
ReportCalibration calibrate(std::vector<StatedAnswer>& answers) {
  std::sort(answers.begin(), answers.end(), [](const StatedAnswer& a, const StatedAnswer& b) {
    return std::tie(a.confidence, a.document, a.right) < std::tie(b.confidence, b.document, b.right);
  });
  ReportCalibration out;
  out.n = static_cast<int64_t>(answers.size());
  out.right = count_right(answers);
  out.overconfidence = overconfidence(answers);
  out.confidence = out.overconfidence.value + out.share_right();
  out.bins = reliability_bins(answers);
  out.ece = calibration_error(answers);
  out.chance_ece = chance_calibration_error(answers);
  out.brier = brier_score(answers);
  out.auroc = auroc(answers);
  out.temperature = fit_temperature(answers);
  const std::vector<StatedAnswer> scaled = cross_fitted(answers);
  out.scaled_ece = calibration_error(reliability_bins(scaled));
  out.scaled_brier = brier_score(scaled).value;
  const std::vector<RiskPoint> curve = risk_coverage(answers);
  out.curve = fiftieths(curve);
  out.risk_area = risk_coverage_area(curve);
  return out;
}

// The entries of one model and kind; `most` is raised to the number of answers that have it.
void calibrate_model(const RunContent& content, std::string_view kind, int model, ReportData& data,
                     int64_t& most) {
  struct TaskAnswers {
    int task = 0;
    std::vector<StatedAnswer> answers;
  };
  std::vector<TaskAnswers> tasks;
  std::vector<StatedAnswer> all;
  int64_t first = 0;  // another task's documents are others
  for (size_t task = 0; task < data.tasks.size(); ++task) {
    const int64_t first_document = first;
    first += static_cast<int64_t>(content.samples[task].size());
    if (confidence_kind(data.tasks[task]) != kind) continue;
    const Cell& cell = content.cells[static_cast<size_t>(model)][task];
    std::vector<StatedAnswer> answers = stated_answers(cell, data.tasks[task], first_document);
    if (answers.empty()) continue;
    all.insert(all.end(), answers.begin(), answers.end());
    tasks.push_back({static_cast<int>(task), std::move(answers)});
  }
  most = std::max(most, static_cast<int64_t>(all.size()));
  if (!enough(all)) return;
  const auto add = [&](std::vector<StatedAnswer>& answers, int task) {
    ReportCalibration entry = calibrate(answers);
    entry.kind = kind;
    entry.model = model;
    entry.task = task;
    if (task >= 0) entry.curve.clear();
    data.calibration.push_back(std::move(entry));
  };
  add(all, -1);
  if (tasks.size() < 2) return;
  for (TaskAnswers& one : tasks) {
    if (enough(one.answers)) add(one.answers, one.task);
  }
}

}  // namespace

std::string_view confidence_kind(const ReportTask& task) {
  return confidence_kind(task.output_type, task.pair_metric, task.verbal_confidence);
}

void measure_calibration(const RunContent& content, ReportData& data) {
  int64_t most = 0;
  for (const ConfidenceKind& kind : kConfidenceKinds) {
    calibrate_model(content, kind.name, data.candidate, data, most);
    if (data.is_pair()) calibrate_model(content, kind.name, data.baseline, data, most);
  }
  if (!data.calibration.empty()) return;
  data.missing.push_back(
      most == 0
          ? std::string("Calibration needs answers with a confidence and a score between 0 and 1: score "
                        "choices with --protocol likelihood, or ask an endpoint that returns "
                        "log-probabilities.")
          : fmt::format("Calibration needs {} answers with a confidence, some right and some wrong; there "
                        "are {}: run again with more samples.",
                        kFewestCalibrated, most));
}

}  // namespace sizeup
