// Candidate minus baseline: per task, over all tasks, per slice.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

void compare_slices(const PairedScores& scores, const std::vector<std::string>& fields,
                    const Redactor& redactor, int task, double margin, std::vector<ReportDifference>& out) {
  const SliceValue value = [&](size_t pair, const std::string& field) -> std::optional<std::string> {
    const auto stored = scores.samples[pair]->slices.find(field);
    if (stored == scores.samples[pair]->slices.end()) return std::nullopt;
    return shown_name(redactor, stored->second);
  };
  const std::vector<SlicePairs> slices = slices_of(scores.pairs, fields, value);
  const std::vector<Difference> differences = slice_differences(slices, margin);
  for (size_t i = 0; i < slices.size(); ++i) {
    out.push_back({differences[i], task, shown_name(redactor, slices[i].field), slices[i].value});
  }
}

}  // namespace

PairedScores paired_scores(const RunContent& content, size_t task, int candidate_model, int baseline_model) {
  PairedScores out;
  const Cell& candidate = content.cells[static_cast<size_t>(candidate_model)][task];
  const Cell& baseline = content.cells[static_cast<size_t>(baseline_model)][task];
  const bool comparable =
      candidate.present && baseline.present && candidate.evaluation.protocol == baseline.evaluation.protocol;
  if (!comparable) return out;
  const auto place = [](const SampleScore& score) { return std::tie(score.row, score.sample); };
  auto sample = content.samples[task].begin();
  auto b = baseline.scores.begin();
  for (const SampleScore& a : candidate.scores) {
    while (b != baseline.scores.end() && place(*b) < place(a)) ++b;
    if (b == baseline.scores.end() || b->sample != a.sample) continue;
    out.pairs.add(a.value, b->value, a.document);
    if (content.samples[task].empty()) continue;
    while (sample->id != a.sample) ++sample;  // every score's sample was read, in the same order
    out.samples.push_back(&*sample);
  }
  return out;
}

Result<int> model_named(const ReportData& data, const std::string& name) {
  std::vector<std::string> names;
  for (size_t i = 0; i < data.models.size(); ++i) {
    if (data.models[i].name == clean_name(name)) return static_cast<int>(i);
    names.push_back(data.models[i].name);
  }
  return usage_error(fmt::format("no model of the run '{}' is named '{}'", data.run.name, name),
                     fmt::format("its models are: {}", fmt::join(names, ", ")));
}

Result<void> choose_pair(const ReportOptions& options, ReportData& data) {
  const int count = static_cast<int>(data.models.size());
  // By parameters, then by the bytes that hold them. A model of unknown size is an endpoint: as large as can
  // be.
  const auto size = [&](int index) {
    const ReportModel& model = data.models[static_cast<size_t>(index)];
    constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();
    return std::pair(model.parameters > 0 ? model.parameters : kUnknown,
                     model.bytes > 0 ? model.bytes : kUnknown);
  };
  int candidate = -1;
  int baseline = -1;
  if (!options.candidate.empty()) {
    Result<int> found = model_named(data, options.candidate);
    if (!found) return forward_error(found);
    candidate = *found;
  }
  if (!options.baseline.empty()) {
    Result<int> found = model_named(data, options.baseline);
    if (!found) return forward_error(found);
    baseline = *found;
  }
  if (candidate >= 0 && candidate == baseline)
    return usage_error("--candidate and --baseline name the same model", "compare two models");
  for (int i = 0; i < count && options.candidate.empty(); ++i) {
    if (i != baseline && (candidate < 0 || size(i) < size(candidate))) candidate = i;
  }
  for (int i = 0; i < count && options.baseline.empty(); ++i) {
    if (i != candidate && (baseline < 0 || size(i) >= size(baseline))) baseline = i;
  }
  data.candidate = candidate < 0 ? 0 : candidate;
  data.baseline = baseline;
  return {};
}

void compare_pair(const RunContent& content, const Redactor& redactor, ReportData& data) {
  if (!data.is_pair()) return;
  Pairs all;
  std::vector<double> p_values;
  double margin = 1.0;
  for (size_t task = 0; task < data.tasks.size(); ++task) {
    const PairedScores scores = paired_scores(content, task, data.candidate, data.baseline);
    if (scores.pairs.empty()) continue;
    const ReportTask& about = data.tasks[task];
    ReportDifference difference{difference_of(scores.pairs, about.margin), static_cast<int>(task), {}, {}};
    difference.kept = retention(scores.pairs);
    p_values.push_back(difference.result.difference.p);
    data.differences.push_back(std::move(difference));
    if (!scores.samples.empty()) {
      compare_slices(scores, content.tasks[task].slice_fields, redactor, static_cast<int>(task), about.margin,
                     data.slices);
    }
    all.append(scores.pairs);
    margin = std::min(margin, about.margin);
  }
  const std::vector<double> adjusted = holm(p_values);
  for (size_t i = 0; i < adjusted.size(); ++i) data.differences[i].holm_p = adjusted[i];
  if (data.differences.size() < 2) return;
  data.overall = ReportDifference{difference_of(all, margin), -1, {}, {}};
  data.overall->kept = retention(all);
}

}  // namespace sizeup
