#include "tasks/check/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "tasks/check/findings.h"

namespace sizeup {
namespace {

constexpr size_t kExamples = 3;  // of each finding

Result<std::vector<Sample>> samples_of(const std::string& file, const TaskOptions& options) {
  Result<std::unique_ptr<Task>> task = load_task(file, options);
  if (!task) return forward_error(task);
  return (*task)->samples(0);
}

// Examples come from other splits or are written in the task file.
Result<void> compare_with_examples(const CheckedRows& rows, const std::string& split, Findings& findings) {
  const Definition& definition = rows.definition;
  if (definition.fewshot_samples) {
    find_overlap(rows, inline_documents(*definition.fewshot_samples).rows, "examples",
                 "the examples in the task file", findings);
  }
  for (const auto& [name, files] : definition.data_files) {
    if (name == split) continue;
    BadRows none;
    Result<Documents> others = load_split(definition, name, 0, none);
    if (!others) return forward_error(others);
    find_overlap(rows, others->rows, "examples", fmt::format("the split '{}'", name), findings);
  }
  return {};
}

}  // namespace

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::problem:
      return "problem";
  }
  throw InternalError("unknown Severity");
}

void FoundRows::add(size_t row, const std::string& what) {
  ++count_;
  if (examples_.size() < kExamples)
    examples_.push_back(documents_.place(row) + (what.empty() ? "" : ": " + what));
}

void FoundRows::report(Severity severity, const char* subject, std::string_view message,
                       Findings& findings) const {
  if (count_ > 0)
    findings.push_back({severity, subject, fmt::format("{} {}", count_, message), count_, examples_});
}

Result<TaskCheck> check_task(const SelectedTask& selected, const TaskOptions& options,
                             const std::filesystem::path& training) {
  TaskOptions own = options;
  own.overrides = selected.overrides;
  Result<std::vector<Sample>> samples = samples_of(selected.file, own);
  if (!samples) return forward_error(samples);
  Result<Definition> definition = read_definition(selected.file, own);
  if (!definition) return forward_error(definition);
  TaskCheck check{definition->name, std::move(*samples), {}, {}};

  const std::string split = definition->test_split ? *definition->test_split : *definition->validation_split;
  BadRows none;
  Result<Documents> documents = load_split(*definition, split, 0, none);
  if (!documents) return forward_error(documents);
  Result<std::vector<Sample>> bare = std::vector<Sample>();
  if (definition->num_fewshot > 0) {
    own.num_fewshot = 0;
    bare = samples_of(selected.file, own);
    if (!bare) return forward_error(bare);
  }

  const CheckedRows rows{*definition, *documents, definition->num_fewshot > 0 ? *bare : check.samples};
  find_empty_and_odd_rows(rows, check.findings);
  find_duplicates(rows, check.findings);
  check.labels = count_labels(rows, check.findings);
  find_leaks(rows, check.findings);
  find_special_tokens(rows, check.findings);
  if (Result<void> compared = compare_with_examples(rows, split, check.findings); !compared)
    return forward_error(compared);
  if (!training.empty()) {
    Result<Documents> trained = load_file(training);
    if (!trained) return forward_error(trained);
    find_overlap(rows, trained->rows, "training", training.string(), check.findings);
  }
  std::stable_sort(check.findings.begin(), check.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return check;
}

}  // namespace sizeup
