// Candidate minus baseline: per task, over all tasks, per slice.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// Scores of both models on the samples that both have one for, in the order of the data.
struct PairedScores {
  std::vector<double> candidate;
  std::vector<double> baseline;
  std::vector<const SampleRow*> samples;
};

PairedScores paired_scores(const RunContent& content, const ReportData& data, size_t task) {
  PairedScores out;
  const Cell& candidate = content.cells[static_cast<size_t>(data.candidate)][task];
  const Cell& baseline = content.cells[static_cast<size_t>(data.baseline)][task];
  // Likelihood and written answers are different questions.
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

void append(std::vector<double>& all, const std::vector<double>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void compare_slices(const PairedScores& scores, int task, const Redactor& redactor, const ReportTask& about,
                    const std::vector<std::string>& fields, std::vector<ReportDifference>& out) {
  const size_t first = out.size();
  for (const std::string& field : fields) {
    std::vector<std::string> order;
    std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> values;
    for (size_t i = 0; i < scores.samples.size(); ++i) {
      const auto at = scores.samples[i]->slices.find(field);
      if (at == scores.samples[i]->slices.end()) continue;
      const std::string value = shown_name(redactor, at->second);
      if (!values.contains(value)) order.push_back(value);
      values[value].first.push_back(scores.candidate[i]);
      values[value].second.push_back(scores.baseline[i]);
    }
    if (order.size() < 2) continue;  // one value is the whole task again
    for (const std::string& value : order) {
      ReportDifference slice = difference_of(values[value].first, values[value].second, about.margin);
      slice.task = task;
      slice.slice_field = shown_name(redactor, field);
      slice.slice_value = value;
      // Bonferroni is done below, when the number of slices is known; it needs the scores once more.
      out.push_back(std::move(slice));
    }
  }
  const double confidence =
      1.0 - (1.0 - kConfidence) / static_cast<double>(std::max<size_t>(1, out.size() - first));
  size_t next = first;
  for (const std::string& field : fields) {
    const std::string shown_field = shown_name(redactor, field);
    while (next < out.size() && out[next].slice_field == shown_field) {
      std::vector<double> a;
      std::vector<double> b;
      for (size_t i = 0; i < scores.samples.size(); ++i) {
        const auto at = scores.samples[i]->slices.find(field);
        if (at == scores.samples[i]->slices.end() ||
            shown_name(redactor, at->second) != out[next].slice_value)
          continue;
        a.push_back(scores.candidate[i]);
        b.push_back(scores.baseline[i]);
      }
      const PairedDifference wide = paired_difference(a, b, confidence);
      out[next].widened = {wide.lo, wide.hi};
      ++next;
    }
  }
}

}  // namespace

Result<void> choose_pair(const ReportOptions& options, ReportData& data) {
  const int count = static_cast<int>(data.models.size());
  const auto named = [&](const std::string& name) -> Result<int> {
    for (int i = 0; i < count; ++i) {
      if (data.models[static_cast<size_t>(i)].name == clean_name(name)) return i;
    }
    std::string names;
    for (const ReportModel& model : data.models) names += (names.empty() ? "" : ", ") + model.name;
    return usage_error(fmt::format("no model of the run '{}' is named '{}'", data.run.name, name),
                       "its models are: " + names);
  };
  // A model of unknown size is an endpoint: as large as can be.
  const auto size = [&](int model) {
    const int64_t parameters = data.models[static_cast<size_t>(model)].parameters;
    return parameters > 0 ? parameters : std::numeric_limits<int64_t>::max();
  };
  int candidate = -1;
  int baseline = -1;
  if (!options.candidate.empty()) {
    Result<int> found = named(options.candidate);
    if (!found) return forward_error(found);
    candidate = *found;
  }
  if (!options.baseline.empty()) {
    Result<int> found = named(options.baseline);
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
    const PairedScores scores = paired_scores(content, data, task);
    if (scores.samples.empty()) continue;
    const ReportTask& about = data.tasks[task];
    ReportDifference difference = difference_of(scores.candidate, scores.baseline, about.margin);
    difference.task = static_cast<int>(task);
    difference.kept = retention(scores.candidate, scores.baseline);
    p_values.push_back(difference.result.difference.p);
    data.differences.push_back(std::move(difference));
    compare_slices(scores, static_cast<int>(task), redactor, about, content.tasks[task].slice_fields,
                   data.slices);
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
