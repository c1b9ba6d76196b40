#include "cli/task_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <variant>

#include "cli/compare_tokenizers.h"
#include "cli/installation.h"
#include "cli/model_files.h"
#include "cli/table.h"
#include "core/json/json.h"
#include "harness/run/asking.h"
#include "harness/statistics/power.h"
#include "tasks/catalogue.h"
#include "tasks/check/check.h"
#include "tasks/check/value_counts.h"

namespace sizeup::cli {
namespace {

// Shares of the samples on which two models may disagree: alike, as usual, unlike.
constexpr std::array kDisagreements = {0.1, 0.2, 0.3};

// Tokens of one sample's longest request, with the answer.
int64_t tokens_of(const ComparedTokenizer& opened, const Sample& sample, size_t& special) {
  const TextModel& model = opened.model;
  const bool chat = model.has_chat_template() && !std::holds_alternative<AskText>(sample.asks.front());
  const Result<RenderedPrompt> rendered = model.render(prompt_of(sample.prompt, chat));
  const Result<RenderedPrompt> plain = rendered ? rendered : model.render(prompt_of(sample.prompt, false));
  int64_t prompt = 0;
  if (plain) prompt = static_cast<int64_t>(model.encode(plain->text, plain->from_template, true).size());
  int64_t answer = 0;
  for (const Ask& ask : sample.asks) {
    int64_t length = 0;
    if (const auto* score = std::get_if<AskScore>(&ask)) {
      length =
          static_cast<int64_t>(model.tokenizer().encode(score->continuation, {.add_special = false}).size());
    } else if (const auto* generate = std::get_if<AskGenerate>(&ask)) {
      length = generate->max_tokens;
    }
    answer = std::max(answer, length);
  }
  const std::vector<Token> parsed =
      model.tokenizer().encode(shown_prompt(sample), {.add_special = false, .parse_special = true});
  special +=
      std::any_of(parsed.begin(), parsed.end(), [&](Token id) { return model.tokenizer().is_special(id); })
          ? 1
          : 0;
  return prompt + answer;
}

// How all samples fit into a model's context.
class Fit {
 public:
  explicit Fit(const ComparedTokenizer& model) : model_(&model) {}

  void add(const Sample& sample) {
    const int64_t tokens = tokens_of(*model_, sample, special_);
    tokens_.add(tokens);
    if (model_->context_length && tokens > *model_->context_length) ++too_long_;
  }

  Json report() const {
    Json json = {{"model", model_->name},         {"tokens_median", tokens_.median()},
                 {"tokens_most", tokens_.most()}, {"context_length", nullptr},
                 {"too_long", nullptr},           {"with_special_tokens", special_}};
    if (!model_->context_length) return json;
    json["context_length"] = *model_->context_length;
    json["too_long"] = too_long_;
    return json;
  }

 private:
  const ComparedTokenizer* model_;
  ValueCounts tokens_;
  size_t special_ = 0;
  int64_t too_long_ = 0;
};

Json prompt_json(const Sample& sample) {
  Json choices = Json::array();
  for (const Ask& ask : sample.asks) {
    if (const auto* score = std::get_if<AskScore>(&ask))
      choices.push_back(score->delimiter + score->continuation);
  }
  return {
      {"id", sample.id}, {"prompt", shown_prompt(sample)}, {"choices", choices}, {"expected", sample.target}};
}

// What is shown of the samples themselves.
struct SeenSamples {
  Json prompts = Json::array();  // the first few
  std::vector<Fit> fits;         // of each model
};

Json report_of(const TaskCheck& check, const SeenSamples& seen) {
  Json json = {{"task", check.name}, {"rows", check.rows}, {"prompts", seen.prompts}};
  json["labels"] = Json::array();
  for (const LabelCount& label : check.labels)
    json["labels"].push_back({{"label", label.label}, {"rows", label.rows}});
  json["models"] = Json::array();
  for (const Fit& fit : seen.fits) json["models"].push_back(fit.report());
  json["findings"] = Json::array();
  for (const Finding& finding : check.findings) {
    json["findings"].push_back({{"severity", name_of(finding.severity)},
                                {"subject", finding.subject},
                                {"message", finding.message},
                                {"rows", finding.rows},
                                {"examples", finding.examples}});
  }
  json["detectable"] = Json::array();
  for (const double disagreement : kDisagreements) {
    const double difference = detectable_difference(static_cast<int64_t>(check.rows), disagreement);
    json["detectable"].push_back({{"disagreement", disagreement},
                                  {"difference", difference >= 0.0 ? Json(difference) : Json(nullptr)}});
  }
  return json;
}

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "unknown" : to_line(value);
}

void print_labels(const Json& report) {
  if (report["labels"].empty()) return;
  constexpr size_t kMostShown = 30;
  Table table({"label", "rows", "share"});
  const auto rows = report["rows"].get<double>();
  for (size_t i = 0; i < std::min(kMostShown, report["labels"].size()); ++i) {
    const Json& label = report["labels"][i];
    table.add({shown(label["label"]), shown(label["rows"]),
               fmt::format("{:.1f} %", 100.0 * label["rows"].get<double>() / rows)});
  }
  fmt::print("{}Always the first one would be right in {:.1f} %.\n\n", table.to_text(),
             100.0 * report["labels"][0]["rows"].get<double>() / rows);
}

void print_models(const Json& report) {
  if (report["models"].empty()) return;
  Table table({"model", "tokens, median", "most", "context", "too long", "with special tokens"});
  for (const Json& model : report["models"]) {
    table.add({shown(model["model"]), shown(model["tokens_median"]), shown(model["tokens_most"]),
               shown(model["context_length"]), shown(model["too_long"]),
               shown(model["with_special_tokens"])});
  }
  fmt::print("{}Tokens of prompt and answer together, at most.\n\n", table.to_text());
}

void print_report(const Json& report) {
  fmt::print("{}: {} rows\n\n", shown(report["task"]), shown(report["rows"]));
  for (const Json& prompt : report["prompts"]) {
    fmt::print("prompt of '{}':\n{}\n", shown(prompt["id"]), indented(shown(prompt["prompt"])));
    if (!prompt["choices"].empty()) fmt::print("choices: {}\n", to_line(prompt["choices"]));
    fmt::print("expected: {}\n\n", shown(prompt["expected"]));
  }
  print_labels(report);
  print_models(report);
  for (const Json& finding : report["findings"]) {
    fmt::print("{}: {}\n", shown(finding["severity"]), shown(finding["message"]));
    for (const Json& example : finding["examples"]) fmt::print("  {}\n", shown(example));
  }
  if (report["findings"].empty()) fmt::print("Nothing odd was found.\n");
  std::vector<std::string> differences;
  for (const Json& one : report["detectable"]) {
    if (one["difference"].is_null()) continue;
    differences.push_back(fmt::format("{:.1f} points where they disagree on {:.0f} %",
                                      100.0 * one["difference"].get<double>(),
                                      100.0 * one["disagreement"].get<double>()));
  }
  if (differences.empty()) {
    fmt::print("\nSo few samples show no difference between two models but a very large one.\n");
    return;
  }
  fmt::print(
      "\n{} samples show a difference between two models of {} (McNemar's test at 5 %, found 4 times in "
      "5).\n",
      shown(report["rows"]), fmt::join(differences, ", "));
}

}  // namespace

