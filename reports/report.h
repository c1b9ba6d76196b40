// Reports from the store: load once, write as a page, as tables or as JSON.
#pragma once

#include <filesystem>
#include <string>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"
#include "harness/cost/assumptions.h"
#include "reports/report_data.h"

namespace sizeup {

class Store;

struct ReportOptions {
  std::string baseline;   // model name; empty: the most parameters, then the most bytes
  std::string candidate;  // model name; empty: the fewest
  // Names of models that are the same weights at several precisions; empty: found by their files and shapes.
  std::vector<std::string> ladder;
  std::optional<Requirements> requirements;  // their margins are then those of the differences
  std::optional<CostAssumptions> cost;       // nothing: those of the run file
  bool no_text = false;                      // leave prompts, answers and sources out
  std::vector<std::string> redact;  // regular expressions; what they match in any text becomes [redacted]
};

// Reads a run by name, or the latest one if `run` is empty, and computes what the report says.
Result<ReportData> load_report(const Store& store, const std::string& run, const ReportOptions& options);

// What the two models of a run cost: run, models, tasks, cost and pair_cost of a report.
Result<ReportData> load_costs(const Store& store, const std::string& run, const ReportOptions& options);

// One self-contained file: no network, no script needed to read it.
Result<void> write_html(const ReportData& data, const std::filesystem::path& path);
std::string to_html(const ReportData& data);

// A folder of RFC 4180 files: results, groups, differences, slices, calibration, calibration_bins,
// risk_coverage, latency, cost, ladder, history, samples.
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

// For each quantisation ladder, which step down is the first to cost accuracy beyond noise, with numbers.
std::vector<std::string> ladder_sentences(const ReportData& data);

}  // namespace sizeup
