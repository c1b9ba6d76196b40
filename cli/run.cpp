// sizeup run: evaluate models on tasks, then say what came out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "cli/model_files.h"
#include "cli/own_data.h"
#include "cli/progress_line.h"
#include "cli/run_environment.h"
#include "cli/table.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "harness/run/run.h"
#include "harness/store/store.h"
#include "reports/report.h"
#include "reports/robustness_text.h"

namespace sizeup::cli {
namespace {

struct RunCommand {
  std::string file;
  RunSettings settings;  // as given on the command line; what was not given is taken from the file
  OwnData data;
  std::vector<std::string> answers;  // [NAME=]FILE
  std::string resume;
  std::string html;
  std::string csv;
  std::string samples;
  std::string scenario;
  std::string cpu_tier;
  bool json = false;
  bool offline = false;
};

// [NAME=]FILE as a model reference.
Result<std::string> recorded_answers(const std::string& file) {
  auto reference = ModelReference::parse(file);
  if (!reference) return forward_error(reference);
  if (reference->scheme == "answers") return file;
  if (reference->scheme != "file")
    return usage_error(fmt::format("--answers takes a file, and '{}' names a model", file),
                       "[NAME=]FILE; a path with a colon is written ./FILE");
  const size_t start = file.rfind(reference->target, file.find('?'));
  return file.substr(0, start) + "answers:" + file.substr(start);
}

// --data replaces the file's data; the options that describe data are of no use without one.
Result<void> resolve_data(const RunCommand& command, const CLI::App& app, RunSettings& settings) {
  if (app.count("--data") > 0) settings.data = command.data;
  if (settings.data) return {};
  for (const char* option : {"--input", "--target", "--choices", "--metric", "--schema", "--grounding",
                             "--slices", "--dataset-name", "--test-split"}) {
    if (app.count(option) > 0)
      return usage_error(fmt::format("{} describes a data file, and none is given", option), "--data FILE");
  }
  return {};
}

// As lm-evaluation-harness takes them: the JSON itself, or a file with it.
Result<RunSettings> read_samples(const std::string& given) {
  constexpr size_t kMostBytes = size_t{64} << 20;  // millions of numbers
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(given, ignored))
    return parse_run_settings("{samples: " + given + "}", "--samples", {});
  auto text = read_file(given, kMostBytes);
  if (!text) return forward_error(text);
  return parse_run_settings("{samples: " + *text + "}", given, {});
}

// The file's settings with what the command line says on top.
Result<RunSettings> resolve(const RunCommand& command, const CLI::App& app) {
  RunSettings settings;
  if (!command.file.empty()) {
    auto read = read_run_file(command.file);
    if (!read) return read;
    settings = *read;
  }
  const RunSettings& given = command.settings;
  const auto set = [&app](const char* option) { return app.count(option) > 0; };
  if (set("--model")) settings.models = given.models;
  if (set("--task")) settings.tasks = given.tasks;
  if (auto own = resolve_data(command, app, settings); !own) return forward_error(own);
  if (set("--limit")) settings.limit = given.limit;
  if (set("--num-fewshot")) settings.num_fewshot = given.num_fewshot;
  if (set("--max-bad-rows")) settings.max_bad_rows = given.max_bad_rows;
  if (set("--data-dir")) settings.data_dir = given.data_dir;
  if (const char* folder = std::getenv("SIZEUP_DATA_DIR"); folder != nullptr && settings.data_dir.empty())
    settings.data_dir = folder;
  if (set("--db")) settings.db = given.db;
  if (set("--name")) settings.name = given.name;
  if (set("--protocol")) settings.protocol = given.protocol;
  if (set("--apply-chat-template")) settings.apply_chat_template = given.apply_chat_template;
  if (set("--system-instruction")) settings.system_instruction = given.system_instruction;
  if (set("--gen-prefix")) settings.gen_prefix = given.gen_prefix;
  if (set("--fewshot-as-multiturn")) settings.fewshot_as_multiturn = given.fewshot_as_multiturn;
  if (set("--think-end")) settings.think_end = given.think_end;
  if (set("--samples")) {
    auto read = read_samples(command.samples);
    if (!read) return read;
    settings.samples = read->samples;
  }
  if (set("--seed")) settings.seed = given.seed;
  if (set("--now")) settings.now = given.now;
  if (set("--latency-samples")) settings.latency_samples = given.latency_samples;
  if (set("--scenario")) {
    auto scenario = parse_scenario(command.scenario);
    if (!scenario) return forward_error(scenario);
    settings.scenario = *scenario;
  }
  if (set("--limit-ttft")) settings.limits.ttft = given.limits.ttft;
  if (set("--limit-tpot")) settings.limits.tpot = given.limits.tpot;
  if (set("--limit-total")) settings.limits.total = given.limits.total;
  if (set("--threads")) settings.threads = given.threads;
  if (set("--durable")) settings.durable = given.durable;
  if (set("--no-text")) settings.no_text = given.no_text;
  if (set("--redact")) settings.redact = given.redact;
  if (set("--resume")) settings.resume = command.resume;
  for (const std::string& file : command.answers) {
    auto reference = recorded_answers(file);
    if (!reference) return forward_error(reference);
    settings.models.push_back(std::move(*reference));
  }
  for (std::string& model : settings.models) {
    auto with_tier = with_cpu_tier(model, command.cpu_tier);
    if (!with_tier) return forward_error(with_tier);
    model = std::move(*with_tier);
  }
  if (!settings.resume && settings.models.empty()) {
    return usage_error("no model to run", "give --model REF, --answers FILE, or a run file with `models:`");
  }
  if (!settings.resume && settings.tasks.empty() && !settings.data) {
    return usage_error("no task to run",
                       "give --task NAME (see: sizeup list tasks), --data FILE, or a run file with `tasks:`");
  }
  return settings;
}

std::string interval(const ResultRow& result) {
  if (!result.lo || !result.hi) return "none";
  return fmt::format("{} … {}", number(*result.lo, 4), number(*result.hi, 4));
}

// Groups of tasks stand first; the column with how many tasks a row is made of is there if there are any.
Table results_table(const RunSummary& summary) {
  std::vector<std::string> headers = {"model", "task", "metric", "value", "95 % interval", "n", "failed"};
  if (!summary.groups.empty()) headers.emplace_back("tasks");
  Table table(headers);
  for (const GroupRow& group : summary.groups) {
    table.add({group.model.name, group.name, group.result.metric, number(group.result.value, 4),
               interval(group.result), fmt::format("{}", group.result.n), "",
               fmt::format("{}", group.tasks)});
  }
  for (const EvaluationSummary& evaluation : summary.evaluations) {
    const ResultRow& headline = evaluation.headline;
    std::vector<std::string> cells = {evaluation.model,
                                      evaluation.task,
                                      headline.metric,
                                      number(headline.value, 4),
                                      interval(headline),
                                      fmt::format("{}", headline.n),
                                      fmt::format("{}", evaluation.failed)};
    if (!summary.groups.empty()) cells.emplace_back("1");
    table.add(std::move(cells));
  }
  return table;
}

// Each way of asking, where a task has several.
Table variants_table(const ReportData& data) {
  Table table({"model", "task", "asked", "score", "minus original, pp", "now wrong / right", "Holm p"});
  for (const ReportRobustness& entry : data.robustness) {
    if (!entry.variants) continue;
    for (const VariantCells& cells : variant_cells(entry)) {
      table.add({data.models[static_cast<size_t>(entry.model)].name,
                 data.tasks[static_cast<size_t>(entry.task)].name, cells.name, cells.score, cells.difference,
                 cells.flips, cells.holm_p});
    }
  }
  return table;
}

void print_robustness(const ReportData& data) {
  const bool variants = std::ranges::any_of(
      data.robustness, [](const ReportRobustness& entry) { return entry.variants.has_value(); });
  if (variants) fmt::print("\n{}", variants_table(data).to_text());
  const std::vector<std::string> sentences = robustness_sentences(data);
  if (!sentences.empty()) fmt::print("\n");
  for (const std::string& sentence : sentences) fmt::print("{}\n", sentence);
}

// The report's files and its verdict, from the store alone.
Result<void> write_reports(const RunCommand& command, const RunSettings& settings,
                           const RunSummary& summary) {
  auto store = Store::open(settings.db, StoreAccess::read);
  if (!store) return forward_error(store);
  const bool whole = !command.html.empty() || !command.csv.empty();
  auto data = whole ? load_report(*store, summary.run_name, {}) : load_verdict(*store, summary.run_name);
  if (!data) return forward_error(data);
  if (!command.csv.empty()) {
    if (auto written = write_csv(*data, command.csv); !written) return written;
  }
  if (!command.html.empty()) {
    if (auto written = write_html(*data, command.html); !written) return written;
  }
  if (!command.json) {
    print_robustness(*data);
    fmt::print("\n{}\n", verdict_sentence(*data));
    for (const std::string& sentence : ladder_sentences(*data)) fmt::print("{}\n", sentence);
    auto checks = check_routers(*store, summary.run_name);
    if (!checks) return forward_error(checks);
    for (const std::string& sentence : router_sentences(*checks)) fmt::print("{}\n", sentence);
    if (!command.csv.empty()) fmt::print("{}\n", command.csv);
    if (!command.html.empty()) fmt::print("{}\n", command.html);
  }
  return {};
}

Outcome run(const RunCommand& command, const CLI::App& app) {
  auto settings = resolve(command, app);
  if (!settings) return forward_error(settings);
  const Interrupt interrupt;
  const HubSettings hub = hub_settings(command.offline, interrupt.token());
  std::optional<TaskGuess> guess;
  if (settings->data && !settings->resume) {
    auto guessed = guess_task(*settings->data, settings->max_bad_rows, &hub);
    if (!guessed) return forward_error(guessed);
    guess = std::move(*guessed);
    auto shown = show_guess(*settings->data, *guess, hub, settings->max_bad_rows);
    if (!shown) return forward_error(shown);
  }
  auto environment = run_environment(hub, command.offline, interrupt.token());
  if (!environment) return forward_error(environment);
  if (guess) {
    environment->guess_task = [&](const OwnData&, int64_t) -> Result<TaskGuess> { return *guess; };
  }
  Result<RunSummary> summary = [&] {
    ProgressLine progress;
    return execute(*settings, progress, interrupt.token(), *environment);
  }();
  if (!summary) return forward_error(summary);

  const Table table = results_table(*summary);
  fmt::print("{}", command.json ? to_line(table.to_json()) + "\n" : table.to_text());
  if (auto written = write_reports(command, *settings, *summary); !written) return forward_error(written);
  if (summary->samples_failed > 0) {
    fmt::print(stderr, "{} samples failed: they are in no score, and counted in error_rate.\n",
               summary->samples_failed);
  }
  return summary->samples_failed > 0 ? 1 : 0;
}

}  // namespace

