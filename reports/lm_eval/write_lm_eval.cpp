#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <system_error>

#include "core/io/file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "harness/statistics/interval.h"
#include "harness/store/read.h"
#include "reports/report.h"

namespace sizeup {
namespace {

// "exact_match,strict-match" -> exact_match by strict-match; a metric without a filter has "none" there.
struct MetricName {
  std::string metric;
  std::string filter = "none";

  explicit MetricName(const std::string& name) : metric(name.substr(0, name.find(','))) {
    if (metric.size() < name.size()) filter = name.substr(metric.size() + 1);
  }
  std::string key(const char* addition = "") const { return metric + addition + "," + filter; }
};

struct EvaluationData {
  const EvaluationRow& row;
  std::vector<ResultRow> results;
  std::vector<SampleRow> samples;
  std::vector<AnswerRow> answers;
};

// Of means alone, as in lm-evaluation-harness; "N/A" where there is none.
Json error_of(const EvaluationData& data, const MetricRow& metric) {
  std::vector<double> scores;
  for (const AnswerRow& answer : data.answers) {
    const auto score = answer.scores.find(metric.name);
    if (score != answer.scores.end() && !std::isnan(score->second)) scores.push_back(score->second);
  }
  if (!metric.is_mean || scores.size() < 2) return "N/A";
  return standard_error(scores);
}

Json number_of(double value) {
  return std::isnan(value) ? Json() : Json(value);
}

Json results_of(const EvaluationData& data) {
  Json out = {{"alias", data.row.task.name}, {"sample_len", data.answers.size()}};
  for (const MetricRow& metric : data.row.task.metrics) {
    const auto result = std::find_if(data.results.begin(), data.results.end(), [&](const ResultRow& row) {
      return row.metric == metric.name && row.slice_field.empty();
    });
    if (result == data.results.end()) continue;
    const MetricName name(metric.name);
    out[name.key()] = number_of(result->value);
    out[name.key("_stderr")] = error_of(data, metric);
  }
  return out;
}

// The second argument of a request: what is scored, or how text is generated.
Json asked(const ResponseRow& response) {
  const Result<Json> key = parse_json(response.key_json, "key");
  if (!key) return {};
  if (response.text) {
    return {{"until", key->value("stop", Json::array())},
            {"max_gen_toks", key->value("max_tokens", 0)},
            {"temperature", key->value("temperature", 0.0)}};
  }
  return key->value("continuation", Json());
}

// Leaves are texts, as in the harness's files: columns of one type for those who load them as a table.
Json reply_of(const ResponseRow& response) {
  if (response.text) return *response.text;
  const std::string logprob =
      std::isinf(response.logprob) ? std::string("-inf") : fmt::format("{}", response.logprob);
  return Json::array({logprob, response.greedy ? "True" : "False"});
}

Json sample_of(const EvaluationData& data, size_t index, const std::vector<ResponseRow>& responses,
               const std::string& filter, bool first_filter) {
  const SampleRow& sample = data.samples[index];
  const AnswerRow& answer = data.answers[index];
  Json arguments = Json::object();
  Json replies = Json::array();
  Json filtered = Json::array();
  for (size_t i = 0; i < responses.size(); ++i) {
    const ResponseRow& response = responses[i];
    arguments[fmt::format("gen_args_{}", i)] = {{"arg_0", response.prompt}, {"arg_1", asked(response)}};
    replies.push_back(Json::array({reply_of(response)}));
    if (!response.text) filtered.push_back(reply_of(response));
  }
  // The store has what the first filter found.
  if (filtered.empty() && first_filter) filtered.push_back(answer.answer);
  Json document = {{"id", sample.document_id}};
  for (const auto& [field, value] : sample.slices) document[field] = value;
  Json out = {{"doc_id", sample.row},
              {"doc", std::move(document)},
              {"target", sample.target},
              {"arguments", std::move(arguments)},
              {"resps", std::move(replies)},
              {"filtered_resps", std::move(filtered)},
              {"filter", filter},
              {"metrics", Json::array()},
              {"doc_hash", sample.document_hash},
              {"prompt_hash", sha256_hex(responses.empty() ? sample.prompt : responses[0].prompt)},
              {"target_hash", sha256_hex(sample.target)}};
  for (const auto& [metric, score] : answer.scores) {
    const MetricName name(metric);
    if (name.filter != filter) continue;
    out["metrics"].push_back(name.metric);
    out[name.metric] = number_of(score);
  }
  return out;
}

// In the task's order.
std::vector<std::string> filters_of(const TaskRow& task) {
  std::vector<std::string> filters;
  for (const MetricRow& metric : task.metrics) {
    const std::string filter = MetricName(metric.name).filter;
    if (std::find(filters.begin(), filters.end(), filter) == filters.end()) filters.push_back(filter);
  }
  return filters;
}

Result<void> write_samples(const Store& store, const EvaluationData& data,
                           const std::filesystem::path& file) {
  std::string lines;
  const std::vector<std::string> filters = filters_of(data.row.task);
  for (size_t i = 0; i < data.samples.size() && i < data.answers.size(); ++i) {
    if (data.answers[i].error) continue;
    auto responses = read_responses(store, data.row.id, data.samples[i].id);
    if (!responses) return forward_error(responses);
    for (size_t f = 0; f < filters.size(); ++f)
      lines += to_line(sample_of(data, i, *responses, filters[f], f == 0)) + "\n";
  }
  return write_file(file, lines);
}

// What viewers look for beside the numbers themselves.
void add_facts(Json& all, const EvaluationData& data) {
  const TaskRow& task = data.row.task;
  all["results"][task.name] = results_of(data);
  all["versions"][task.name] = task.version;
  all["n-shot"][task.name] = data.row.num_fewshot ? Json(*data.row.num_fewshot) : Json();
  all["n-samples"][task.name] = {{"original", data.row.samples}, {"effective", data.answers.size()}};
  all["configs"][task.name] = {
      {"task", task.name}, {"output_type", task.output_type}, {"metadata", {{"version", task.version}}}};
  for (const MetricRow& metric : task.metrics)
    all["higher_is_better"][task.name][MetricName(metric.name).metric] = metric.higher_is_better;
}

// Groups stand among the results and once more by themselves.
void add_group(Json& all, const GroupRow& group) {
  const MetricName name(group.result.metric);
  for (const char* section : {"results", "groups"}) {
    Json& out = all[section][group.name];
    out["alias"] = group.name;
    out[name.key()] = number_of(group.result.value);
    out[name.key("_stderr")] = group.standard_error ? number_of(*group.standard_error) : Json("N/A");
  }
  all["versions"][group.name] = group.version;
}

// A file name of what may be a path or an endpoint's name.
std::string file_name(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '/' || c == ':' || c == '\\'; }, '-');
  return text;
}

