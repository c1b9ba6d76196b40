#include "cli/own_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <variant>

#include "cli/table.h"
#include "harness/run/asking.h"

namespace sizeup::cli {
namespace {

std::string asked_for(const Sample& sample) {
  if (!std::holds_alternative<AskScore>(sample.asks.front())) return {};
  std::vector<std::string> choices;
  for (const Ask& ask : sample.asks) choices.push_back(std::get<AskScore>(ask).continuation);
  return fmt::format("\nchoices: {}", fmt::join(choices, " | "));
}

}  // namespace

void add_own_data(CLI::App& app, OwnData& data) {
  app.add_option("--input", data.input, "With a data file: the field, or a template, that is the prompt");
  app.add_option("--target", data.target, "The field, or a template, with the expected answer");
  app.add_option("--choices", data.choices,
                 "The labels, separated by commas, or the field that has the choices")
      ->delimiter(',');
  app.add_option("--metric", data.metrics, "Metrics, the headline first (see: sizeup list metrics)")
      ->delimiter(',');
  app.add_option("--schema", data.schema, "JSON Schema of the records to extract, a file");
  app.add_option("--grounding", data.grounding, "The field with the text that answers must rest on");
  app.add_option("--dataset-name", data.dataset_name, "The config of a data set of the Hugging Face hub");
  app.add_option("--test-split", data.test_split, "Its split (default: test)");
  app.add_option("--slices", data.slices, "Fields by which results are broken down, separated by commas")
      ->delimiter(',');
}

Result<void> show_guess(const OwnData& data, const TaskGuess& guess, const HubSettings& hub,
                        int64_t max_bad_rows) {
  Result<SelectedTask> selected = task_of(guess, data.file);
  if (!selected) return forward_error(selected);
  BadRows bad_rows(max_bad_rows);
  TaskOptions options;
  options.bad_rows = &bad_rows;
  options.hub = &hub;
  options.held_documents = 1;
  options.overrides = std::move(selected->overrides);
  Result<std::unique_ptr<Task>> task = load_task(selected->file, options);
  if (!task) return forward_error(task);
  const Result<std::optional<Sample>> sample = (*task)->read_samples(0, &bad_rows)->next();
  if (!sample) return tl::unexpected<Error>(sample.error());
  if (!*sample) return bad_input(data.file.string(), "every row is bad", "at least one good row");
  const Sample& first = **sample;
  fmt::print(stderr, "{} ({} rows)\n", data.file.string(), guess.rows);
  for (const std::string& reason : guess.reasons) fmt::print(stderr, "  {}\n", reason);
  fmt::print(stderr, "first prompt:\n{}{}\nexpected: {}\n\n", indented(shown_prompt(first)), asked_for(first),
             first.target);
  return {};
}

}  // namespace sizeup::cli
