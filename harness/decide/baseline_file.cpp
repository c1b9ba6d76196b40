#include "harness/decide/baseline_file.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>
#include <unordered_set>
#include <utility>

#include "core/io/file.h"
#include "core/json/checked_json.h"
#include "core/json/json.h"
#include "core/json/number.h"

namespace sizeup {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;  // a million samples and their slices
constexpr const char* kOrigin = "a file that `sizeup baseline save` wrote";

Json numbers(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(number(value));
  return out;
}

constexpr std::array<std::pair<const char*, bool EvidenceSample::*>, 4> kFlags = {{
    {"no_answer", &EvidenceSample::no_answer},
    {"invalid", &EvidenceSample::invalid},
    {"truncated", &EvidenceSample::truncated},
    {"failed", &EvidenceSample::failed},
}};

Json to_json(const EvidenceSample& sample) {
  Json json = {{"id", sample.document_id},
               {"document", sample.document_hash},
               {"prompt", sample.prompt_hash},
               {"score", number(sample.score)}};
  Json flags = Json::array();
  for (const auto& [name, flag] : kFlags) {
    if (sample.*flag) flags.push_back(name);
  }
  if (!flags.empty()) json["flags"] = std::move(flags);
  if (sample.slices != nullptr && !sample.slices->empty()) json["slices"] = *sample.slices;
  return json;
}

Json to_json(const ResultRow& row) {
  Json json = {{"metric", row.metric}};
  if (!row.slice_field.empty()) {
    json["slice_field"] = row.slice_field;
    json["slice_value"] = row.slice_value;
  }
  json["value"] = number(row.value);
  json["lo"] = number(row.lo);
  json["hi"] = number(row.hi);
  json["n"] = row.n;
  return json;
}

// "name": [ one item a line ]
template <class Items>
std::string lines(const char* name, const Items& items) {
  std::string out = fmt::format("    \"{}\": [", name);
  const char* separator = "\n      ";
  for (const auto& item : items) {
    out += separator + to_line(to_json(item));
    separator = ",\n      ";
  }
  return out + "]";
}

constexpr const char* kSingle = "single";

// One request at a time stands beside the others, where earlier versions look for it.
Json other_times(const EvidenceTask& task) {
  Json json = Json::object();
  for (const auto& [scenario, one] : task.times) {
    if (scenario != kSingle)
      json[scenario] = {{"ttft_ms", numbers(one.ttft_ms)}, {"total_ms", numbers(one.total_ms)}};
  }
  return json;
}

std::string task_text(const EvidenceTask& task) {
  const auto timed = task.times.find(kSingle);
  const EvidenceTimes single = timed == task.times.end() ? EvidenceTimes{} : timed->second;
  Json head = {{"name", task.name},
               {"definition_hash", task.definition_hash},
               {"data_hash", task.data_hash},
               {"protocol", task.protocol},
               {"num_fewshot", task.num_fewshot ? Json(*task.num_fewshot) : Json(nullptr)},
               {"chat_template", task.chat_template},
               {"metric", task.metric},
               {"metrics", task.metrics},
               {"slice_fields", task.slice_fields},
               {"ttft_ms", numbers(single.ttft_ms)},
               {"total_ms", numbers(single.total_ms)},
               {"times", other_times(task)},
               {"cost_per_sample", number(task.cost_per_sample)},
               {"currency", task.currency}};
  if (task.work) {
    head["work"] = {
        {"samples", task.work->samples}, {"tokens", task.work->tokens}, {"seconds", task.work->seconds}};
  }
  std::string out = "   {";
  for (const auto& [key, value] : head.items()) {
    out += fmt::format("{}\"{}\": {}", out.size() > 4 ? ",\n    " : "\n    ", key, to_line(value));
  }
  return out + ",\n" + lines("results", task.results) + ",\n" + lines("samples", task.samples) + "}";
}

constexpr double kMost = 1e300;  // any finite number that somebody may have measured

std::vector<double> times(const CheckedJson& node) {
  std::vector<double> out;
  for (const CheckedJson& item : node.items()) out.push_back(item.number(0.0, kMost));
  return out;
}

EvidenceSample read_sample(const CheckedJson& node) {
  EvidenceSample sample;
  sample.document_id = node.at("id").text();
  sample.document_hash = node.at("document").text();
  sample.prompt_hash = node.at("prompt").text();
  sample.score = node.at("score").number_or(kNoNumber, 0.0, 1.0);
  if (node.has("flags")) {
    for (const CheckedJson& item : node.at("flags").items()) {
      const std::string name = item.text();
      bool known = false;
      for (const auto& [flag_name, flag] : kFlags) {
        if (name != flag_name) continue;
        sample.*flag = true;
        known = true;
      }
      if (!known) item.refuse("is no flag", "no_answer, invalid, truncated or failed");
    }
  }
  if (node.has("slices")) {
    Slices slices;
    for (const auto& [field, value] : node.at("slices").members()) slices[field] = value.text();
    sample.slices = std::make_shared<const Slices>(std::move(slices));
  }
  return sample;
}

std::optional<double> optional_number(const CheckedJson& node, double lowest) {
  if (node.is_null()) return std::nullopt;
  return node.number(lowest, kMost);
}

ResultRow read_result(const CheckedJson& node) {
  ResultRow row;
  row.metric = node.at("metric").text();
  if (node.has("slice_field")) {
    row.slice_field = node.at("slice_field").text();
    row.slice_value = node.at("slice_value").text();
  }
  row.value = node.at("value").number_or(kNoNumber, -kMost, kMost);
  row.lo = optional_number(node.at("lo"), -kMost);
  row.hi = optional_number(node.at("hi"), -kMost);
  row.n = node.at("n").count();
  return row;
}

EvidenceTimes read_times(const CheckedJson& node) {
  return {times(node.at("ttft_ms")), times(node.at("total_ms"))};
}

EvidenceTask read_task(const CheckedJson& node) {
  EvidenceTask task;
  task.name = node.at("name").text();
  task.definition_hash = node.at("definition_hash").text();
  task.data_hash = node.at("data_hash").text();
  task.protocol = node.at("protocol").text();
  constexpr double kMostShots = 1e6;
  if (!node.at("num_fewshot").is_null()) {
    task.num_fewshot = static_cast<int>(node.at("num_fewshot").number(0.0, kMostShots));
  }
  task.chat_template = node.at("chat_template").boolean();
  task.metric = node.at("metric").text();
  for (const CheckedJson& metric : node.at("metrics").items()) task.metrics.push_back(metric.text());
  for (const CheckedJson& field : node.at("slice_fields").items()) task.slice_fields.push_back(field.text());
  if (EvidenceTimes single = read_times(node); !single.total_ms.empty())
    task.times[kSingle] = std::move(single);
  if (node.has("times")) {
    for (const auto& [scenario, one] : node.at("times").members()) task.times[scenario] = read_times(one);
  }
  task.cost_per_sample = optional_number(node.at("cost_per_sample"), 0.0);
  task.currency = node.at("currency").text();
  if (node.has("work")) {
    const CheckedJson work = node.at("work");
    task.work = EvidenceWork{work.at("samples").count(), work.at("tokens").count(),
                             work.at("seconds").number(0.0, kMost)};
  }
  for (const CheckedJson& row : node.at("results").items()) task.results.push_back(read_result(row));
  std::unordered_set<std::string> ids;
  for (const CheckedJson& item : node.at("samples").items()) {
    task.samples.push_back(read_sample(item));
    if (!ids.insert(task.samples.back().document_id).second) {
      item.refuse("has the id of an earlier sample", "each document of a task once");
    }
  }
  return task;
}

Evidence read_evidence(const CheckedJson& node) {
  Evidence evidence;
  const std::string schema = node.at("schema").text();
  if (schema != kBaselineSchema) {
    node.at("schema").refuse(fmt::format("is '{:.100}'", schema), std::string(kBaselineSchema),
                             "write the file again with this version's `sizeup baseline save`");
  }
  evidence.program = node.at("program").text();
  evidence.run = node.at("run").text();
  evidence.created = node.at("created").text();
  evidence.machine = node.at("machine").text();
  const CheckedJson model = node.at("model");
  evidence.model = model.at("name").text();
  evidence.reference = model.at("reference").text();
  evidence.fingerprint = model.at("fingerprint").text();
  evidence.precision = model.at("precision").text();
  evidence.packed_bytes = model.at("packed_bytes").count();
  std::set<std::string> names;
  for (const CheckedJson& item : node.at("tasks").items()) {
    evidence.tasks.push_back(read_task(item));
    if (!names.insert(evidence.tasks.back().name).second) {
      item.refuse("has the name of an earlier task", "each task once");
    }
  }
  if (evidence.tasks.empty()) node.at("tasks").refuse("is empty", "at least one task");
  return evidence;
}

}  // namespace

