// Everything a report says, computed once: the HTML page, the JSON and the CSV files print this and nothing
// else, so that they cannot disagree. Numbers are as computed; rounding belongs to the writers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/cost/break_even.h"
#include "harness/decide/pairs.h"
#include "harness/decide/recommend.h"
#include "harness/decide/robustness.h"
#include "harness/decide/route.h"
#include "harness/decide/verdict.h"
#include "harness/judge/summary.h"
#include "harness/statistics/histogram.h"
#include "harness/statistics/interval.h"
#include "harness/statistics/routing.h"
#include "harness/statistics/selection.h"
#include "harness/statistics/temperature.h"

namespace sizeup {

struct ReportRun {
  std::string name;
  std::string created;   // UTC, ISO 8601
  std::string finished;  // empty: still running, or killed
  std::string protocol;  // likelihood | generative | mixed
  std::string now;       // the time that chat templates saw
  int64_t seed = 0;
  int64_t limit = 0;                                         // documents of each task; 0: all
  std::string program;                                       // version and commit
  std::vector<std::pair<std::string, std::string>> machine;  // what, in words
};

struct ReportModel {
  std::string name;
  std::string reference;    // as given; the folders of an absolute path are left out
  std::string fingerprint;  // SHA-256 of the weights, or "unknown:..." for endpoints
  std::string architecture;
  std::string weight_format;
  std::string backend;
  std::string device;
  std::string tier;
  std::string precision;
  int64_t parameters = 0;         // 0: unknown
  int64_t active_parameters = 0;  // of a token; 0: unknown
  int64_t bytes = 0;              // of the weights as stored; 0: unknown
  int64_t packed_bytes = 0;       // of the weights in memory; 0: unknown
  int64_t vocabulary = 0;         // tokens; 0: unknown
  int context_length = 0;         // 0: unknown
  std::vector<std::string> notes;
};

struct ReportTask {
  std::string name;
  std::string description;
  std::string version;
  std::string definition_hash;
  std::string data_hash;
  std::string output_type;
  std::string protocol;
  std::string metric;              // the headline, as in the leaderboard
  std::string sandbox;             // the level at which its generated code was run; empty: none was
  std::string pair_metric;         // what differences compare sample by sample; empty where no metric can be
  bool verbal_confidence = false;  // its answers state one in words: metric confidence_stated
  bool share = true;               // the headline lies in 0..1 and prints as per cent
  double margin = 0.0;
  std::optional<int64_t> num_fewshot;  // nothing: as the task file says
  bool chat_template = false;
  int64_t n = 0;  // samples
  std::vector<std::string> slice_fields;
};

// Candidate minus baseline on one task, over all of its samples or over one slice of them.
struct ReportDifference : Difference {
  int task = -1;  // index into tasks; -1: all tasks, weighted by size
  std::string slice_field;
  std::string slice_value;
};

// One model on one task.
struct ReportScore {
  int model = 0;
  int task = 0;
  Estimate headline;                        // as stored
  std::map<std::string, Estimate> metrics;  // every stored metric, the headline included
  std::string scenario;
  int64_t planned = 0;
  int64_t answered = 0;
  int64_t no_answer = 0;
  int64_t invalid = 0;
  int64_t truncated = 0;
  int64_t errors = 0;
};

// One model on one group of tasks, by one metric: the mean over the group's members.
struct ReportGroup {
  int model = 0;
  std::string name;
  int depth = 0;      // below the group that holds it
  int64_t tasks = 0;  // members
  std::string metric;
  Estimate estimate;
};

struct ReportLeader {
  int model = 0;
  Estimate accuracy;      // over all tasks with a comparable headline, weighted by size
  double unusable = 0.0;  // share of answers that were none: no answer, no label, failed
  std::optional<double> cost_per_1000;
  Estimate p50_ms;  // time to the full answer, in ReportData::latency_scenario; no value: not measured
  Estimate p95_ms;  // no value also when there are not enough queries
};

// One model of a quantisation ladder, and what it lost against the ladder's first.
struct ReportRung {
  int model = 0;
  Estimate accuracy;  // as on the leaderboard
  // This rung minus the first: each task that can be compared, then all of them where there are several.
  // `widened` is at the ladder's confidence; claims rest on it. Empty for the first rung.
  std::vector<ReportDifference> differences;
  // Tokens a second in scenario `single`: the median over requests. No value: not measured.
  Estimate prompt_rate;
  Estimate generation_rate;
  double offline_rate = kNoNumber;  // tokens computed a second while all tasks were answered at once
  std::optional<double> cost_per_1000;
};

// The same weights at several precisions.
struct ReportLadder {
  std::string reason;               // why they are taken for the same weights, in words
  std::vector<ReportRung> rungs;    // most bytes first
  int64_t comparisons = 0;          // differences of all rungs
  double confidence = kConfidence;  // of the widened intervals: all of them hold together with 95 %
  int first_loss = -1;              // the first rung with a widened interval below zero; -1: there is none
};

struct HallucinationCount {
  int64_t count = 0;
  int64_t of = 0;
  Interval interval;  // Wilson
  double rate() const { return of == 0 ? kNoNumber : static_cast<double>(count) / static_cast<double>(of); }
};

struct ReportHallucination {
  int task = 0;
  std::string kind;                        // "Closed book"
  std::string meaning;                     // "wrong answer instead of none"
  std::string unit;                        // "answers", "claims", "values"
  std::string sample_key;                  // names the kind in the sample browser's filter: "closed_book"
  std::vector<HallucinationCount> models;  // one for each of ReportData::models
};

// Whether one kind of a model's confidence can be trusted, over all tasks that state it or on one of them.
struct ReportCalibration {
  std::string kind;  // one of kConfidenceKinds
  int model = 0;
  int task = -1;  // -1: all that have it
  int64_t n = 0;
  int64_t right = 0;
  double confidence = kNoNumber;  // mean
  Estimate overconfidence;        // confidence minus share right
  std::vector<ReliabilityBin> bins;
  Estimate ece;
  double chance_ece = kNoNumber;  // of a model that is right exactly as often as it states
  Estimate brier;
  Estimate auroc;
  Temperature temperature;        // fitted on all of these answers
  double scaled_ece = kNoNumber;  // after scaling, each answer by a temperature fitted on others
  double scaled_brier = kNoNumber;
  std::vector<RiskPoint>
      curve;  // the points that first answer 2, 4, ... 100 percent; empty for one of several tasks
  double risk_area = kNoNumber;

