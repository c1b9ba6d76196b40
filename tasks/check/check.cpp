#include "tasks/check/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "datasets/readers/row_reader.h"
#include "tasks/check/findings.h"
#include "tasks/yaml_task.h"

namespace sizeup {
namespace {

constexpr size_t kExamples = 3;  // of each finding

// Its documents are read one after the other.
Result<std::unique_ptr<YamlTask>> open_task(const std::string& file, TaskOptions options) {
  options.held_documents = 1;
  Result<Definition> definition = read_definition(file, options);
  if (!definition) return forward_error(definition);
  return YamlTask::load(std::move(*definition), options);
}

template <class Visit>
Result<void> for_each_sample(const YamlTask& task, const Visit& visit) {
  const std::unique_ptr<DocumentReader> reader = task.read_documents(0, nullptr);
  while (true) {
    const Result<std::optional<Sample>> sample = reader->next();
    if (!sample) return tl::unexpected<Error>(sample.error());
    if (!*sample) return {};
    visit(*reader, **sample);
  }
}

// The texts of a split or of a file, read row by row.
Result<KnownTexts> texts_of(RowReader& reader) {
  KnownTexts texts;
  while (true) {
    const Result<std::optional<Json>> row = reader.next();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) return texts;
    texts.add(**row);
  }
}

using Checks = std::vector<std::unique_ptr<RowCheck>>;

// Examples come from other splits or are written in the task file.
Result<void> add_examples(const Definition& definition, const std::string& split, Checks& checks) {
  if (definition.fewshot_samples) {
    KnownTexts texts;
    for (const Json& row : inline_documents(*definition.fewshot_samples).rows) texts.add(row);
    checks.push_back(overlap(std::move(texts), "examples", "the examples in the task file"));
  }
  for (const auto& [name, files] : definition.data_files) {
    if (name == split) continue;
    BadRows none;
    Result<Documents> others = load_split(definition, name, 0, none);
    if (!others) return forward_error(others);
    KnownTexts texts;
    for (const Json& row : others->rows) texts.add(row);
    checks.push_back(overlap(std::move(texts), "examples", fmt::format("the split '{}'", name)));
  }
  return {};
}

Result<void> add_training(const std::filesystem::path& training, Checks& checks) {
  if (training.empty()) return {};
  BadRows none;
  RowReader reader({training}, {}, none);
  Result<KnownTexts> texts = texts_of(reader);
  if (!texts) return forward_error(texts);
  checks.push_back(overlap(std::move(*texts), "training", training.string()));
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

std::string shown_document(int64_t index) {
  return fmt::format("document {}", index + 1);
}

void FoundRows::add(const std::string& place, const std::string& what) {
  ++count_;
  if (examples_.size() < kExamples) examples_.push_back(place + (what.empty() ? "" : ": " + what));
}

void FoundRows::report(Severity severity, const char* subject, std::string_view message,
                       Findings& findings) const {
  if (count_ > 0)
    findings.push_back({severity, subject, fmt::format("{} {}", count_, message), count_, examples_});
}

Result<TaskCheck> check_task(const SelectedTask& selected, const TaskOptions& options,
                             const std::filesystem::path& training,
                             const std::function<void(const Sample& sample)>& on_sample) {
  TaskOptions own = options;
  own.overrides = selected.overrides;
  Result<std::unique_ptr<YamlTask>> task = open_task(selected.file, own);
  if (!task) return forward_error(task);
  const Result<Definition> definition = read_definition(selected.file, own);
  if (!definition) return tl::unexpected<Error>(definition.error());
  TaskCheck check;
  check.name = definition->name;

  Checks checks;
  checks.push_back(empty_and_odd_rows(*definition));
  checks.push_back(duplicates());
  checks.push_back(label_counts(*definition, check.labels));
  checks.push_back(leaks(*definition));
  checks.push_back(special_tokens());
  const std::string split = definition->test_split ? *definition->test_split : *definition->validation_split;
  if (Result<void> added = add_examples(*definition, split, checks); !added) return forward_error(added);
  if (Result<void> added = add_training(training, checks); !added) return forward_error(added);

  const auto look_at = [&](const DocumentReader& reader, const Sample& sample) {
    ++check.rows;
    for (const auto& one : checks) one->add({reader.document(), sample, reader.place()});
  };
  const bool with_examples = definition->num_fewshot > 0;
  Result<void> seen = for_each_sample(**task, [&](const DocumentReader& reader, const Sample& sample) {
    on_sample(sample);
    if (!with_examples) look_at(reader, sample);
  });
  if (!seen) return forward_error(seen);
  if (with_examples) {
    own.num_fewshot = 0;
    Result<std::unique_ptr<YamlTask>> bare = open_task(selected.file, own);
    if (!bare) return forward_error(bare);
    seen = for_each_sample(**bare, look_at);
    if (!seen) return forward_error(seen);
  }
  for (const auto& one : checks) one->report(check.findings);
  std::stable_sort(check.findings.begin(), check.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return check;
}

}  // namespace sizeup