std::string to_baseline_text(const Evidence& evidence) {
  const Json model = {{"name", evidence.model},
                      {"reference", evidence.reference},
                      {"fingerprint", evidence.fingerprint},
                      {"precision", evidence.precision},
                      {"packed_bytes", evidence.packed_bytes}};
  std::string out = fmt::format("{{\n \"schema\": \"{}\"", kBaselineSchema);
  const auto member = [&](const char* name, const Json& value) {
    out += fmt::format(",\n \"{}\": {}", name, to_line(value));
  };
  member("program", evidence.program);
  member("run", evidence.run);
  member("created", evidence.created);
  member("machine", evidence.machine);
  member("model", model);
  out += ",\n \"tasks\": [";
  for (size_t i = 0; i < evidence.tasks.size(); ++i) {
    out += (i == 0 ? "\n" : ",\n") + task_text(evidence.tasks[i]);
  }
  return out + "]\n}\n";
}

Result<void> write_baseline(const Evidence& evidence, const std::filesystem::path& file) {
  return write_file(file, to_baseline_text(evidence));
}

Result<Evidence> read_baseline(const std::filesystem::path& file) {
  Result<std::string> text = read_file(file, kMaxFileBytes);
  if (!text) return forward_error(text);
  return parse_baseline(*text, file.string());
}

Result<Evidence> parse_baseline(std::string_view text, const std::string& place) {
  return read_checked_json(parse_json(text, place), place, kOrigin, [&](const CheckedJson& root) {
    Evidence evidence = read_evidence(root);
    evidence.source = place;
    return evidence;
  });
}

}  // namespace sizeup