  double share_right() const { return static_cast<double>(right) / static_cast<double>(n); }
};

// What one model's scores on one task hang on besides the task.
struct ReportRobustness : TaskRobustness {
  int model = 0;
  int task = 0;
};

// Small first, and on to large where its answer may not do: what every share sent on gives, over tasks whose
// answers have the signal.
struct ReportRouting {
  // One task at the chosen point.
  struct Task {
    int task = 0;
    Estimate accuracy;
    PairedDifference against_large;
  };

  std::string signal;  // RouteSignal::name
  std::string kind;    // of kConfidenceKinds, where the signal is or has one; empty: none
  std::vector<int> tasks;
  int64_t n = 0;
  int64_t left_out = 0;  // samples that both models have a score for, on other tasks
  double margin = 0.0;
  RoutingFrontier frontier;
  Estimate apgr;
  std::optional<size_t> chosen;   // a point: the least share within the margin, or the one that was asked for
  bool asked_for = false;         // chosen
  Estimate share;                 // sent on at the chosen point
  Estimate saving;                // of a request there, against large alone
  Estimate share_for_half;        // sent on to close half of the gap
  Estimate share_for_80;          // to close 80 % of it
  Retention kept;                 // accuracy at the chosen point over that of large
  std::vector<Task> by_task;      // of the chosen point
  Estimate p95_ms;                // likewise
  std::string currency;           // of costs; empty: unknown
  double large_cost = kNoNumber;  // mean of a request to large alone
  std::string small_reference;    // as given, with every folder: a policy opens them
  std::string large_reference;
  std::vector<uint32_t> fitted;  // fitted_number of the samples' documents, sorted
  RouteScorer scorer;
  std::vector<size_t> rejections;  // in kRejections: sent on whatever the score