std::function<Outcome()> add_run(CLI::App& app) {
  auto command = std::make_shared<RunCommand>();
  RunSettings& settings = command->settings;
  app.add_option("file", command->file, "Run file (YAML) with the options below as keys");
  app.add_option("--model", settings.models, "Model reference [NAME=]REF[?key=value]; repeat for several");
  app.add_option("--answers", command->answers,
                 "Score answers produced elsewhere: [NAME=]FILE[?answer=FIELD&id=FIELD]; repeat for several");
  app.add_option("--task", settings.tasks, "Built-in task, group or tag, or YAML file; repeat for several");
  app.add_option(
      "--data", command->data.file,
      "Own data without a task file: JSON lines, JSON, CSV or TSV, or ORG/NAME of the Hugging Face hub");
  add_own_data(app, command->data);
  app.add_option("--limit", settings.limit, "Only the first N documents of each task")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--num-fewshot", settings.num_fewshot, "Examples before each question")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-bad-rows", settings.max_bad_rows,
                 "Leave out so many bad rows of each task's data; one more is an error")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--data-dir", settings.data_dir,
                 "Folder of the benchmarks' official files (default: SIZEUP_DATA_DIR)");
  app.add_option("--db", settings.db, "The store")->capture_default_str();
  app.add_option("--name", settings.name, "Name of this run (default: today's date and a number)");
  app.add_option("--resume", command->resume, "Continue the newest unfinished run, or the one named")
      ->expected(0, 1);
  app.add_option("--protocol", settings.protocol, "auto, likelihood or generative")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, ProtocolChoice>{{"auto", ProtocolChoice::automatic},
                                                {"likelihood", ProtocolChoice::likelihood},
                                                {"generative", ProtocolChoice::generative}}));
  app.add_flag("--apply-chat-template,!--no-chat-template", settings.apply_chat_template,
               "Send prompts as conversations (default: when every model has a chat template)");
  app.add_option("--system-instruction", settings.system_instruction, "Text before every task's description");
  app.add_option("--gen-prefix", settings.gen_prefix, "How every answer begins");
  app.add_flag("--fewshot-as-multiturn", settings.fewshot_as_multiturn,
               "Examples as turns of the conversation (with a chat template)");
  app.add_option("--samples", command->samples,
                 R"(Documents to ask, by task, from 0: '{"mmlu_anatomy": [0, 5, 7]}', or a file with it)");
  app.add_option("--think-end", settings.think_end,
                 "What ends a model's thinking, such as </think>: only what follows is the answer");
  app.add_option("--seed", settings.seed, "Seed of sampling and of the latency sample");
  app.add_option("--now", settings.now, "What chat templates see as the current time, ISO-8601");
  app.add_option("--latency-samples", settings.latency_samples,
                 "Samples of each task whose latency is measured; 0: none")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--scenario", command->scenario,
                 "How load is offered for that: single (default), concurrent:N, server:QPS[:BURSTINESS]");
  add_latency_limits(app, settings.limits);
  app.add_option("--threads", settings.threads, "Threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  add_cpu_tier(app, command->cpu_tier);
  add_offline(app, command->offline);
  app.add_flag("--durable", settings.durable, "Survive a loss of power, not only a kill");
  app.add_flag("--no-text", settings.no_text, "Keep prompts, targets, answers and sources out of the store");
  app.add_option("--redact", settings.redact,
                 "Regular expression whose matches in them are stored as [redacted]; repeat for several");
  app.add_option("--html", command->html, "Write the report to this file");
  app.add_option("--csv", command->csv, "Write the report's tables to this folder");
  app.add_flag("--json", command->json, "Print results as JSON");
  return [command, &app] { return run(*command, app); };
}

}  // namespace sizeup::cli
