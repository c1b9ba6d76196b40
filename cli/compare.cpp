// sizeup compare CANDIDATE BASELINE: is the candidate good enough, task by task, and which samples flipped.
#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>

#include "cli/command.h"
#include "cli/compare_report.h"
#include "cli/sides.h"
#include "core/json/json.h"
#include "harness/decide/comparison.h"
#include "harness/store/read_outcomes.h"

namespace sizeup::cli {
namespace {

struct CompareCommand {
  std::string candidate;
  std::string baseline;
  std::vector<std::string> tasks;
  double margin = kDefaultMargin;
  std::string db = "sizeup.db";
  std::string other_db;  // of the baseline; empty: db
  int64_t flips = 5;     // of each task
  bool json = false;
};

Result<std::string> answer_of(const LoadedSide& side, int64_t evaluation, int64_t sample,
                              std::string& expected) {
  if (!side.store) return std::string();
  Result<AnswerText> text = read_answer_text(*side.store, evaluation, sample);
  if (!text) return forward_error(text);
  if (expected.empty()) expected = std::move(text->target);
  return std::move(text->answer);
}

Result<std::vector<ShownFlip>> shown_flips(const LoadedSide& candidate, const LoadedSide& baseline,
                                           const TaskComparison& task, int64_t most) {
  std::vector<ShownFlip> out;
  for (const Flip& flip : task.flips) {
    if (static_cast<int64_t>(out.size()) == most) break;
    ShownFlip shown;
    shown.flip = flip;
    auto own = answer_of(candidate, task.evaluation_of_candidate, flip.candidate_sample, shown.expected);
    if (!own) return forward_error(own);
    auto other = answer_of(baseline, task.evaluation_of_baseline, flip.baseline_sample, shown.expected);
    if (!other) return forward_error(other);
    shown.candidate_answer = std::move(*own);
    shown.baseline_answer = std::move(*other);
    out.push_back(std::move(shown));
  }
  return out;
}

Outcome compare(const CompareCommand& command) {
  // Each side has its own connection to its store, and reading is most of the time.
  auto loading = std::async(std::launch::async, load_side, command.baseline,
                            command.other_db.empty() ? command.db : command.other_db);
  auto candidate = load_side(command.candidate, command.db);
  auto baseline = loading.get();
  if (!candidate) return forward_error(candidate);
  if (!baseline) return forward_error(baseline);
  auto comparison = sizeup::compare(candidate->evidence, baseline->evidence, command.tasks, command.margin);
  if (!comparison) return forward_error(comparison);
  ComparisonReport report{
      &candidate->evidence, &baseline->evidence, command.margin, std::move(*comparison), {}};
  for (const TaskComparison& task : report.comparison.tasks) {
    auto flips = shown_flips(*candidate, *baseline, task, command.flips);
    if (!flips) return forward_error(flips);
    report.flips.push_back(std::move(*flips));
  }
  fmt::print("{}", command.json ? to_line(comparison_to_json(report)) + "\n" : comparison_to_text(report));
  return 0;
}

}  // namespace

std::function<Outcome()> add_compare(CLI::App& app) {
  auto command = std::make_shared<CompareCommand>();
  app.footer(
      "Differences are candidate minus baseline on the samples that both answered. The exit status is 0 "
      "whatever "
      "the verdict:\n`sizeup gate` is what fails a build.");
  app.add_option("candidate", command->candidate, kSideHelp)->required();
  app.add_option("baseline", command->baseline, "What it is compared with, named in the same ways")
      ->required();
  app.add_option("--task", command->tasks, "Compare these tasks only (default: all that both sides have)");
  app.add_option("--margin", command->margin, "The loss to accept: 0.05 is 5 percentage points")
      ->check(CLI::Range(1e-6, 1.0))
      ->capture_default_str();
  app.add_option("--db", command->db, "The store")->capture_default_str();
  app.add_option("--other-db", command->other_db, "The store of the baseline (default: the same)");
  app.add_option("--flips", command->flips, "Show so many flipped samples of each task")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_flag("--json", command->json, "JSON instead of tables");
  return [command] { return compare(*command); };
}

}  // namespace sizeup::cli