Result<EvaluationData> load(const Store& store, const EvaluationRow& row) {
  EvaluationData data{row, {}, {}, {}};
  auto results = read_results(store, row.id);
  if (!results) return forward_error(results);
  auto samples = read_samples(store, row.id);
  if (!samples) return forward_error(samples);
  auto answers = read_answers(store, row.id);
  if (!answers) return forward_error(answers);
  data.results = std::move(*results);
  data.samples = std::move(*samples);
  data.answers = std::move(*answers);
  return data;
}

}  // namespace

Result<void> write_lm_eval(const Store& store, const std::string& run, bool with_samples,
                           const std::filesystem::path& folder) {
  auto found = find_run(store, run.empty() ? "latest" : run);
  if (!found) return forward_error(found);
  auto evaluations = read_evaluations(store, found->id);
  if (!evaluations) return forward_error(evaluations);
  std::map<std::string, Json> by_model;
  const std::string date = file_name(found->created_at);
  for (const EvaluationRow& row : *evaluations) {
    if (row.scenario != "offline") continue;
    auto data = load(store, row);
    if (!data) return forward_error(data);
    const std::filesystem::path own = folder / file_name(row.model.name);
    std::error_code failed;
    std::filesystem::create_directories(own, failed);
    if (failed) return unavailable(own.string(), "the folder cannot be made", failed.message());
    Json& all = by_model[row.model.name];
    add_facts(all, *data);
    all["config"] = {{"model", "sizeup"}, {"model_args", row.model.reference}};
    all["model_name"] = row.model.name;
    if (!with_samples || found->texts == "none") continue;
    const std::string name = fmt::format("samples_{}_{}.jsonl", file_name(row.task.name), date);
    if (auto written = write_samples(store, *data, own / name); !written) return written;
  }
  auto groups = read_groups(store, found->id);
  if (!groups) return forward_error(groups);
  for (const GroupRow& group : *groups) add_group(by_model[group.model.name], group);
  for (const auto& [model, all] : by_model) {
    const auto file = folder / file_name(model) / fmt::format("results_{}.json", date);
    if (auto written = write_file(file, to_line(all) + "\n"); !written) return written;
  }
  return {};
}

}  // namespace sizeup
