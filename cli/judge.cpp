// sizeup judge: ask a model what it thinks of answers that the store holds, and how far to trust it.
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_files.h"
#include "cli/progress_line.h"
#include "cli/run_environment.h"
#include "cli/table.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "harness/judge/judging.h"
#include "harness/judge/summary.h"
#include "reports/json/judging_json.h"
#include "reports/judging_text.h"

namespace sizeup::cli {
namespace {

constexpr size_t kMostRubricBytes = size_t{1} << 20;

struct JudgeCommand {
  JudgingRequest request;
  std::string rubric_file;
  std::vector<int> scale;
  std::string verdict;
  std::string prices;  // a run file's keys
  bool reference = false;
  bool json = false;
  bool offline = false;
};

std::vector<std::string> verdict_names() {
  std::vector<std::string> out;
  for (const VerdictForm form : kFormsOfOneAnswer) out.emplace_back(name_of(form));
  return out;
}

Result<JudgingRequest> resolve(const JudgeCommand& command) {
  JudgingRequest request = command.request;
  JudgeRule& rule = request.rule;
  if (!request.baseline.empty() && (!command.verdict.empty() || !command.scale.empty()))
    return usage_error("two models are compared: the verdict is A, B or tie",
                       "leave out --scale and --verdict, or name one model");
  rule.verdict = verdict_form(command.verdict);
  if (!command.scale.empty() && rule.verdict.value_or(VerdictForm::scale) != VerdictForm::scale)
    return usage_error(fmt::format("--verdict {} has no scale", command.verdict), "leave out --scale");
  if (command.reference) rule.reference = true;
  if (!command.scale.empty()) rule.scale = {command.scale.at(0), command.scale.at(1)};
  if (!command.rubric_file.empty()) {
    if (rule.rubric)
      return usage_error("--rubric and --rubric-file both say what to judge by", "give one of them");
    auto text = read_file(command.rubric_file, kMostRubricBytes);
    if (!text) return forward_error(text);
    rule.rubric = std::move(*text);
  }
  return request;
}

void print(const Judging& judging, const JudgingSummary& summary) {
  fmt::print("{}. Run {}.\n\n", judging_title(judging), judging.run);
  Table table(judging_columns(judging));
  for (std::vector<std::string>& row : judging_rows(judging, summary)) table.add(std::move(row));
  fmt::print("{}\n", table.to_text());
  for (const std::string& sentence : judging_sentences(judging, summary)) fmt::print("{}.\n", sentence);
}

Outcome judge(const JudgeCommand& command) {
  auto request = resolve(command);
  if (!request) return forward_error(request);
  if (!command.prices.empty()) {
    auto priced = parse_run_settings("{prices: " + command.prices + "}", "--prices", {});
    if (!priced) return forward_error(priced);
    request->run.prices = priced->prices;
  }
  const Interrupt interrupt;
  const HubSettings hub = hub_settings(command.offline, interrupt.token());
  auto environment = run_environment(hub, command.offline, interrupt.token());
  if (!environment) return forward_error(environment);
  Result<JudgingDone> done = [&] {
    ProgressLine progress;
    return run_judging(*request, *environment, progress, interrupt.token());
  }();
  if (!done) return forward_error(done);
  const Judging& judging = done->judging;
  const JudgingSummary summary = summarize(judging);
  if (command.json) {
    Json json = judging_json(judging, summary);
    json["requests_sent"] = done->requests_sent;
    fmt::print("{}\n", to_line(json));
  } else {
    print(judging, summary);
  }
  int64_t failed = 0;
  for (const JudgeWork& work : judging.judges) failed += work.failed;
  return failed > 0 ? 1 : 0;
}

}  // namespace

std::function<Outcome()> add_judge(CLI::App& app) {
  auto command = std::make_shared<JudgeCommand>();
  JudgingRequest& request = command->request;
  app.footer(
      "The judge sees the stored prompt and answer, and ends its reply with a line \"Verdict: ...\". Each "
      "pair\n"
      "is shown in both orders. The same command again continues what was interrupted and asks nothing "
      "twice:\n"
      "docs/judge.md.");
  app.add_option("candidate", request.candidate,
                 "Whose answers: MODEL (in its latest run), RUN:MODEL, or RUN")
      ->required();
  app.add_option("baseline", request.baseline, "The model to compare it with, pair by pair");
  app.add_option("--judge", request.run.models, "Model reference of the judge; repeat for several")
      ->required();
  app.add_option("--task", request.task, "The task whose answers are judged (default: the only written one)");
  app.add_option("--rubric", request.rule.rubric,
                 "What makes an answer good, in words for the judge (default: as the task's file says)");
  app.add_option("--rubric-file", command->rubric_file, "The same from a file");
  app.add_option("--scale", command->scale,
                 "The worst and the best verdict (default: as the task's file says, or 1,5)")
      ->delimiter(',')
      ->expected(2);
  app.add_option("--verdict", command->verdict,
                 "What a verdict is (default: as the task's file says, or scale)")
      ->check(CLI::IsMember(verdict_names()));
  app.add_flag("--reference", command->reference, "Show the judge the expected answer");
  app.add_option("--repeats", request.rule.repeats,
                 "How often each answer (each order of a pair) is judged (default: as the file says, or 1)")
      ->check(CLI::Range(1, 100));
  app.add_option("--temperature", request.rule.temperature,
                 "Of the judge's replies; repeats need more than 0 (default: as the file says, or 0)")
      ->check(CLI::Range(0.0, 10.0));
  app.add_option("--max-tokens", request.rule.max_tokens, "Of a reply (default: as the file says, or 512)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--limit", request.limit, "Only the first N documents")->check(CLI::NonNegativeNumber);
  app.add_option("--think-end", request.run.think_end,
                 "What ends a judge's thinking, such as </think>: the verdict follows it");
  app.add_option("--prices", command->prices,
                 "Prices of the judges by name, as a run file writes them: '{NAME: {currency: USD, "
                 "per_million_input: 1, per_million_output: 4}}'");
  app.add_option("--seed", request.run.seed, "Seed of sampling")->capture_default_str();
  app.add_option("--name", request.run.name,
                 "Name of the judging's run (default: today's date and a number)");
  app.add_option("--threads", request.run.threads, "Threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--db", request.run.db, "The store")->capture_default_str();
  add_offline(app, command->offline);
  app.add_flag("--json", command->json, "JSON instead of a table and sentences");
  return [command] { return judge(*command); };
}

}  // namespace sizeup::cli
