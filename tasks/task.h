// A task: where the documents are, how a document becomes a prompt, what is asked, how the answer is scored.
// Tasks know nothing of backends; the harness turns an Ask into a request and hands the Reply back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/errors/result.h"
#include "core/hub/settings.h"
#include "core/json/json_fwd.h"
#include "datasets/readers/bad_rows.h"
#include "tasks/yaml.h"

namespace sizeup {

enum class OutputType { multiple_choice, loglikelihood, loglikelihood_rolling, generate_until };
const char* name_of(OutputType type);  // as a task file names it

// What happens to a prompt that does not fit the model's context (key `truncate`).
enum class Truncation { left, error };

// The user's part of a prompt before any chat template: the harness sends it as plain text, or, with
// apply_chat_template, as messages (system = description, user = the rest).
struct PromptText {
  std::string system;  // the task's description; empty if none
  std::string user;    // few-shot examples and the question
  // How the answer begins (key `gen_prefix`): the model goes on from there. Plain text puts the delimiter
  // before it; in a conversation it is an assistant's message that is not closed.
  std::string prefix_delimiter = {};
  std::string prefix = {};
  // Examples as a conversation before `user` (option fewshot_as_multiturn): question and answer.
  std::vector<std::pair<std::string, std::string>> turns = {};
};

// log P(continuation | prompt). `continuation` carries its leading delimiter (" A"); with a chat template
// the delimiter is dropped, so it is kept apart. With `context` the choices differ in the prompt's end
// instead (WinoGrande): it is that end.
struct AskScore {
  std::string delimiter;
  std::string continuation;
  std::optional<std::string> context = {};
};

// The choice as a reader sees it: what differs between the asks of a sample.
inline const std::string& choice_of(const AskScore& ask) {
  return ask.context ? *ask.context : ask.continuation;
}
struct AskText {};  // log P(prompt.user), rolling
struct AskGenerate {
  int max_tokens = 256;
  std::vector<std::string> stop;
  double temperature = 0.0;
  int top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  int top_logprobs = 0;  // so many most probable first tokens are wanted
};
using Ask = std::variant<AskScore, AskText, AskGenerate>;

// A document of this task, ready to be asked. A multiple-choice sample has one ask for each choice, one with
// `repeats` as many generations, which differ in what they draw, a conversation one for each of its turns:
// the earlier turns and their answers come before it.
struct Sample {
  std::string id;             // unique and stable across runs: the document's own id, or its index
  std::string document_hash;  // SHA-256 of the document's canonical JSON; variants have that of one
  PromptText prompt;
  std::vector<Ask> asks;
  std::string target;                         // what is expected, as shown in reports
  std::map<std::string, std::string> slices;  // field -> value
  int64_t index = 0;                          // row in the data file, from 0
  std::vector<std::string> accepted;     // the answers that count as right; for multiple_choice their texts
  std::vector<int> gold;                 // multiple_choice: the right choices
  std::vector<std::string> choices;      // the field "choices", where a filter looks for them in the answer
  std::vector<std::string> later_turns;  // multi_turn: what the user says after each answer but the last
  std::optional<std::string>
      counted_text;           // rolling: whose words and bytes are counted, if not prompt.user's
  std::string answer_prefix;  // put before the filtered answer
  std::string source;         // the text that the answer must rest on (key `grounding`), or ""
};

// The samples of a task, one after the other.
class SampleReader {
 public:
  virtual ~SampleReader() = default;
  virtual Result<std::optional<Sample>> next() = 0;  // nothing after the last
};

// The harness's view of a response.
struct Reply {
  double logprob = 0.0;
  bool greedy = false;
  std::string text;
  bool truncated = false;
  std::optional<std::string> error;
  // Of a written answer, where they are known: its most probable first tokens and their log-probabilities.
  std::vector<std::pair<std::string, double>> first_tokens = {};
  int64_t tokens = 0;  // scored or written, that have a log-probability
};

// What the filters extracted, and what each metric makes of it.
struct Scored {
  std::string answer;                // shown in reports; for multiple_choice the chosen choice
  bool no_answer = false;            // the filters found nothing
  bool invalid = false;              // classification: an answer that is no label
  std::optional<std::string> error;  // it could not be scored (the sandbox failed): there are no scores
  double confidence = 0.0;  // probability of the chosen option or exp(mean token log-probability); NaN: none
  std::map<std::string, double>
      scores;  // metric -> value; a metric that does not apply to this sample is absent
  std::map<std::string, std::string> details;  // predicted label, gold label, unsupported claims ...: for set
                                               // metrics (macro F1) and for the report's evidence
};

// An aggregate over all samples of an evaluation (or one slice of it).
struct MetricInfo {
  std::string name;
  std::string description;
  bool higher_is_better = true;
  bool is_mean = true;          // false: computed from all samples together (macro_f1), see Task::aggregate
  bool leaves_out_nan = false;  // of a mean: undefined scores do not count; else one makes it undefined
};

// `hits` of `of` samples: the recall of a class is a share of the samples of that class.
struct ShareCount {
  int64_t hits = 0;
  int64_t of = 0;
};

// A set metric over the samples of an evaluation, equal samples put together.
struct SetMetric {
  std::vector<int64_t> counts;  // how many samples each distinct one stands for
  // The metric of a set in which distinct sample i occurs counts[i] times; NaN where it applies to none of
  // them.
  std::function<double(std::span<const int64_t> counts)> value;
  // Set where the metric is a share of some of the samples, each of which counts once.
  std::optional<ShareCount> share = {};
};

class Task {
 public:
  virtual ~Task() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& description() const = 0;
  virtual OutputType output_type() const = 0;
  virtual std::vector<std::string> slice_fields() const = 0;
  virtual std::vector<MetricInfo> metrics() const = 0;  // the first one is the headline
  virtual std::string definition_hash() const = 0;      // SHA-256 of the definition after includes
  virtual std::string data_hash() const = 0;            // SHA-256 of the data files' bytes
  virtual std::string version() const = 0;              // metadata.version, or empty

