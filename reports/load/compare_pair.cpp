// Candidate minus baseline: per task, over all tasks, per slice.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

void append(std::vector<double>& all, const std::vector<double>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

// The scores of one value of a slice field.
struct SliceScores {
  std::string field;
  std::string value;
  std::vector<double> candidate;
  std::vector<double> baseline;
};

// In the order of the task's fields and of the data. A field with a single value is the whole task again.
std::vector<SliceScores> slice_scores(const PairedScores& scores, const std::vector<std::string>& fields,
                                      const Redactor& redactor) {
  std::vector<SliceScores> out;
  for (const std::string& field : fields) {
    const size_t first = out.size();
    std::unordered_map<std::string, size_t> places;
    for (size_t i = 0; i < scores.samples.size(); ++i) {
      const auto stored = scores.samples[i]->slices.find(field);
      if (stored == scores.samples[i]->slices.end()) continue;
      const std::string value = shown_name(redactor, stored->second);
      const auto [place, is_new] = places.try_emplace(value, out.size());
      if (is_new) out.push_back({shown_name(redactor, field), value, {}, {}});
      out[place->second].candidate.push_back(scores.candidate[i]);
      out[place->second].baseline.push_back(scores.baseline[i]);
    }
    if (out.size() - first < 2) out.resize(first);
  }
  return out;
}

void compare_slices(const std::vector<SliceScores>& slices, int task, double margin,
                    std::vector<ReportDifference>& out) {
  // Bonferroni over the slices of the task, for the one that is picked because it is the lowest.
  const double confidence =
      1.0 - (1.0 - kConfidence) / static_cast<double>(std::max<size_t>(1, slices.size()));
  for (const SliceScores& slice : slices) {
    ReportDifference difference = difference_of(slice.candidate, slice.baseline, margin);
    difference.task = task;
    difference.slice_field = slice.field;
    difference.slice_value = slice.value;
    const PairedDifference wide = paired_difference(slice.candidate, slice.baseline, confidence);
    difference.widened = {wide.lo, wide.hi};
    out.push_back(std::move(difference));
  }
}

}  // namespace

PairedScores paired_scores(const RunContent& content, const ReportData& data, size_t task,
                           int candidate_model, int baseline_model) {
  PairedScores out;
  const Cell& candidate = content.cells[static_cast<size_t>(candidate_model)][task];
  const Cell& baseline = content.cells[static_cast<size_t>(baseline_model)][task];
  const bool comparable =
      candidate.present && baseline.present && candidate.evaluation.protocol == baseline.evaluation.protocol;
  if (!comparable) return out;
  const auto by_sample = [&](const Cell& cell) {
    std::unordered_map<int64_t, double> scores;
    for (const AnswerRow& answer : cell.answers) {
      if (const std::optional<double> score = pair_score(answer, data.tasks[task]))
        scores[answer.sample_id] = *score;
    }
    return scores;
  };
  const auto small = by_sample(candidate);
  const auto large = by_sample(baseline);
  for (const SampleRow& sample : content.samples[task]) {
    const auto a = small.find(sample.id);
    const auto b = large.find(sample.id);
    if (a == small.end() || b == large.end()) continue;
    out.candidate.push_back(a->second);
    out.baseline.push_back(b->second);
    out.samples.push_back(&sample);
  }
  return out;
}

ReportDifference difference_of(const std::vector<double>& candidate, const std::vector<double>& baseline,
                               double margin) {
  ReportDifference out;
  out.candidate = mean(candidate);
  out.baseline = mean(baseline);
  out.result = non_inferiority(paired_difference(candidate, baseline), margin);
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
  std::vector<double> all_candidate;
  std::vector<double> all_baseline;
  std::vector<double> p_values;
  double margin = 1.0;
  for (size_t task = 0; task < data.tasks.size(); ++task) {
    const PairedScores scores = paired_scores(content, data, task, data.candidate, data.baseline);
    if (scores.samples.empty()) continue;
    const ReportTask& about = data.tasks[task];
    ReportDifference difference = difference_of(scores.candidate, scores.baseline, about.margin);
    difference.task = static_cast<int>(task);
    difference.kept = retention(scores.candidate, scores.baseline);
    p_values.push_back(difference.result.difference.p);
    data.differences.push_back(std::move(difference));
    compare_slices(slice_scores(scores, content.tasks[task].slice_fields, redactor), static_cast<int>(task),
                   about.margin, data.slices);
    append(all_candidate, scores.candidate);
    append(all_baseline, scores.baseline);
    margin = std::min(margin, about.margin);
  }
  const std::vector<double> adjusted = holm(p_values);
  for (size_t i = 0; i < adjusted.size(); ++i) data.differences[i].holm_p = adjusted[i];
  if (data.differences.size() < 2) return;
  data.overall = difference_of(all_candidate, all_baseline, margin);
  data.overall->kept = retention(all_candidate, all_baseline);
}

}  // namespace sizeup
