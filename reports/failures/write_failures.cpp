#include "reports/failures/write_failures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>

#include "core/io/part_file.h"
#include "core/json/json.h"
#include "core/text/edited_text.h"
#include "harness/store/read.h"
#include "harness/store/views.h"

namespace sizeup {
namespace {

Result<void> check_names(const Store& store, const RunRow& run, const FailuresOptions& options) {
  auto evaluations = read_evaluations(store, run.id);
  if (!evaluations) return forward_error(evaluations);
  std::set<std::string> models;
  std::set<std::string> tasks;
  for (const EvaluationRow& evaluation : *evaluations) {
    models.insert(evaluation.model.name);
    tasks.insert(evaluation.task.name);
  }
  const auto check = [&](const char* kind, const std::string& name,
                         const std::set<std::string>& names) -> Result<void> {
    if (name.empty() || names.contains(name)) return {};
    return bad_input(store.file().string(), fmt::format("run '{}' has no {} '{}'", run.name, kind, name),
                     fmt::format("{}", fmt::join(names, ", ")));
  };
  if (auto known = check("model", options.model, models); !known) return known;
  return check("task", options.task, tasks);
}

class FailureLine {
 public:
  FailureLine(const Redactor& redactor, const std::vector<std::string>& columns) : redactor_(redactor) {
    for (size_t i = 0; i < columns.size(); ++i) index_[columns[i]] = i;
  }

  std::string operator()(std::span<const ViewCell> row) const {
    Json line = {{"instruction", text(row, "prompt")}, {"input", ""}, {"output", text(row, "target")}};
    Json& metadata = line["metadata"] = Json::object();
    for (const char* name : {"run", "task", "document_id", "model"}) metadata[name] = text(row, name);
    metadata["answer"] = text(row, "answer");
    metadata["metric"] = value(row, "metric");
    metadata["score"] = value(row, "score");
    for (const char* flag : {"no_answer", "invalid", "truncated"}) metadata[flag] = value(row, flag) == 1;
    metadata["error"] = value(row, "error");
    metadata["slices"] = slices(row);
    return to_line(line) + "\n";
  }

 private:
  std::string text(std::span<const ViewCell> row, const char* column) const {
    const auto* stored = std::get_if<std::string>(&row[index_.at(column)]);
    return stored == nullptr ? std::string() : redactor_.redacted(*stored);
  }
  Json value(std::span<const ViewCell> row, const char* column) const {
    const ViewCell& cell = row[index_.at(column)];
    if (const auto* integer = std::get_if<int64_t>(&cell)) return *integer;
    if (const auto* real = std::get_if<double>(&cell)) return *real;
    if (std::holds_alternative<std::string>(cell)) return text(row, column);
    return nullptr;
  }
  Json slices(std::span<const ViewCell> row) const {
    Result<Json> parsed = parse_json(text(row, "slices"), "slices");
    return parsed ? *parsed : Json::object();
  }

  const Redactor& redactor_;
  std::map<std::string, size_t> index_;
};

}  // namespace

Result<int64_t> write_failures(const Store& store, const FailuresOptions& options,
                               const std::filesystem::path& file) {
  auto redactor = Redactor::compile(options.redact);
  if (!redactor) return forward_error(redactor);
  auto run = find_run(store, options.run.empty() ? "latest" : options.run);
  if (!run) return forward_error(run);
  if (run->texts == "none") {
    return bad_input(store.file().string(), fmt::format("run '{}' was stored without texts", run->name),
                     "a run that was made without --no-text", "run it again: with texts they are filled in");
  }
  if (auto known = check_names(store, *run, options); !known) return forward_error(known);
  auto columns = view_columns(store, "failures");
  if (!columns) return forward_error(columns);
  auto part = PartFile::open(file.string() + ".part");
  if (!part) return forward_error(part);
  if (!part->clear()) return tl::unexpected<Error>(part->error());

  std::map<std::string, std::string> equals = {{"run", run->name}};
  if (!options.model.empty()) equals["model"] = options.model;
  if (!options.task.empty()) equals["task"] = options.task;
  const FailureLine line(*redactor, *columns);
  int64_t lines = 0;
  auto read = read_view(store, "failures", equals, [&](std::span<const ViewCell> row) -> Result<void> {
    if (!part->append(line(row))) return tl::unexpected<Error>(part->error());
    ++lines;
    return {};
  });
  if (!read) return forward_error(read);
  if (auto finished = part->finish(file); !finished) return forward_error(finished);
  return lines;
}

}  // namespace sizeup
