#include "harness/decide/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

namespace sizeup {
namespace {

std::string sides(const Evidence& candidate, const Evidence& baseline) {
  return fmt::format("{} against {}", candidate.label(), baseline.label());
}

std::string shots(const EvidenceTask& task) {
  return task.num_fewshot ? std::to_string(*task.num_fewshot) : "as the task file says";
}

// A hash as far as people compare it.
std::string brief(const std::string& hash) {
  constexpr size_t kShown = 12;
  return hash.size() <= kShown ? hash : hash.substr(0, kShown) + "…";
}

// What makes the two sides' scores answers to different questions.
struct Mismatch {
  std::string what;
  std::string candidate;
  std::string baseline;
  std::string hint;
};

std::optional<Mismatch> mismatch_of(const EvidenceTask& candidate, const EvidenceTask& baseline) {
  const std::string again = "run both models with the same task file and data, best in one `sizeup run`";
  if (candidate.definition_hash != baseline.definition_hash) {
    return Mismatch{"the definitions differ", brief(candidate.definition_hash),
                    brief(baseline.definition_hash), again};
  }
  if (candidate.data_hash != baseline.data_hash) {
    return Mismatch{"the data differ", brief(candidate.data_hash), brief(baseline.data_hash), again};
  }
  if (candidate.protocol != baseline.protocol) {
    return Mismatch{"the protocols differ", candidate.protocol, baseline.protocol,
                    "run both with `--protocol likelihood` or both with `--protocol generative`"};
  }
  if (candidate.num_fewshot != baseline.num_fewshot) {
    return Mismatch{"the numbers of examples in the prompt differ", shots(candidate), shots(baseline),
                    "run both with the same --num-fewshot"};
  }
  if (candidate.metric != baseline.metric) {
    return Mismatch{"the metrics that could be compared differ", candidate.metric, baseline.metric, again};
  }
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<const EvidenceTask*> required_task(const Evidence& side, const std::string& task) {
  if (const EvidenceTask* found = side.find(task)) return found;
  std::vector<std::string> names;
  for (const EvidenceTask& known : side.tasks) names.push_back(known.name);
  const bool open = std::find(side.unfinished.begin(), side.unfinished.end(), task) != side.unfinished.end();
  return usage_error(open ? fmt::format("{} has not finished the task '{}'", side.label(), task)
                          : fmt::format("{} has no task '{}'", side.label(), task),
                     open ? fmt::format("finish it with `sizeup run --resume {}`", side.run)
                          : "its tasks are: " + joined(names));
}

std::vector<Flip> flips_of(const PairedTask& paired) {
  std::vector<Flip> flips;
  for (size_t i = 0; i < paired.pairs.size(); ++i) {
    const double candidate = paired.pairs.candidate[i];
    const double baseline = paired.pairs.baseline[i];
    if (candidate == baseline) continue;
    flips.push_back({paired.candidate[i]->document_id, candidate, baseline, paired.candidate[i]->sample_id,
                     paired.baseline[i]->sample_id});
  }
  std::stable_partition(flips.begin(), flips.end(),
                        [](const Flip& flip) { return flip.candidate < flip.baseline; });
  return flips;
}

TaskComparison compare_task(const EvidenceTask& candidate, const EvidenceTask& baseline,
                            const PairedTask& paired, double margin) {
  TaskComparison out;
  out.task = candidate.name;
  out.metric = candidate.metric;
  out.evaluation_of_candidate = candidate.evaluation_id;
  out.evaluation_of_baseline = baseline.evaluation_id;
  out.difference = difference_of(paired.pairs, margin);
  out.difference.kept = retention(paired.pairs);
  const std::vector<SlicePairs> slices = slices_of(paired, candidate.slice_fields);
  const std::vector<Difference> differences = slice_differences(slices, margin);
  for (size_t i = 0; i < slices.size(); ++i) {
    out.slices.push_back({slices[i].field, slices[i].value, differences[i]});
  }
  out.flips = flips_of(paired);
  return out;
}

void note_other_differences(const EvidenceTask& candidate, const EvidenceTask& baseline, size_t pairs,
                            std::vector<std::string>& notes) {
  if (candidate.chat_template != baseline.chat_template) {
    notes.push_back(fmt::format("{}: a chat template was applied for the {} alone", candidate.name,
                                candidate.chat_template ? "candidate" : "baseline"));
  }
  const size_t most = std::max(candidate.samples.size(), baseline.samples.size());
  if (pairs < most) {
    notes.push_back(fmt::format("{}: {} of {} and {} samples are scored on both sides and compared",
                                candidate.name, pairs, candidate.samples.size(), baseline.samples.size()));
  }
}

// Two runs of a task mostly have its samples in the same order, so the one after the last found is looked at
// before a table of all is made.
class SamplesById {
 public:
  explicit SamplesById(const std::vector<EvidenceSample>& samples) : samples_(samples) {}

  const EvidenceSample* find(const std::string& id) {
    if (next_ < samples_.size() && samples_[next_].document_id == id) return &samples_[next_++];
    if (places_.empty()) {
      places_.reserve(samples_.size());
      for (size_t i = 0; i < samples_.size(); ++i) places_.emplace(samples_[i].document_id, i);
    }
    const auto place = places_.find(id);
    if (place == places_.end()) return nullptr;
    next_ = place->second + 1;
    return &samples_[place->second];
  }

 private:
  const std::vector<EvidenceSample>& samples_;
  size_t next_ = 0;
  std::unordered_map<std::string_view, size_t> places_;
};

// The tasks to compare: those asked for, or those that both sides have.
std::vector<std::string> chosen_tasks(const Evidence& candidate, const Evidence& baseline,
                                      const std::vector<std::string>& asked,
                                      std::vector<std::string>& notes) {
  if (!asked.empty()) return asked;
  std::vector<std::string> both;
  std::vector<std::string> alone;
  for (const EvidenceTask& task : candidate.tasks) {
    (baseline.find(task.name) == nullptr ? alone : both).push_back(task.name);
  }
  for (const EvidenceTask& task : baseline.tasks) {
    if (candidate.find(task.name) == nullptr) alone.push_back(task.name);
  }
  if (!alone.empty()) {
    notes.push_back("left out, finished on one side only: " + joined(alone));
  }
  return both;
}

}  // namespace

Result<PairedTask> pair_task(const Evidence& candidate, const Evidence& baseline, const std::string& task) {
  Result<const EvidenceTask*> own = required_task(candidate, task);
  if (!own) return forward_error(own);
  Result<const EvidenceTask*> other = required_task(baseline, task);
  if (!other) return forward_error(other);
  if (const std::optional<Mismatch> mismatch = mismatch_of(**own, **other)) {
    return bad_input(sides(candidate, baseline),
                     fmt::format("task '{}' cannot be compared: {} ({} and {})", task, mismatch->what,
                                 mismatch->candidate, mismatch->baseline),
                     "the same on both sides", mismatch->hint);
  }
  SamplesById others((*other)->samples);
  PairedTask paired;
  DocumentNumbers documents;
  documents.expect((*own)->samples.size());
  for (const EvidenceSample& sample : (*own)->samples) {
    if (std::isnan(sample.score)) continue;
    const EvidenceSample* same = others.find(sample.document_id);
    if (same == nullptr || std::isnan(same->score)) continue;
    if (same->document_hash != sample.document_hash || same->prompt_hash != sample.prompt_hash) continue;
    paired.pairs.add(sample.score, same->score, documents.number_of(sample.document_hash));
    paired.candidate.push_back(&sample);
    paired.baseline.push_back(same);
  }
  if (paired.pairs.empty() && !(*own)->metric.empty()) {
    return bad_input(sides(candidate, baseline),
                     fmt::format("task '{}' cannot be compared: no sample has a score on both sides", task),
                     "the same documents and prompts on both sides",
                     "run both models with the same --limit and the same examples in the prompt");
  }
  return paired;
}

std::vector<SlicePairs> slices_of(const PairedTask& paired, const std::vector<std::string>& fields) {
  return slices_of(paired.pairs, fields,
                   [&](size_t pair, const std::string& field) -> std::optional<std::string> {
                     const std::string* own = paired.candidate[pair]->slice(field);
                     return own == nullptr ? std::nullopt : std::optional(*own);
                   });
}

Result<Comparison> compare(const Evidence& candidate, const Evidence& baseline,
                           const std::vector<std::string>& tasks, double margin) {
  Comparison out;
  Pairs all;
  std::vector<TaskVerdict> verdicts;
  for (const std::string& task : chosen_tasks(candidate, baseline, tasks, out.notes)) {
    Result<PairedTask> paired = pair_task(candidate, baseline, task);
    if (!paired) return forward_error(paired);
    const EvidenceTask& own = *candidate.find(task);
    const EvidenceTask& other = *baseline.find(task);
    if (paired->pairs.empty()) {
      out.notes.push_back(fmt::format("{}: left out, it has no score of single samples in 0..1", task));
      continue;
    }
    note_other_differences(own, other, paired->pairs.size(), out.notes);
    out.tasks.push_back(compare_task(own, other, *paired, margin));
    verdicts.push_back({task, out.tasks.back().difference.result, kNoNumber});
    all.append(paired->pairs);
  }
  if (out.tasks.empty()) {
    return bad_input(sides(candidate, baseline), "no task of both can be compared",
                     "a task with a score of single samples on both sides",
                     "run both models on one task: `sizeup run --model A --model B --task NAME`");
  }
  out.verdict = overall_verdict(std::move(verdicts));
  for (size_t i = 0; i < out.tasks.size(); ++i) {
    out.tasks[i].difference.holm_p = out.verdict.tasks[i].holm_p;
  }
  if (out.tasks.size() > 1) {
    out.overall = difference_of(all, margin);
    out.overall->kept = retention(all);
  }
  return out;
}

}  // namespace sizeup
