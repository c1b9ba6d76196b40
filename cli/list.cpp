// sizeup list: what there is, from the tables that the program itself uses.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "backends/registry.h"
#include "cli/command.h"
#include "cli/installation.h"
#include "cli/table.h"
#include "cli/task_table.h"
#include "core/json/json.h"
#include "harness/store/read.h"
#include "tasks/task.h"

namespace sizeup::cli {
namespace {

struct ListCommand {
  std::string what;
  std::string db = "sizeup.db";
  bool json = false;
  bool all = false;
};

Result<Table> list_backends() {
  Table table({"scheme", "device", "description", "example"});
  for (const BackendEntry& entry : backend_table()) {
    table.add({std::string(entry.scheme), std::string(entry.device), std::string(entry.description),
               std::string(entry.example)});
  }
  table.add({"answers", "", "answers produced elsewhere, in a file, instead of a model",
             "other=answers:./answers.jsonl"});
  return table;
}

// The bundled models: every GGUF file under models/.
Result<Table> list_models() {
  auto installation = installation_folder();
  if (!installation) return forward_error(installation);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*installation / "models")) {
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Table table({"name", "size", "reference"});
  for (const auto& file : files) {
    table.add({file.stem().string(), bytes_in_words(static_cast<int64_t>(std::filesystem::file_size(file))),
               std::filesystem::proximate(file).string()});
  }
  return table;
}

Result<Table> list_metrics() {
  Table table({"metric", "better", "needs", "description", "example"});
  for (const MetricListing& metric : metric_table()) {
    table.add({metric.info.name, metric.info.higher_is_better ? "higher" : "lower", metric.requires_keys,
               metric.info.description, metric.example});
  }
  return table;
}

Result<Table> list_runs(const std::string& db) {
  auto store = Store::open(db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto runs = read_runs(*store);
  if (!runs) return forward_error(runs);
  Table table({"run", "started", "finished", "protocol", "models", "tasks", "answered"});
  for (const RunRow& run : *runs) {
    auto evaluations = read_evaluations(*store, run.id);
    if (!evaluations) return forward_error(evaluations);
    std::vector<std::string> models;
    std::vector<std::string> tasks;
    int64_t answered = 0;
    int64_t planned = 0;
    for (const EvaluationRow& evaluation : *evaluations) {
      auto answers = count_answers(*store, evaluation.id);
      if (!answers) return forward_error(answers);
      models.push_back(evaluation.model.name);
      tasks.push_back(evaluation.task.name);
      answered += answers->answered;
      planned += evaluation.samples;
    }
    const auto distinct = [](std::vector<std::string> names) {
      std::sort(names.begin(), names.end());
      names.erase(std::unique(names.begin(), names.end()), names.end());
      return fmt::format("{}", fmt::join(names, ", "));
    };
    table.add({run.name, run.created_at, run.finished_at.value_or("no: continue with --resume"), run.protocol,
               distinct(models), distinct(tasks), fmt::format("{} of {}", answered, planned)});
  }
  return table;
}

Result<Table> table_of(const ListCommand& command) {
  if (command.what == "backends") return list_backends();
  if (command.what == "models") return list_models();
  if (command.what == "tasks") return task_table(command.all);
  if (command.what == "metrics") return list_metrics();
  return list_runs(command.db);
}

Outcome list(const ListCommand& command) {
  auto table = table_of(command);
  if (!table) return forward_error(table);
  fmt::print("{}", command.json ? to_line(table->to_json()) + "\n" : table->to_text());
  return 0;
}

}  // namespace

std::function<Outcome()> add_list(CLI::App& app) {
  auto command = std::make_shared<ListCommand>();
  app.add_option("what", command->what, "backends, models, tasks, metrics or runs")
      ->required()
      ->check(CLI::IsMember({"backends", "models", "tasks", "metrics", "runs"}));
  app.add_option("--db", command->db, "The store, for runs")->capture_default_str();
  app.add_flag("--all", command->all, "tasks: the members of groups too");
  app.add_flag("--json", command->json, "JSON instead of a table");
  return [command] { return list(*command); };
}

}  // namespace sizeup::cli