  const RoutePoint* point() const { return chosen ? &frontier.points[*chosen] : nullptr; }
};

// A percentile is printed only when the early-stopping rule says that n supports it.
struct ReportPercentile {
  double percent = 0.0;
  Estimate estimate;
  bool supported = false;
  int64_t needed = 0;  // queries that would be enough
};

struct ReportLatency {
  int model = 0;
  std::string quantity;  // "first token", "per token", "full answer"
  int64_t n = 0;
  std::vector<ReportPercentile> percentiles;
  std::vector<double> curve;  // milliseconds at 0, 2, 4, ... 98, 99, 99.8, 100 percent; empty for "per token"
  std::vector<HistogramBar> histogram;  // milliseconds
};

// Times to the full answer of one model while its pass went on: whether they stay or grow.
struct ReportStretch {
  double seconds = 0.0;  // since the pass began, in the mean of its requests
  int64_t n = 0;
  double p50_ms = kNoNumber;
  double p90_ms = kNoNumber;
};
struct ReportTimeSeries {
  int model = 0;
  std::vector<ReportStretch> stretches;  // of as many requests each, in the order in which they were due
};

// Answers a second while one model was under load with one task; nothing where no limits were stated.
struct ReportLoad {
  int model = 0;
  int task = 0;
  int64_t requests = 0;
  double requests_per_second = kNoNumber;
  std::optional<double> goodput;          // within every limit
  std::optional<double> correct_goodput;  // and right
};

struct ReportCost {
  int model = 0;
  int task = -1;  // -1: all tasks of the run
  std::string currency;
  std::optional<double> per_1000;
  std::optional<double> per_1000_correct;
  std::optional<double> total;
  std::string basis;
  std::string measured;  // on what, of one task; see CostRow

  // Of all tasks only.
  Estimate per_request;                      // over samples; no interval where they have no token counts
  std::optional<double> per_million_tokens;  // input and output together
  std::optional<VolumeCost> by_volume;
  Estimate per_month;  // of traffic that was given, at its volume or the stated one; NaN where there is none
};

// Of the machine's processors or the GPU. Nothing: not measured, or no right answer.
struct ReportEnergy {
  int model = 0;
  std::optional<double> joules_per_token;  // input and output together
  std::optional<double> joules_per_request;
  std::optional<double> joules_per_correct;
  std::optional<double> grams_per_1000;  // CO2 of 1,000 requests, where the run file says how much a kWh has
};

// A number that the costs of a pair rest on.
struct ReportAssumption {
  int model = -1;  // index into models; -1: both
  std::string what;
  std::string value;
  std::string from;  // "run file", "measured", ...
};

// The pair's costs at volumes of requests a month. Both models have ReportCost::by_volume, in one currency.
struct ReportPairCost {
  std::string currency;
  std::optional<double> volume;  // that was stated
  BreakEven by_volume;
  std::optional<BreakEven> by_month;  // where there are a volume and costs that are paid once or now and then
  std::vector<ReportAssumption> assumptions;
};

// Where in an answer the source gives no support; UTF-16 code units, as JavaScript counts.
struct ReportEvidence {
  int64_t start = 0;
  int64_t end = 0;
  std::string why;
};

// What one model made of a sample.
struct ReportAnswer {
  bool present = false;
  std::string text;             // what was written, or the choice that was taken
  std::string extracted;        // what the filters took from it, where that is not the text
  std::optional<double> score;  // of the task's pair_metric
  std::optional<double> confidence;
  std::optional<double> total_ms;  // in ReportData::latency_scenario
  std::string status;              // "", no_answer, invalid, truncated, error
  std::vector<ReportEvidence> evidence;
  std::vector<std::string> invented;  // sample_key of each kind of hallucination that this answer is

