// Reports from the store: load once, write as a page, as tables or as JSON.
#pragma once

#include <filesystem>
#include <string>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"
#include "harness/cost/assumptions.h"
#include "harness/cost/traffic.h"
#include "harness/decide/route.h"
#include "harness/decide/route_check.h"
#include "reports/report_data.h"

namespace sizeup {

class Store;

struct RouteOptions {
  RouteSignal signal;
  std::vector<std::string> tasks;  // empty: all that have the signal; of confidence, its commonest kind's
  std::vector<size_t> rejections;  // in kRejections
  std::optional<double> margin;    // against large; nothing: the least of the tasks'
  std::optional<double> share;     // to send on; nothing: the least within the margin
};

struct ReportOptions {
  std::string baseline;   // model name; empty: the most parameters, then the most bytes
  std::string candidate;  // model name; empty: the fewest
  // Names of models that are the same weights at several precisions; empty: found by their files and shapes.
  std::vector<std::string> ladder;
  std::optional<Requirements> requirements;  // their margins are then those of the differences
  std::optional<CostAssumptions> cost;       // nothing: those of the run file
  std::optional<Traffic> traffic;            // costs are of its requests and not of the evaluation's samples
  RouteOptions route;
  bool no_text = false;             // leave prompts, answers and sources out
  std::vector<std::string> redact;  // regular expressions; what they match in any text becomes [redacted]
};

// Reads a run by name, or the latest one if `run` is empty, and computes what the report says.
Result<ReportData> load_report(const Store& store, const std::string& run, const ReportOptions& options);

// What verdict_sentence and ladder_sentences say, from the scores alone: some tens of bytes for each answer
// where a report takes all that is stored.
Result<ReportData> load_verdict(const Store& store, const std::string& run);

// What the two models of a run cost: run, models, tasks, cost and pair_cost of a report.
Result<ReportData> load_costs(const Store& store, const std::string& run, const ReportOptions& options);

// When small's requests should go on to large: run, models, tasks, cost and routing of a report.
Result<ReportData> load_routing(const Store& store, const std::string& run, const ReportOptions& options);

// One self-contained file: no network, no script needed to read it.
Result<void> write_html(const ReportData& data, const std::filesystem::path& path);
std::string to_html(const ReportData& data);

// A folder of RFC 4180 files: results, groups, differences, slices, calibration, calibration_bins,
// risk_coverage, routing, latency, cost, ladder, history, samples.
Result<void> write_csv(const ReportData& data, const std::filesystem::path& folder);

// The page's data block: what scripts read. Schema "sizeup.report/1".
Json to_json(const ReportData& data);
Result<void> write_json(const ReportData& data, const std::filesystem::path& path);

// Verdict, differences, requirements, models, confidence and notes for a merge request or a chat; no texts.
std::string to_markdown(const ReportData& data);
Result<void> write_markdown(const ReportData& data, const std::filesystem::path& path);

// JUnit XML: a case for each model and task (an error where samples failed or are missing), one for each
// difference (failed where small is worse by more than the margin, skipped without enough data) and one for
// each requirement.
std::string to_junit(const ReportData& data);
Result<void> write_junit(const ReportData& data, const std::filesystem::path& path);

// Results and samples in the form of lm-evaluation-harness's results_*.json and --log-samples, for viewers of
// those: FOLDER/MODEL/results_DATE.json and samples_TASK_DATE.jsonl. What a document held beside id and
// slices is not in the store, nor what filters after the first one found. `run` empty: the latest.
Result<void> write_lm_eval(const Store& store, const std::string& run, bool with_samples,
                           const std::filesystem::path& folder);

// Whether the small model is enough, by task, with numbers: one or two sentences in fixed wordings.
std::string verdict_sentence(const ReportData& data);

// The block `cost` of to_json.
Json cost_to_json(const ReportData& data);

// From which volume, and after how many months, which model is the cheaper one: a sentence for each. Needs
// pair_cost.
std::vector<std::string> break_even_sentences(const ReportData& data);

// The block `routing` of to_json. Needs routing, as the next ones.
Json routing_to_json(const ReportData& data);

// Which share to send on and what that gives: a heading.
std::string routing_finding(const ReportData& data);

// How good the signal is, what is left out, what the chosen share saves: a sentence each.
std::vector<std::string> routing_sentences(const ReportData& data);

// What the chosen point is as a policy. Unavailable where there is none.
Result<RoutePolicy> routing_policy(const ReportData& data);

// For each router of a run, whether it did on samples that its policy was not made from what that predicted:
// a paragraph each, which begins with the model's name.
std::vector<std::string> router_sentences(const std::vector<RouteCheck>& checks);

// For each quantisation ladder, which step down is the first to cost accuracy beyond noise, with numbers.
std::vector<std::string> ladder_sentences(const ReportData& data);

}  // namespace sizeup
