// sizeup judge: ask a model what it thinks of answers that the store holds, and how far to trust it.
#include <fmt/format.h>

#include <cmath>
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
#include "reports/format.h"

namespace sizeup::cli {
namespace {

constexpr size_t kMostRubricBytes = size_t{1} << 20;

struct JudgeCommand {
  JudgingRequest request;
  std::string rubric_file;
  std::vector<int> scale;
  std::string prices;  // a run file's keys
  bool correct = false;
  bool json = false;
  bool offline = false;
};

Result<JudgingRequest> resolve(const JudgeCommand& command) {
  JudgingRequest request = command.request;
  JudgeQuestion& question = request.question;
  const bool pair = !request.baseline.empty();
  if (pair && (command.correct || !command.scale.empty()))
    return usage_error("two models are compared: the verdict is A, B or tie",
                       "leave out --scale and --correct, or name one model");
  if (command.correct && !command.scale.empty())
    return usage_error("--correct and --scale are two kinds of verdict", "give one of them");
  if (command.correct) question.form = VerdictForm::correct;
  if (pair) question.form = VerdictForm::pair;
  if (!command.scale.empty()) {
    question.lowest = command.scale.at(0);
    question.highest = command.scale.at(1);
  }
  if (!command.rubric_file.empty()) {
    if (!question.rubric.empty())
      return usage_error("--rubric and --rubric-file both say what to judge by", "give one of them");
    auto text = read_file(command.rubric_file, kMostRubricBytes);
    if (!text) return forward_error(text);
    question.rubric = std::move(*text);
  }
  return request;
}

// "0.58 (0.51…0.65)"
std::string with_interval(const Estimate& estimate, int decimals = 3) {
  if (std::isnan(estimate.value)) return std::string(kNone);
  if (!estimate.has_interval()) return number(estimate.value, decimals);
  return fmt::format("{} ({}…{})", number(estimate.value, decimals), number(estimate.lo, decimals),
                     number(estimate.hi, decimals));
}

// A score on the scale that the judge was given.
Estimate on_scale(const Judging& judging, Estimate estimate) {
  if (judging.question.form != VerdictForm::scale) return estimate;
  const double lowest = judging.question.lowest;
  const double range = judging.question.highest - judging.question.lowest;
  for (double* end : {&estimate.value, &estimate.lo, &estimate.hi}) *end = lowest + range * *end;
  return estimate;
}

std::string score_name(const Judging& judging) {
  switch (judging.question.form) {
    case VerdictForm::scale:
      return fmt::format("score, {} to {}", judging.question.lowest, judging.question.highest);
    case VerdictForm::correct:
      return "share correct";
    case VerdictForm::pair:
      return "win rate";
  }
  return {};
}

Table judge_table(const Judging& judging, const JudgingSummary& summary) {
  std::vector<std::string> headers = {"judge",  score_name(judging), "verdicts", "unparsed",
                                      "failed", "alpha of repeats"};
  const bool pairs = judging.as() == JudgedAs::pairs;
  if (pairs) headers.insert(headers.end(), {"favours the first", "same in both orders"});
  headers.insert(headers.end(), {"tokens in", "tokens out", "cost"});
  Table table(headers);
  for (size_t j = 0; j < judging.judges.size(); ++j) {
    const JudgeWork& work = judging.judges[j];
    const JudgeSummary& one = summary.judges[j];
    std::vector<std::string> cells = {
        work.name,
        with_interval(on_scale(judging, one.mean.mean)),
        format_count(work.verdicts),
        fmt::format("{} ({})", work.unparsed, format_percent(one.unparsed.value)),
        format_count(work.failed),
        with_interval(one.repeats)};
    if (pairs) {
      cells.push_back(with_interval(one.position));
      cells.push_back(format_percent(one.same_in_both_orders.value, 0));
    }
    cells.push_back(format_count(work.input_tokens));
    cells.push_back(format_count(work.output_tokens));
    cells.push_back(work.cost.total && work.cost.currency
                        ? format_money(*work.cost.total, *work.cost.currency)
                        : "unknown");
    table.add(std::move(cells));
  }
  return table;
}

std::vector<std::string> sentences(const Judging& judging, const JudgingSummary& summary) {
  std::vector<std::string> out;
  const JudgedMean& mean = summary.mean;
  out.push_back(fmt::format("{}: {} over {} documents; the interval holds the judges' own noise",
                            score_name(judging), with_interval(on_scale(judging, mean.mean)),
                            format_count(mean.mean.n)));
  if (!std::isnan(mean.noise_share))
    out.push_back(fmt::format("{} of the interval's variance is that noise, which more repeats make less",
                              format_percent(mean.noise_share, 0)));
  if (mean.without_score > 0)
    out.push_back(fmt::format("{} documents have no score: no judge gave {}",
                              format_count(mean.without_score),
                              judging.as() == JudgedAs::pairs ? "a verdict in both orders" : "a verdict"));
  if (judging.left_out > 0)
    out.push_back(fmt::format(
        "{} documents were not judged: {}", format_count(judging.left_out),
        judging.as() == JudgedAs::pairs ? "an answer is missing, or they differ" : "there is no answer"));
  if (judging.judges.size() > 1)
    out.push_back(
        fmt::format("the judges agree with each other at alpha {}", with_interval(summary.among_judges)));
  for (size_t j = 0; j < judging.judges.size(); ++j) {
    const Estimate& position = summary.judges[j].position;
    if (position.lo > 0.0 || position.hi < 0.0)
      out.push_back(fmt::format(
          "{} prefers the answer that is shown {}: {}; both orders were asked, so the win "
          "rate does not lean",
          judging.judges[j].name, position.lo > 0.0 ? "first" : "second", with_interval(position)));
  }
  if (!summary.human) {
    out.emplace_back(
        "nobody has labelled these answers, so nothing says whether the judges are right "
        "(sizeup db import-labels)");
    return out;
  }
  const HumanSummary& human = *summary.human;
  out.push_back(fmt::format("people scored {} of these documents {}, the judges {}; alpha between them {}",
                            format_count(human.documents), with_interval(on_scale(judging, human.human)),
                            with_interval(on_scale(judging, human.judged)), with_interval(human.agreement)));
  if (!std::isnan(human.among_people.value))
    out.push_back(
        fmt::format("the annotators agree with each other at alpha {}", with_interval(human.among_people)));
  out.push_back(fmt::format("corrected by them: {}, if the labelled documents are a random part of all",
                            with_interval(on_scale(judging, human.corrected.mean))));
  return out;
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json to_json(const Estimate& estimate) {
  return {{"value", number_or_null(estimate.value)},
          {"lo", number_or_null(estimate.lo)},
          {"hi", number_or_null(estimate.hi)},
          {"n", estimate.n}};
}

Json to_json(const JudgedMean& mean) {
  return {{"mean", to_json(mean.mean)},
          {"noise_share", number_or_null(mean.noise_share)},
          {"without_score", mean.without_score}};
}

Json to_json(const Judging& judging, const JudgingSummary& summary) {
  Json out = {{"schema", "sizeup.judging/1"},   {"run", judging.run},
              {"candidate", judging.candidate}, {"task", judging.task},
              {"repeats", judging.repeats},     {"requests_sent", judging.requests_sent},
              {"left_out", judging.left_out},   {"all", to_json(summary.mean)},
              {"judges", Json::array()}};
  if (!judging.baseline.empty()) out["baseline"] = judging.baseline;
  if (judging.judges.size() > 1) out["among_judges"] = to_json(summary.among_judges);
  for (size_t j = 0; j < judging.judges.size(); ++j) {
    const JudgeWork& work = judging.judges[j];
    const JudgeSummary& one = summary.judges[j];
    Json row = {{"judge", work.name},
                {"score", to_json(one.mean)},
                {"verdicts", work.verdicts},
                {"unparsed", work.unparsed},
                {"unparsed_rate", to_json(one.unparsed)},
                {"failed", work.failed},
                {"alpha_of_repeats", to_json(one.repeats)},
                {"input_tokens", work.input_tokens},
                {"output_tokens", work.output_tokens},
                {"cost", work.cost.total ? Json(*work.cost.total) : Json()},
                {"currency", work.cost.currency ? Json(*work.cost.currency) : Json()},
                {"cost_basis", work.cost.basis}};
    if (judging.as() == JudgedAs::pairs) {
      row["position_bias"] = to_json(one.position);
      row["same_in_both_orders"] = to_json(one.same_in_both_orders);
    }
    out["judges"].push_back(std::move(row));
  }
  if (summary.human) {
    const HumanSummary& human = *summary.human;
    out["people"] = {{"documents", human.documents},
                     {"human", to_json(human.human)},
                     {"judged", to_json(human.judged)},
                     {"alpha", to_json(human.agreement)},
                     {"alpha_among_people", to_json(human.among_people)},
                     {"corrected", to_json(human.corrected.mean)},
                     {"weight_of_judges", human.corrected.weight}};
  }
  return out;
}

void print(const Judging& judging, const JudgingSummary& summary) {
  fmt::print("{}{} on {}, judged {} time{}{}. Run {}.\n\n", judging.candidate,
             judging.baseline.empty() ? "" : " against " + judging.baseline, judging.task, judging.repeats,
             judging.repeats == 1 ? "" : "s", judging.baseline.empty() ? "" : " in each order", judging.run);
  fmt::print("{}\n", judge_table(judging, summary).to_text());
  for (const std::string& sentence : sentences(judging, summary)) fmt::print("{}.\n", sentence);
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
  Result<Judging> judging = [&] {
    ProgressLine progress;
    return run_judging(*request, *environment, progress, interrupt.token());
  }();
  if (!judging) return forward_error(judging);
  const JudgingSummary summary = summarize(*judging);
  if (command.json) {
    fmt::print("{}\n", to_line(to_json(*judging, summary)));
  } else {
    print(*judging, summary);
  }
  int64_t failed = 0;
  for (const JudgeWork& work : judging->judges) failed += work.failed;
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
  app.add_option("--rubric", request.question.rubric, "What makes an answer good, in words for the judge");
  app.add_option("--rubric-file", command->rubric_file, "The same from a file");
  app.add_option("--scale", command->scale, "The worst and the best verdict (default: 1,5)")
      ->delimiter(',')
      ->expected(2);
  app.add_flag("--correct", command->correct, "The verdict is correct or incorrect instead");
  app.add_flag("--reference", request.question.with_reference, "Show the judge the expected answer");
  app.add_option("--repeats", request.repeats, "How often each answer (each order of a pair) is judged")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--temperature", request.temperature, "Of the judge's replies; repeats need more than 0")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 10.0));
  app.add_option("--max-tokens", request.max_tokens, "Of a reply")
      ->capture_default_str()
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
