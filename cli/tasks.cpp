// sizeup tasks list|show|new|check: tasks without running them.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/model_files.h"
#include "cli/own_data.h"
#include "cli/task_check.h"
#include "cli/task_table.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "datasets/readers/byte_stream.h"
#include "harness/run/asking.h"

namespace sizeup::cli {
namespace {

struct TasksCommand {
  TaskCheckCommand check;
  std::string output;  // of `new`; "-": standard output
  bool all = false;
};

Outcome list(const TasksCommand& command) {
  Result<Table> table = task_table(command.all);
  if (!table) return forward_error(table);
  fmt::print("{}", command.check.json ? to_line(table->to_json()) + "\n" : table->to_text());
  return 0;
}

Json description_of(const Task& task, const Sample& first, size_t rows) {
  Json metrics = Json::array();
  for (const MetricInfo& metric : task.metrics())
    metrics.push_back({{"metric", metric.name}, {"description", metric.description}});
  return {{"task", task.name()},
          {"description", task.description()},
          {"version", task.version()},
          {"rows", rows},
          {"metrics", metrics},
          {"slices", task.slice_fields()},
          {"prompt", shown_prompt(first)},
          {"expected", first.target}};
}

Outcome show(const TasksCommand& command) {
  const HubSettings hub = hub_settings(command.check.offline);
  Result<std::vector<SelectedTask>> tasks = tasks_behind(command.check.target, {}, hub);
  if (!tasks) return forward_error(tasks);
  for (const SelectedTask& selected : *tasks) {
    TaskOptions options;
    options.hub = &hub;
    options.num_fewshot = command.check.num_fewshot;
    options.data_dir = command.check.data_dir;
    options.overrides = selected.overrides;
    Result<std::unique_ptr<Task>> task = load_task(selected.file, options);
    if (!task) return forward_error(task);
    Result<std::vector<Sample>> samples = (*task)->samples(0);
    if (!samples) return forward_error(samples);
    const Json json = description_of(**task, samples->front(), samples->size());
    if (command.check.json) {
      fmt::print("{}\n", to_line(json));
      continue;
    }
    fmt::print("{}: {}\n{} rows, from {}\n", json["task"].get<std::string>(),
               json["description"].get<std::string>(), samples->size(), selected.file);
    for (const Json& metric : json["metrics"])
      fmt::print("  {}: {}\n", metric["metric"].get<std::string>(), metric["description"].get<std::string>());
    fmt::print("\nfirst prompt:\n{}\nexpected: {}\n\n", json["prompt"].get<std::string>(),
               json["expected"].get<std::string>());
  }
  return 0;
}

Outcome write_new(const TasksCommand& command) {
  const HubSettings hub = hub_settings(command.check.offline);
  const OwnData& data = command.check.data;
  Result<TaskGuess> guess = guess_task(data, 0, &hub);
  if (!guess) return forward_error(guess);
  if (Result<void> shown = show_guess(data, *guess, hub); !shown) return forward_error(shown);
  const Result<std::optional<HubRows>> rows = hub_rows_of(data);
  const bool is_hub = rows && rows->has_value();
  if (command.output == "-") {
    fmt::print("{}", guess->yaml);
    return 0;
  }
  std::filesystem::path file = command.output;
  if (file.empty()) {
    file = is_hub ? data.file.filename() : without_compression(data.file);
    file.replace_extension(".yaml");
  }
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored))
    return usage_error(fmt::format("{} exists already", file.string()), "another name: --output FILE");
  if (!is_hub && std::filesystem::weakly_canonical(file, ignored).parent_path() !=
                     std::filesystem::weakly_canonical(data.file, ignored).parent_path()) {
    fmt::print(stderr, "Correct data_files in it: they are relative to the task file.\n");
  }
  if (Result<void> written = write_file(file, guess->yaml); !written) return forward_error(written);
  fmt::print("{}\n", file.string());
  return 0;
}

void add_where(CLI::App& app, TasksCommand& command) {
  app.add_option("--num-fewshot", command.check.num_fewshot, "Examples before each question")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--data-dir", command.check.data_dir, "Folder of the benchmarks' official files")
      ->envname("SIZEUP_DATA_DIR");
  add_offline(app, command.check.offline);
  app.add_flag("--json", command.check.json, "Print JSON");
}

}  // namespace

std::function<Outcome()> add_tasks(CLI::App& app) {
  auto command = std::make_shared<TasksCommand>();
  app.require_subcommand(1);
  CLI::App* list_app = app.add_subcommand("list", "The built-in tasks");
  list_app->add_flag("--all", command->all, "The members of groups too");
  list_app->add_flag("--json", command->check.json, "Print JSON");

  CLI::App* show_app = app.add_subcommand("show", "What a task measures, and its first prompt");
  show_app->add_option("task", command->check.target, "A task's name or file, or a data file")->required();
  add_where(*show_app, *command);

  CLI::App* new_app = app.add_subcommand("new", "Write a commented task file for a data file");
  new_app
      ->add_option("data", command->check.data.file,
                   "JSON lines, JSON, CSV or TSV, or ORG/NAME of the Hugging Face hub")
      ->required();
  new_app->add_option("--output", command->output, "The task file (default: beside the data; -: print it)");
  add_offline(*new_app, command->check.offline);
  add_own_data(*new_app, command->check.data);

  CLI::App* check_app =
      app.add_subcommand("check", "Prompts, lengths, labels, duplicates, leaks and odd rows");
  check_app->add_option("task", command->check.target, "A task's name or file, or a data file")->required();
  check_app->add_option("--model", command->check.models, "Count tokens for this model; repeat for several");
  check_app->add_option("--training", command->check.training, "A data file that the model was trained on");
  check_app->add_option("--prompts", command->check.prompts, "How many prompts to show")
      ->check(CLI::NonNegativeNumber);
  add_where(*check_app, *command);
  add_own_data(*check_app, command->check.data);

  return [command, list_app, show_app, new_app] {
    if (list_app->parsed()) return list(*command);
    if (show_app->parsed()) return show(*command);
    if (new_app->parsed()) return write_new(*command);
    return check_tasks(command->check);
  };
}

}  // namespace sizeup::cli