  virtual Truncation truncation() const { return Truncation::left; }

  // The JSON Schema of a written answer, in JSON; empty: there is none.
  virtual std::string answer_schema() const { return {}; }

  // What it says of judging its answers, in JSON (see judge_rule.h); empty: nothing.
  virtual std::string judge_rule() const { return {}; }

  // The samples in the order of the data (of the first `limit` documents, 0: all), prompts rendered; every
  // reader begins with the first. A document without what the task needs is a bad row and goes to
  // `bad_rows`; without that it is an error. Task and bad rows must outlive the reader.
  virtual std::unique_ptr<SampleReader> read_samples(int64_t limit, BadRows* bad_rows) const = 0;

  // All of them at once.
  Result<std::vector<Sample>> samples(int64_t limit, BadRows* bad_rows = nullptr) const;

  // Filters and per-sample metrics; replies are in the order of sample.asks. Pure. A sample with a failed
  // reply gets no scores at all.
  virtual Scored score(const Sample& sample, const std::vector<Reply>& replies) const = 0;

  // One metric over the samples it applies to: the mean for is_mean metrics, the set formula for the others
  // (they read Scored::details). NaN where it applies to none of them.
  virtual double aggregate(const std::string& metric, const std::vector<const Scored*>& scored) const = 0;

  // The set formula of a metric that is no mean, for intervals: they ask for the metric of many resamples.
  virtual SetMetric set_metric(const std::string& metric, const std::vector<const Scored*>& scored) const = 0;
};

// Keys that a group gives its member; they win over those of the member's file.
struct TaskOverrides {
  YamlNode keys;               // a map
  std::filesystem::path file;  // where they are written
};

struct TaskOptions {
  std::optional<int> num_fewshot = {};  // wins over the file's
  std::filesystem::path data_dir = {};  // where the official data files lie; may be empty
  std::optional<TaskOverrides> overrides = {};
  std::string system_instruction = {};         // before the description
  std::optional<std::string> gen_prefix = {};  // wins over the file's
  bool fewshot_as_multiturn = false;           // examples as turns of the conversation
  // By task name: its documents to ask, from 0. A task without an entry: all.
  std::map<std::string, std::vector<int64_t>> rows = {};
  // How data sets of the Hugging Face hub are fetched; it must live until the task is loaded. Nothing: they
  // are an error.
  const HubSettings* hub = nullptr;
  // So many documents are held at most (0: all): where there are more, every reader of the samples reads the
  // files again.
  int64_t held_documents = 0;
  // Where rows that cannot be read are counted; used while the task is loaded. Nothing: the first one is an
  // error.
  BadRows* bad_rows = nullptr;
};

// Reads a YAML task file. Errors name file, line and key.
Result<std::unique_ptr<Task>> load_task(const std::filesystem::path& file, const TaskOptions& options);

// What `sizeup list tasks` shows.
struct TaskListing {
  std::string name;         // as --task accepts it
  std::string description;  // metadata.description, or empty
  std::filesystem::path file;
  size_t tasks = 1;        // how many a group has
  bool is_member = false;  // of a group that is listed too
};

// The built-in groups, then the built-in tasks, each by name. A definition that cannot be read is an error: a
// broken installation.
Result<std::vector<TaskListing>> list_tasks(const std::filesystem::path& definitions);

// What `sizeup list metrics` shows: every metric that a task file may name.
struct MetricListing {
  MetricInfo info;
  std::vector<OutputType> output_types;  // where it applies
  std::string requires_keys;             // "schema", "grounding, refusals"; empty if any task may use it
  std::string example;                   // the keys of a task file that uses it, in YAML's flow style
};

std::vector<MetricListing> metric_table();

}  // namespace sizeup
