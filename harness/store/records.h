// The store's rows as plain values, the same for writing and reading.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sizeup {

struct RunRow {
  int64_t id = 0;
  std::string name;
  std::string created_at;                  // UTC, ISO-8601 with milliseconds, as every time in here
  std::optional<std::string> finished_at;  // nothing: running, or stopped and resumable
  std::string now;
  std::string protocol;  // "likelihood" or "generative"
  int64_t seed = 0;
  std::string settings;  // JSON: the resolved run file
  std::string program;   // version and commit of sizeup
  std::string machine;   // JSON: cpu, cores, memory_bytes, os, flags
  std::string texts;     // that were stored: "all", "redacted" or "none"; read only
};

struct ModelRow {
  int64_t id = 0;
  std::string name;
  std::string reference;
  std::string fingerprint;
  std::string card;  // JSON of ModelCard, member by member
};

struct MetricRow {
  std::string name;
  std::string description;
  bool higher_is_better = true;
  bool is_mean = true;
};

struct TaskRow {
  int64_t id = 0;
  std::string name;
  std::string version;
  std::string definition_hash;
  std::string data_hash;
  std::string output_type;  // "multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until"
  std::string description;
  std::vector<MetricRow> metrics;  // the first is the headline
  std::vector<std::string> slice_fields;
};

// One model x one task x one scenario in a run.
struct EvaluationRow {
  int64_t id = 0;
  int64_t run_id = 0;
  ModelRow model;
  TaskRow task;
  std::string scenario;  // "offline", "single", "concurrent:8", "server:2"
  std::string protocol;  // "likelihood" or "generative"
  bool chat_template = false;
  std::optional<int> num_fewshot;  // nothing: what the task file says
  int64_t samples = 0;             // planned
  std::optional<std::string> finished_at;
  std::optional<double> wall_ms;      // of the whole backend run that answered it
  std::optional<std::string> counts;  // JSON of RunCounts
};

// A document of a task as it was asked, without any model's answer.
struct SampleRow {
  int64_t id = 0;
  std::string document_id;
  std::string document_hash;
  int64_t row = 0;
  std::string prompt;  // before any chat template
  std::string target;
  std::string source;  // the passage of a grounded answer, or empty
  std::map<std::string, std::string> slices;
};

struct ResponseRow {
  int64_t id = 0;
  std::string key;       // SHA-256 of key_json
  std::string key_json;  // what the answer depends on; names its prompt by SHA-256
  std::string prompt;    // what the model was given, chat template applied
  double logprob = std::numeric_limits<double>::quiet_NaN();  // -infinity: impossible; NaN: not scored
  bool greedy = false;
  std::optional<std::string> text;  // generation
  std::string finish;               // "stop", "length", "none" (scoring)
  std::vector<int32_t> tokens;
  std::vector<float> token_logprobs;  // NaN: unconditioned
  // Of a written choice: the most probable first tokens and their log-probabilities.
  std::vector<std::pair<std::string, double>> first_tokens = {};
  int prompt_tokens = 0;
  int completion_tokens = 0;
  std::optional<int> cached_prompt_tokens = {};  // of prompt_tokens; nothing: not said
  std::optional<int> reasoning_tokens = {};      // of completion_tokens; nothing: not said
  bool truncated = false;
};

struct AnswerRow {
  int64_t evaluation_id = 0;
  int64_t sample_id = 0;
  std::string answer;
  bool no_answer = false;
  bool invalid = false;
  bool truncated = false;
  std::optional<std::string> error;  // set: the request failed, there are no scores
  double confidence = std::numeric_limits<double>::quiet_NaN();  // NaN: none
  std::map<std::string, std::string> details;
  std::map<std::string, double> scores;  // metric -> value; NaN: undefined
};

// Details of an answer that came from a router: for each ask 1 where it went on to the large model, 0 where
// it did not; and 1 where the router's policy was made from the same document, among others. ?: not known.
inline constexpr const char* kSentOn = "sent_on";
inline constexpr const char* kFitted = "fitted";

struct TimingRow {
  int64_t evaluation_id = 0;
  int64_t sample_id = 0;
  double ttft_ms = 0.0;   // of the sample's first request
  double total_ms = 0.0;  // summed over its requests
  int prompt_tokens = 0;
  int completion_tokens = 0;
  double due_ms = std::numeric_limits<double>::quiet_NaN();  // since the pass began; NaN: unknown
};

// What answering took. A backend answers all tasks of a pass together, so an evaluation's time is its share
// of the pass's tokens.
struct MeasurementRow {
  int64_t samples = 0;  // that were asked; what came from the store took no time and no tokens
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  double pass_ms = 0.0;                             // of the whole pass
  double pass_share = 1.0;                          // of its tokens that belong to this evaluation
  std::string run;                                  // the run's name; read only
  std::optional<int64_t> cached_input_tokens = {};  // of input_tokens; nothing: not said
  std::optional<double> pass_joules = {};           // of the machine's processors; nothing: not measured
};

// Results of an evaluation whose latencies were measured under load: answers a second, those within every
// limit, and those that are right, too.
inline constexpr const char* kRequestsPerSecond = "requests_per_second";
inline constexpr const char* kGoodput = "goodput";
inline constexpr const char* kCorrectGoodput = "correct_goodput";

// An aggregate with its 95 % interval; slice_field "" is the whole evaluation.
struct ResultRow {
  std::string metric;
  std::string slice_field;
  std::string slice_value;
  double value = 0.0;  // NaN: undefined for these samples
  std::optional<double> lo;
  std::optional<double> hi;
  int64_t n = 0;
};

// A group of tasks for one model of a run, by one metric.
struct GroupRow {
  ModelRow model;
  std::string name;
  std::string version;
  int depth = 0;      // below the group that holds it
  int64_t tasks = 0;  // members, those of its groups included
  ResultRow result;   // without slices
  // lm-evaluation-harness's of the group's mean; nothing where a member has none.
  std::optional<double> standard_error = {};
};

struct CostRow {
  std::optional<std::string> currency;
  std::optional<double> per_request;  // a request is a sample here: all its asks together
  std::optional<double> per_1000_correct;
  std::optional<double> total;
  std::string basis;     // the price, or why the cost is unknown
  std::string measured;  // on what: the share of a pass, an earlier run, some of the samples; may be empty
};

}  // namespace sizeup
