// sizeup gate: a policy's rules against a candidate's answers; fails a build.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "backends/model_reference.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_files.h"
#include "cli/progress_line.h"
#include "cli/run_environment.h"
#include "cli/sides.h"
#include "cli/table.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "harness/decide/gate.h"
#include "harness/decide/sequential.h"
#include "harness/run/run_settings.h"
#include "harness/store/read.h"
#include "reports/gate_report.h"
#include "reports/text.h"

namespace sizeup::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kNotEnoughData = 5;

struct GateCommand {
  std::string policy;
  std::string candidate;
  std::string baseline;
  std::string db = "sizeup.db";
  std::string other_db;      // of the baseline; empty: db
  std::string inconclusive;  // "pass", "fail", or empty: a status of its own
  std::string junit;
  std::string markdown;
  std::string json;
  bool github = false;
  bool sequential = false;
  bool offline = false;
};

std::string to_text(const GateReport& report) {
  Table table({"outcome", "task", "check", "finding"});
  for (const GateLine& line : report.result.lines) {
    const std::string slice = line.slice.empty() ? "" : fmt::format(" ({})", line.slice);
    table.add({std::string(outcome_name(line.outcome)), clean_name(line.task + slice), clean_name(line.rule),
               clean_text(line.finding)});
  }
  std::string out = table.to_text() + "\n";
  for (const std::string& note : report.result.notes) out += "note: " + clean_text(note) + "\n";
  return out + wording(report.result) + "\n";
}

// The page that GitHub shows of a job grows: other steps write there too.
Result<void> append_summary(const std::string& markdown) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return {};
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << markdown << "\n";
  file.close();
  if (!file)
    return unavailable(path, "the job's summary cannot be written", "GITHUB_STEP_SUMMARY names the file");
  return {};
}

Result<void> write_outputs(const GateCommand& command, const GateReport& report) {
  if (!command.junit.empty()) {
    if (auto written = write_file(command.junit, to_junit(report)); !written) return written;
  }
  if (!command.markdown.empty()) {
    if (auto written = write_file(command.markdown, to_markdown(report)); !written) return written;
  }
  if (!command.json.empty()) {
    if (auto written = write_file(command.json, to_line(to_json(report)) + "\n"); !written) return written;
  }
  if (!command.github) return {};
  fmt::print("{}", to_annotations(report));
  return append_summary(to_markdown(report));
}

int status_of(GateOutcome outcome, const std::string& inconclusive) {
  if (outcome == GateOutcome::pass) return 0;
  if (outcome == GateOutcome::fail || inconclusive == "fail") return kFailed;
  return inconclusive == "pass" ? 0 : kNotEnoughData;
}

std::string name_or_none(const std::optional<LoadedSide>& side) {
  return side ? side->evidence.label() : "";
}

// The baseline's run with the candidate as its one model.
Result<RunSettings> settings_for(const GateCommand& command, const LoadedSide& baseline) {
  if (!baseline.store) {
    return usage_error("--sequential: a baseline from a file does not say what to ask the candidate",
                       "name a run of the store: --baseline RUN:MODEL");
  }
  auto run = find_run(*baseline.store, baseline.evidence.run);
  if (!run) return forward_error(run);
  auto settings = parse_run_settings(run->settings, baseline.evidence.label(), {});
  if (!settings) return settings;
  auto reference = ModelReference::parse(command.candidate);
  if (!reference) return forward_error(reference);
  settings->models = {command.candidate};
  settings->name.clear();
  settings->db = command.db;
  std::erase_if(settings->prices, [&](const auto& price) { return price.first != reference->name; });
  return settings;
}

Result<GateReport> judge_sequentially(const GateCommand& command, const Policy& policy,
                                      const std::optional<LoadedSide>& baseline) {
  if (!baseline)
    return usage_error("--sequential needs a baseline: its samples are what is asked",
                       "--baseline RUN:MODEL");
  auto settings = settings_for(command, *baseline);
  if (!settings) return forward_error(settings);
  const Interrupt interrupt;
  const HubSettings hub = hub_settings(command.offline, interrupt.token());
  auto environment = run_environment(hub, command.offline, interrupt.token());
  if (!environment) return forward_error(environment);
  Result<SequentialGate> gate = [&] {
    ProgressLine progress;
    return run_sequential_gate(policy, baseline->evidence, *settings, *environment, progress,
                               interrupt.token());
  }();
  if (!gate) return forward_error(gate);
  for (const SequentialUse& use : gate->uses) {
    gate->result.notes.push_back(fmt::format("{}: {} of {} samples were asked, {} saved", use.task, use.asked,
                                             use.all, use.all - use.asked));
  }
  gate->result.notes.emplace_back(
      "intervals hold however often one looks, and are wider for it: what is undecided here may be decided "
      "without --sequential");
  return GateReport{std::move(gate->result), command.policy, gate->candidate, baseline->evidence.label(),
                    command.inconclusive == "pass"};
}

Result<GateReport> judge(const GateCommand& command) {
  auto policy = read_policy(command.policy);
  if (!policy) return forward_error(policy);
  std::optional<LoadedSide> baseline;
  if (!command.baseline.empty()) {
    auto side = load_side(command.baseline, command.other_db.empty() ? command.db : command.other_db);
    if (!side) return forward_error(side);
    baseline = std::move(*side);
  }
  if (command.sequential) return judge_sequentially(command, *policy, baseline);
  auto candidate = load_side(command.candidate, command.db);
  if (!candidate) return forward_error(candidate);
  auto result = apply_policy(*policy, candidate->evidence, baseline ? &baseline->evidence : nullptr);
  if (!result) return forward_error(result);
  return GateReport{std::move(*result), command.policy, candidate->evidence.label(), name_or_none(baseline),
                    command.inconclusive == "pass"};
}

Outcome gate(const GateCommand& command) {
  const auto report = judge(command);
  if (!report) return tl::unexpected<Error>(report.error());
  fmt::print("{}", to_text(*report));
  if (auto written = write_outputs(command, *report); !written) return forward_error(written);
  return status_of(report->result.outcome, command.inconclusive);
}

}  // namespace

std::function<Outcome()> add_gate(CLI::App& app) {
  auto command = std::make_shared<GateCommand>();
  app.footer(
      "Exit status: 0 every check holds, 1 at least one fails, 5 none fails and some have not enough data, "
      "2 to 4 nothing was\njudged. The policy's form: docs/ci.md.");
  app.add_option("--policy", command->policy, "The rules (YAML)")->required();
  app.add_option("--candidate", command->candidate, kSideHelp)->required();
  app.add_option("--baseline", command->baseline, "What rules compare with, named in the same ways");
  app.add_option("--db", command->db, "The store")->capture_default_str();
  app.add_option("--other-db", command->other_db, "The store of the baseline (default: the same)");
  app.add_option("--inconclusive", command->inconclusive, "Let not enough data pass (status 0) or fail (1)")
      ->check(CLI::IsMember({"pass", "fail"}));
  app.add_option("--junit", command->junit, "Write JUnit XML");
  app.add_option("--markdown", command->markdown, "Write Markdown");
  app.add_option("--json", command->json, "Write JSON");
  app.add_flag("--sequential", command->sequential,
               "The candidate is a model reference: run it, and only as far as the answer takes");
  add_offline(app, command->offline);
  app.add_flag("--github", command->github, "Print annotations, and append to the file $GITHUB_STEP_SUMMARY");
  return [command] { return gate(*command); };
}

}  // namespace sizeup::cli
