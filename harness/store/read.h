// What is in a store, as plain values: for reports, comparisons and `sizeup list runs`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/records.h"
#include "harness/store/store.h"

namespace sizeup {

// All runs, oldest first.
Result<std::vector<RunRow>> read_runs(const Store& store);

// How the names of a judging's tasks begin.
inline constexpr std::string_view kJudgedTask = "judged:";

// Whether a run holds what judges said of another run's answers. Where no run is named, such a one isn't
// meant.
bool is_judging(const RunRow& run);

// By name; "latest" is the newest one, a judging only where there is nothing else. bad_input (with the
// nearest names) if there is none.
Result<RunRow> find_run(const Store& store, const std::string& name);

// The newest run without finished_at that is no judging; nothing if all are finished.
Result<std::optional<RunRow>> find_unfinished_run(const Store& store);

// Names of a run's models, in the order in which it planned them.
Result<std::vector<std::string>> read_model_names(const Store& store, int64_t run_id);

// In the order in which the run planned them: by scenario ("offline" first), model and task.
Result<std::vector<EvaluationRow>> read_evaluations(const Store& store, int64_t run_id);

struct AnswerCounts {
  int64_t answered = 0;  // have an answer (failed ones included), or a timing where latencies were measured
  int64_t failed = 0;    // have an error instead of an answer
};
// Looks at every answer: an evaluation of a million takes a while.
Result<AnswerCounts> count_answers(const Store& store, int64_t evaluation_id);

// Overall results first, then slices by field and value; metrics in the task's order, rates last.
Result<std::vector<ResultRow>> read_results(const Store& store, int64_t evaluation_id);

// The groups of tasks of a run as stored, models by id and name alone.
Result<std::vector<GroupRow>> read_groups(const Store& store, int64_t run_id);

// One finished run's overall result of a model on a task, both by name: names last, what is behind them
// changes.
struct HistoryRow {
  std::string run;
  std::string created_at;
  std::string fingerprint;      // of the model
  std::string definition_hash;  // of the task, and its data's
  std::string data_hash;
  std::string protocol;
  bool chat_template = false;
  std::optional<int> num_fewshot;  // nothing: what the task file says
  ResultRow result;
};

// Scenario "offline", oldest run first.
Result<std::vector<HistoryRow>> read_history(const Store& store, const std::string& model,
                                             const std::string& task, const std::string& metric);

Result<std::optional<CostRow>> read_cost(const Store& store, int64_t evaluation_id);

// Whether rows come with the texts of samples and answers, which are most of what is stored.
enum class Texts { read, leave_out };

// The answers of an evaluation with their scores, in the order of the data. Texts: `answer`.
Result<std::vector<AnswerRow>> read_answers(const Store& store, int64_t evaluation_id,
                                            Texts texts = Texts::read);

// The same, one after the other, with what results are broken down by and the sample's document. `visit` must
// not use the store.
using AnswerVisitor =
    std::function<void(const AnswerRow& answer, const std::map<std::string, std::string>& slices,
                       const std::string& document_hash)>;
Result<void> for_each_answer(const Store& store, int64_t evaluation_id, const AnswerVisitor& visit);

// Ids, from `first` to `last`, of the samples of an evaluation that have an answer without an error, or a
// timing. In any order.
Result<std::vector<int64_t>> read_answered_samples(const Store& store, int64_t evaluation_id, int64_t first,
                                                   int64_t last);
Result<std::vector<int64_t>> read_timed_samples(const Store& store, int64_t evaluation_id, int64_t first,
                                                int64_t last);

// The samples of an evaluation that have an answer or a timing, in the order of the data. Texts: `prompt`,
// `target` and `source`.
Result<std::vector<SampleRow>> read_samples(const Store& store, int64_t evaluation_id,
                                            Texts texts = Texts::read);

// What the model was given and gave back for each ask of one sample.
Result<std::vector<ResponseRow>> read_responses(const Store& store, int64_t evaluation_id, int64_t sample_id);

// An answer that a stored response, by its key, was part of: as which of its asks.
struct UseOfResponse {
  int ask = 0;
  std::map<std::string, std::string> details;
};
// The latest first.
Result<std::vector<UseOfResponse>> read_uses(const Store& store, const std::string& response_key);

// Tokens of all asks of a sample.
struct SampleTokens {
  int64_t sample = 0;
  int64_t input = 0;
  int64_t cached_input = 0;  // of input; 0 also where nobody said
  int64_t output = 0;
};
// For each sample of an evaluation that has a response, in the order of their ids.
Result<std::vector<SampleTokens>> read_sample_tokens(const Store& store, int64_t evaluation_id);

// What the model wrote to a sample: the first of its asks that is text.
struct WrittenText {
  int64_t sample = 0;
  std::string text;
};
// For each sample of an evaluation that has one, in the order of their ids. All in one query, where
// read_responses for every sample would be as many.
Result<std::vector<WrittenText>> read_written_texts(const Store& store, int64_t evaluation_id);

// Measured latencies of an evaluation (any scenario but "offline"), in the order of the data.
Result<std::vector<TimingRow>> read_timings(const Store& store, int64_t evaluation_id);

}  // namespace sizeup