Result<std::vector<SelectedTask>> tasks_behind(const std::string& target, const OwnData& data,
                                               const HubSettings& hub) {
  OwnData own = data;
  own.file = target;
  std::error_code ignored;
  // A task's name is no folder, even where one lies here that is called the same.
  const bool is_folder =
      target.find('/') != std::string::npos && std::filesystem::is_directory(target, ignored);
  const bool is_task_file = target.ends_with(".yaml") || target.ends_with(".yml");
  bool is_data = !is_task_file && (is_folder || std::filesystem::is_regular_file(target, ignored));
  if (!is_data && !is_task_file) {
    const Result<std::optional<HubRows>> rows = hub_rows_of(own);
    is_data = rows && rows->has_value();
  }
  if (is_data) {
    Result<TaskGuess> guess = guess_task(own, 0, &hub);
    if (!guess) return forward_error(guess);
    for (const std::string& reason : guess->reasons) fmt::print(stderr, "{}\n", reason);
    Result<SelectedTask> selected = task_of(*guess, own.file);
    if (!selected) return forward_error(selected);
    return std::vector<SelectedTask>{std::move(*selected)};
  }
  Result<std::filesystem::path> installation = installation_folder();
  if (!installation) return forward_error(installation);
  Result<TaskSelection> selection = select_tasks({target}, *installation / "tasks" / "definitions");
  if (!selection) return forward_error(selection);
  return std::move(selection->tasks);
}

Outcome check_tasks(const TaskCheckCommand& command) {
  const HubSettings hub = hub_settings(command.offline);
  Result<std::vector<SelectedTask>> tasks = tasks_behind(command.target, command.data, hub);
  if (!tasks) return forward_error(tasks);
  std::vector<ComparedTokenizer> models;
  for (const std::string& reference : command.models) {
    Result<ComparedTokenizer> model = open_tokenizer(reference, command.offline);
    if (!model) return forward_error(model);
    models.push_back(std::move(*model));
  }
  TaskOptions options;
  options.hub = &hub;
  options.num_fewshot = command.num_fewshot;
  options.data_dir = command.data_dir;
  Json reports = Json::array();
  bool problems = false;
  for (const SelectedTask& task : *tasks) {
    SeenSamples seen;
    for (const ComparedTokenizer& model : models) seen.fits.emplace_back(model);
    Result<TaskCheck> check = check_task(task, options, command.training, [&](const Sample& sample) {
      if (seen.prompts.size() < static_cast<size_t>(command.prompts))
        seen.prompts.push_back(prompt_json(sample));
      for (Fit& fit : seen.fits) fit.add(sample);
    });
    if (!check) return forward_error(check);
    problems |= std::any_of(check->findings.begin(), check->findings.end(),
                            [](const Finding& finding) { return finding.severity == Severity::problem; });
    reports.push_back(report_of(*check, seen));
  }
  if (command.json) {
    fmt::print("{}\n", to_line(reports));
  } else {
    for (const Json& report : reports) print_report(report);
  }
  return problems ? 1 : 0;
}

}  // namespace sizeup::cli
