// Run, models, tasks and scores in words and numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "core/json/json.h"
#include "harness/store/model_text.h"
#include "reports/format.h"
#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// A member of an object, or what stands in for it; stores written by others may lack any of them.
std::string text_at(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

int64_t integer_at(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_integer() ? at->get<int64_t>() : 0;
}

Json object_from(const std::string& text) {
  Result<Json> parsed = parse_json(text, "the store");
  return parsed && parsed->is_object() ? std::move(*parsed) : Json::object();
}

std::vector<std::string> texts_at(const Json& object, const char* key) {
  std::vector<std::string> out;
  const auto at = object.find(key);
  if (at == object.end() || !at->is_array()) return out;
  for (const Json& item : *at) {
    if (item.is_string()) out.push_back(clean_name(item.get<std::string>()));
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> machine_facts(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> out;
  const Json machine = object_from(text);
  for (const auto& [key, value] : machine.items()) {
    std::string shown;
    if (key == "memory_bytes" && value.is_number_integer()) {
      out.emplace_back("memory", format_bytes(value.get<int64_t>()));
      continue;
    }
    if (value.is_string()) shown = value.get<std::string>();
    if (value.is_number()) shown = to_line(value);
    if (value.is_array()) {
      for (const Json& item : value) {
        if (item.is_string()) shown += (shown.empty() ? "" : " ") + item.get<std::string>();
      }
    }
    if (!shown.empty()) out.emplace_back(clean_name(key), clean_name(shown));
  }
  return out;
}

ReportModel describe_model(const ModelRow& row) {
  const Json card = object_from(row.card);
  ReportModel model;
  model.name = clean_name(row.name);
  model.reference = clean_name(shown_reference(row));
  model.fingerprint = clean_name(row.fingerprint);
  model.architecture = clean_name(text_at(card, "architecture"));
  model.weight_format = clean_name(text_at(card, "weight_format"));
  model.backend = clean_name(text_at(card, "backend"));
  model.device = clean_name(text_at(card, "device"));
  model.tier = clean_name(text_at(card, "tier"));
  model.precision = clean_name(text_at(card, "precision"));
  model.parameters = std::max<int64_t>(0, integer_at(card, "parameters"));
  model.active_parameters = std::max<int64_t>(0, integer_at(card, "active_parameters"));
  model.bytes = std::max<int64_t>(0, integer_at(card, "bytes"));
  model.packed_bytes = std::max<int64_t>(0, integer_at(card, "packed_bytes"));
  model.vocabulary = std::max<int64_t>(0, integer_at(card, "vocabulary"));
  model.context_length =
      static_cast<int>(std::clamp<int64_t>(integer_at(card, "context_length"), 0, 1 << 30));
  model.notes = texts_at(card, "notes");
  return model;
}

bool in_unit_range(double value) {
  return value >= 0.0 && value <= 1.0;
}

double margin_in(const Json& settings, const std::string& task) {
  const auto at = settings.find("margin");
  if (at == settings.end()) return kDefaultMargin;
  const Json* value = &*at;
  if (value->is_object()) {
    const auto own = value->find(task);
    if (own == value->end()) return kDefaultMargin;
    value = &*own;
  }
  const bool usable = value->is_number() && value->get<double>() > 0.0 && value->get<double>() < 1.0;
  return usable ? value->get<double>() : kDefaultMargin;
}

ReportTask describe_task(const RunContent& content, size_t index, const Json& settings) {
  const TaskRow& row = content.tasks[index];
  ReportTask task;
  task.name = clean_name(row.name);
  task.description = clean_name(row.description);
  task.version = clean_name(row.version);
  task.definition_hash = clean_name(row.definition_hash);
  task.data_hash = clean_name(row.data_hash);
  task.output_type = row.output_type;
  task.metric = row.metrics.empty() ? std::string() : clean_name(row.metrics.front().name);
  task.pair_metric = content.pair_metrics[index];
  task.margin = margin_in(settings, row.name);
  task.n = static_cast<int64_t>(content.samples[index].size());
  task.verbal_confidence = states_in_words(row);
  for (const std::string& field : row.slice_fields) task.slice_fields.push_back(clean_name(field));
  for (const std::vector<Cell>& cells : content.cells) {
    const Cell& cell = cells[index];
    if (!cell.present) continue;
    task.protocol = cell.evaluation.protocol;
    if (cell.evaluation.num_fewshot) task.num_fewshot = *cell.evaluation.num_fewshot;
    task.chat_template = cell.evaluation.chat_template;
    for (const AnswerRow& answer : cell.answers) {
      if (const std::string* sandbox = find_detail(answer, "sandbox")) task.sandbox = clean_name(*sandbox);
    }
    for (const ResultRow& result : cell.results) {
      const bool headline =
          result.slice_field.empty() && !row.metrics.empty() && result.metric == row.metrics.front().name;
      if (headline && (!in_unit_range(result.value) || is_unbounded(result.metric))) task.share = false;
    }
  }
  return task;
}

ReportScore describe_score(const Cell& cell, int model, int task, const std::string& headline) {
  ReportScore score;
  score.model = model;
  score.task = task;
  score.scenario = cell.evaluation.scenario;
  score.planned = cell.evaluation.samples;
  score.answered = static_cast<int64_t>(cell.answers.size());
  for (const AnswerRow& answer : cell.answers) {
    score.no_answer += answer.no_answer && !answer.error ? 1 : 0;
    score.invalid += answer.invalid && !answer.no_answer && !answer.error ? 1 : 0;
    score.truncated += answer.truncated ? 1 : 0;
    score.errors += answer.error ? 1 : 0;
  }
  for (const ResultRow& result : cell.results) {
    if (!result.slice_field.empty()) continue;
    const Estimate estimate{result.value, result.lo.value_or(kNoNumber), result.hi.value_or(kNoNumber),
                            result.n};
    score.metrics[clean_name(result.metric)] = estimate;
    if (result.metric == headline) score.headline = estimate;
  }
  return score;
}

void describe_groups(const RunContent& content, ReportData& data) {
  for (const GroupRow& row : content.groups) {
    const auto model = std::find_if(content.models.begin(), content.models.end(),
                                    [&](const ModelRow& known) { return known.id == row.model.id; });
    if (model == content.models.end()) continue;
    ReportGroup group;
    group.model = static_cast<int>(model - content.models.begin());
    group.name = clean_name(row.name);
    group.depth = std::clamp(row.depth, 0, 100);
    group.tasks = row.tasks;
    group.metric = clean_name(row.result.metric);
    group.estimate = {row.result.value, row.result.lo.value_or(kNoNumber), row.result.hi.value_or(kNoNumber),
                      row.result.n};
    data.groups.push_back(std::move(group));
  }
}

// A pass answers all tasks of a model at once and every one of its evaluations says what the whole took.
void describe_work(const RunContent& content, ReportData& data) {
  for (const EvaluationRow& evaluation : content.evaluations) {
    if (!evaluation.counts && !evaluation.wall_ms) continue;
    int model = 0;
    while (content.models[static_cast<size_t>(model)].id != evaluation.model.id) ++model;
    const bool known = std::any_of(data.work.begin(), data.work.end(), [&](const ReportWork& work) {
      return work.model == model && work.scenario == evaluation.scenario;
    });
    if (known) continue;
    const Json counts = object_from(evaluation.counts.value_or("{}"));
    ReportWork work;
    work.model = model;
    work.scenario = evaluation.scenario;
    work.tokens_asked = integer_at(counts, "tokens_asked");
    work.tokens_unique = integer_at(counts, "tokens_unique");
    work.tokens_computed = integer_at(counts, "tokens_computed");
    work.tokens_recomputed = integer_at(counts, "tokens_recomputed");
    work.tokens_generated = integer_at(counts, "tokens_generated");
    work.tokens_drafted = integer_at(counts, "tokens_drafted");
    work.tokens_accepted = integer_at(counts, "tokens_accepted");
    work.wall_ms = evaluation.wall_ms.value_or(kNoNumber);
    data.work.push_back(std::move(work));
  }
}

// Two models of one name would be one row to every reader.
void make_names_unique(std::vector<ReportModel>& models) {
  std::unordered_map<std::string, int> seen;
  for (ReportModel& model : models) {
    const int count = ++seen[model.name];
    if (count > 1) model.name += fmt::format(" ({})", count);
  }
}

}  // namespace

const double* find_score(const AnswerRow& answer, std::string_view metric) {
  for (const auto& [name, value] : answer.scores) {
    if (name == metric) return std::isfinite(value) ? &value : nullptr;
  }
  return nullptr;
}

const AnswerRow& AnswersInOrder::to(int64_t sample) {
  while (at_ < answers_.size() && answers_[at_].sample_id != sample) ++at_;
  require(at_ < answers_.size(), "the sample has an answer, after that of the one before");
  return answers_[at_];
}

std::string shown_name(const Redactor& redactor, const std::string& name) {
  return clean_name(redactor.redacted(name));
}

void describe_run(const RunContent& content, ReportData& data) {
  data.run.name = clean_name(content.run.name);
  data.run.created = clean_name(content.run.created_at);
  data.run.finished = clean_name(content.run.finished_at.value_or(""));
  data.run.protocol = clean_name(content.run.protocol);
  data.run.now = clean_name(content.run.now);
  data.run.seed = content.run.seed;
  data.run.program = clean_name(content.run.program);
  data.run.machine = machine_facts(content.run.machine);
  for (const ModelRow& model : content.models) data.models.push_back(describe_model(model));
  make_names_unique(data.models);
  const Json settings = object_from(content.run.settings);
  data.run.limit = std::max<int64_t>(0, integer_at(settings, "limit"));
  for (size_t task = 0; task < content.tasks.size(); ++task)
    data.tasks.push_back(describe_task(content, task, settings));
  for (size_t model = 0; model < content.models.size(); ++model) {
    for (size_t task = 0; task < content.tasks.size(); ++task) {
      const Cell& cell = content.cells[model][task];
      const std::vector<MetricRow>& metrics = content.tasks[task].metrics;
      if (!cell.present) continue;
      data.scores.push_back(describe_score(cell, static_cast<int>(model), static_cast<int>(task),
                                           metrics.empty() ? std::string() : metrics.front().name));
    }
  }
  describe_groups(content, data);
  describe_work(content, data);
}

}  // namespace sizeup
