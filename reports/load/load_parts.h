// The parts of load_report. Each fills its members of ReportData from what was read.
#pragma once

#include "core/text/edited_text.h"
#include "harness/decide/answer_facts.h"
#include "harness/decide/pairs.h"
#include "reports/load/run_data.h"
#include "reports/report_data.h"

namespace sizeup {

// Run, machine, models, tasks (with margin and compared metric), scores, work.
void describe_run(const RunContent& content, ReportData& data);

// Usage error, which names those there are, for another.
Result<int> model_named(const ReportData& data, const std::string& name);

// Which two models are compared; usage error for a name that the run does not have.
Result<void> choose_pair(const ReportOptions& options, ReportData& data);

// Differences with verdicts, over all tasks and, where samples were read, by slice. Needs the pair and the
// tasks.
void compare_pair(const RunContent& content, const Redactor& redactor, ReportData& data);

// Variants and the worst slice, of every model and task that has slices and no more than 100,000
// samples. Needs the tasks.
Result<void> measure_robustness(const Store& store, const RunContent& content, const Redactor& redactor,
                                ReportData& data);

// Scores of two models on the samples that both have one for, in the order of the data. None where one was
// scored and the other wrote: these are different questions.
struct PairedScores {
  Pairs pairs;
  std::vector<const SampleRow*> samples;  // of the pairs; none where samples were not read
};
PairedScores paired_scores(const RunContent& content, size_t task, int candidate, int baseline);

// Models that are the same weights at several precisions. Needs the leaderboard. Usage error for a name that
// the run does not have.
Result<void> build_ladders(const RunContent& content, const ReportOptions& options, ReportData& data);

// Latency, cost, hallucination, then the leaderboard, which shows some of each.
void measure_latency(const RunContent& content, ReportData& data);
void sum_costs(const RunContent& content, ReportData& data);
// Costs by volume, and what the pair's rest on. Needs the sums.
Result<void> compare_costs(const Store& store, const RunContent& content, const ReportOptions& options,
                           ReportData& data);
// Needs the tasks.
Result<void> measure_energy(const Store& store, const RunContent& content, const ReportOptions& options,
                            ReportData& data);
void count_hallucinations(const RunContent& content, ReportData& data);
void rank_models(const RunContent& content, ReportData& data);

// What the pair's stated confidence is worth. Needs the pair and the tasks.
void measure_calibration(const RunContent& content, ReportData& data);

// What every share of small's requests sent on to large would give. Needs the pair and its differences. The
// report has it where the data reach; a command that asks for it gets a usage error for what the run does not
// have.
Result<void> measure_routing(const Store& store, const RunContent& content, const ReportOptions& options,
                             ReportData& data);
Result<void> route_pair(const Store& store, const RunContent& content, const ReportOptions& options,
                        ReportData& data);

// The kind of kConfidenceKinds that a task's answers state.
std::string_view confidence_kind(const ReportTask& task);

// What these models showed, `best` (a place in the list) being the measure of the others. Needs the tasks,
// the scores and the leaderboard.
Candidates candidates_of(const RunContent& content, const ReportData& data, const std::vector<int>& models,
                         int best);

// What the pair showed with small first, as one more model beside `pair` (small, then large). Nothing where
// routing was not measured on every task that is compared, or no share was chosen.
std::optional<ModelFacts> small_first_facts(const ReportData& data, const Candidates& pair);

// What earlier runs found for the pair. Needs the pair and the scores.
Result<void> read_histories(const Store& store, const RunContent& content, ReportData& data);

// Samples with both models' texts. Reads the responses of tasks that write answers. It looks at the pair and
// the names of the tasks alone, so that it can go on beside the measures.
struct CollectedSamples {
  std::vector<ReportSample> samples;
  int64_t repaired_texts = 0;
};
struct SampleChoice {
  int candidate = 0;
  std::optional<int> baseline;
  std::vector<std::string> task_names;
};
Result<CollectedSamples> collect_samples(const Store& store, const RunContent& content,
                                         const Redactor& redactor, const ReportOptions& options,
                                         const SampleChoice& choice);

// A name as the report shows it: masked, then cleaned.
std::string shown_name(const Redactor& redactor, const std::string& name);

// Which kinds of invented answer this answer is: keys of ReportHallucination::sample_key.
std::vector<std::string> invented_kinds(const AnswerRow& answer);

// The answers of a cell to samples that are asked for in the order of the data, each of which has one.
class AnswersInOrder {
 public:
  explicit AnswersInOrder(const Cell& cell) : answers_(cell.answers) {}
  const AnswerRow& to(int64_t sample);

 private:
  const std::vector<AnswerRow>& answers_;
  size_t at_ = 0;
};

const double* find_score(const AnswerRow& answer, std::string_view metric);

}  // namespace sizeup