  bool right() const { return score && *score >= 0.5; }
};

struct ReportSample {
  std::string id;  // unique in the report and the same after a re-run: task and document
  int task = 0;
  std::map<std::string, std::string> slices;
  std::string input;
  std::string expected;
  std::string source;
  ReportAnswer candidate;
  ReportAnswer baseline;
};

// What a model's part of the run took.
struct ReportWork {
  int model = 0;
  std::string scenario;
  int64_t tokens_asked = 0;
  int64_t tokens_unique = 0;
  int64_t tokens_computed = 0;
  int64_t tokens_recomputed = 0;
  int64_t tokens_generated = 0;
  int64_t tokens_drafted = 0;
  int64_t tokens_accepted = 0;
  double wall_ms = kNoNumber;

  // Every step of an answer finds one token of its own, and those accepted.
  double accepted_per_step() const {
    if (tokens_drafted == 0) return kNoNumber;
    return static_cast<double>(tokens_accepted) / static_cast<double>(tokens_generated - tokens_accepted);
  }
};

// One model's headline on one task over the store's runs, up to the report's own. Points are comparable: same
// definition, data, protocol and prompts.
struct ReportHistory {
  int task = 0;
  int model = 0;
  struct Point {
    std::string run;
    std::string created;
    std::string fingerprint;
    Estimate estimate;
    bool other_weights = false;  // than the point before
  };
  std::vector<Point> points;  // oldest first; two at least
  int64_t left_out = 0;       // runs whose task or prompts differ
};

// Some models of a run, or of several, against what a job asks. In a report: the small one, the pair with
// small first where routing was measured on every task that is compared, the large one.
struct RequirementsReport {
  std::vector<std::string> runs;
  Requirements requirements;
  Candidates candidates;
  Recommendation result;
};

// Of a run that is a judging. Its documents are left out: the summary is made of them.
struct ReportJudging {
  Judging judging;
  JudgingSummary summary;
};

struct ReportData {
  ReportRun run;
  std::optional<ReportJudging> judging;
  std::vector<ReportModel> models;
  int candidate = 0;  // the small one
  int baseline = -1;  // the large one; -1: a run with one model
  std::vector<ReportTask> tasks;
  std::vector<ReportScore> scores;
  std::vector<ReportGroup> groups;            // as stored: a group before those it holds
  std::vector<ReportDifference> differences;  // one for each task that can be compared, in their order
  std::optional<ReportDifference> overall;    // over all of them, where there is more than one
  std::vector<ReportDifference> slices;
  std::vector<ReportRobustness> robustness;  // of tasks with variants or slices: by task, then by model
  std::vector<ReportLeader> leaderboard;     // best first
  std::vector<ReportHallucination> hallucination;
  // Of the pair: by kind, small before large, all tasks before each of them.
  std::vector<ReportCalibration> calibration;
  std::optional<ReportRouting> routing;  // of the pair
  std::string latency_scenario;  // of all times: "single", "concurrent:8", "server:2"; empty: there are none
  std::vector<ReportLatency> latency;
  std::vector<ReportTimeSeries> latency_over_time;  // of models with enough requests
  std::vector<ReportLoad> load;                     // none in scenario single
  std::vector<ReportCost> cost;
  std::optional<ReportPairCost> pair_cost;
  std::vector<std::string> old_prices;  // warnings, a sentence each
  std::vector<ReportEnergy> energy;     // one for each of models
  std::vector<ReportLadder> ladders;
  std::vector<ReportHistory> history;              // of the pair, by task
  std::optional<RequirementsReport> requirements;  // where asked for
  std::vector<ReportSample> samples;
  std::vector<ReportWork> work;
  int64_t repaired_texts = 0;  // texts with bytes that are not UTF-8, shown as U+FFFD
  bool redacted = false;
  bool texts = true;                 // false: --no-text
  std::string store;                 // file name of the store, for commands in the text
  std::vector<std::string> missing;  // sections that could be had, each with the command that fills it

  bool is_pair() const { return baseline >= 0; }
  const ReportModel& small() const { return models[static_cast<size_t>(candidate)]; }
  const ReportModel& large() const { return models[static_cast<size_t>(baseline)]; }
};

}  // namespace sizeup
