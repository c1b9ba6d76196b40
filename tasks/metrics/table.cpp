#include "tasks/metrics/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/keys.h"
#include "tasks/metrics/choice.h"
#include "tasks/metrics/classification.h"
#include "tasks/metrics/code.h"
#include "tasks/metrics/exact_match.h"
#include "tasks/metrics/extraction.h"
#include "tasks/metrics/grounded.h"
#include "tasks/metrics/hallucination.h"
#include "tasks/metrics/likelihood.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

constexpr auto kChoice = OutputType::multiple_choice;
constexpr auto kLikelihood = OutputType::loglikelihood;
constexpr auto kRolling = OutputType::loglikelihood_rolling;
constexpr auto kGenerate = OutputType::generate_until;

// One name in a task file for metrics that belong together.
struct MetricGroup {
  const char* name;
  std::array<const char*, 4> members;
};
constexpr std::array kGroups = {
    MetricGroup{"closed_book", {"hallucination_rate", "attempted", "accuracy_given_attempted", "f_score"}},
};

std::vector<std::string> default_metrics(OutputType type) {
  switch (type) {
    case kChoice:
      return {"acc", "acc_norm"};
    case kLikelihood:
      return {"perplexity", "acc"};
    case kRolling:
      return {"word_perplexity", "byte_perplexity", "bits_per_byte"};
    case kGenerate:
      return {"exact_match"};
  }
  return {};
}

const MetricEntry* find_entry(std::string_view name) {
  const auto entries = metric_entries();
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const MetricEntry& entry) { return name == entry.name; });
  return found == entries.end() ? nullptr : &*found;
}

const char* type_name(OutputType type) {
  switch (type) {
    case kChoice:
      return "multiple_choice";
    case kLikelihood:
      return "loglikelihood";
    case kRolling:
      return "loglikelihood_rolling";
    case kGenerate:
      return "generate_until";
  }
  return "";
}

const char* needed_keys(Need need) {
  switch (need) {
    case Need::none:
      return "";
    case Need::labels:
      return "a fixed list of labels: doc_to_choice: [A, B, ...] or labels: [A, B, ...]";
    case Need::schema:
      return "schema";
    case Need::schema_and_grounding:
      return "schema and grounding";
    case Need::grounding:
      return "grounding";
    case Need::unsafe_code:
      return "unsafe_code: true (generated code is run, in the sandbox)";
  }
  return "";
}

bool is_met(Need need, const ScoringFacts& facts) {
  switch (need) {
    case Need::none:
      return true;
    case Need::labels:
      return !facts.labels.empty();
    case Need::schema:
      return facts.schema.has_value();
    case Need::schema_and_grounding:
      return facts.schema && facts.has_grounding;
    case Need::grounding:
      return facts.has_grounding;
    case Need::unsafe_code:
      return facts.unsafe_code;
  }
  return false;
}

Result<void> check_fit(const MetricEntry& entry, const ScoringFacts& facts, const std::string& place) {
  const auto& types = entry.output_types;
  if (std::find(types.begin(), types.end(), facts.output_type) == types.end()) {
    std::vector<std::string> names;
    for (const OutputType type : types) names.emplace_back(type_name(type));
    return bad_input(place,
                     fmt::format("the metric '{}' does not apply to output_type {}", entry.name,
                                 type_name(facts.output_type)),
                     fmt::format("output_type {}", fmt::join(names, " or ")));
  }
  if (!is_met(entry.need, facts)) {
    return bad_input(place,
                     fmt::format("the metric '{}' needs a key that the task does not have", entry.name),
                     needed_keys(entry.need));
  }
  return {};
}

Result<void> flag(const YamlNode& metric, const char* key, bool& out) {
  const YamlNode* value = metric.find(key);
  if (value == nullptr) return {};
  if (value->kind != YamlNode::Kind::boolean)
    return bad_input(value->place, fmt::format("'{}' is not true or false", key));
  out = value->boolean;
  return {};
}

// A number or a list of numbers; no k may be larger than the number of answers it is estimated from.
Result<void> read_k(const YamlNode& metric, int repeats, std::vector<int>& out) {
  out = {1};
  const YamlNode* k = metric.find("k");
  if (k == nullptr) return {};
  out.clear();
  const std::vector<YamlNode> one = {*k};
  for (const YamlNode& value : k->kind == YamlNode::Kind::list ? k->items : one) {
    if (value.kind != YamlNode::Kind::integer || value.integer < 1 || value.integer > repeats) {
      return bad_input(value.place, "'k' is not a number of answers that the task asks for",
                       fmt::format("1 to {} (key 'repeats')", repeats));
    }
    out.push_back(static_cast<int>(value.integer));
  }
  if (out.empty()) return bad_input(k->place, "'k' is an empty list", "k: [1]");
  return {};
}

Result<MetricParameters> read_parameters(const YamlNode& metric, const MetricEntry& entry,
                                         const ScoringFacts& facts) {
  MetricParameters out;
  if (entry.need == Need::unsafe_code) {
    if (Result<void> read = read_k(metric, facts.repeats, out.k); !read) return forward_error(read);
  }
  for (const auto& [key, member] :
       {std::pair{"ignore_case", &out.ignore_case}, std::pair{"ignore_punctuation", &out.ignore_punctuation},
        std::pair{"ignore_numbers", &out.ignore_numbers}}) {
    if (Result<void> read = flag(metric, key, *member); !read) return forward_error(read);
  }
  const YamlNode* ignored = metric.find("regexes_to_ignore");
  if (ignored == nullptr) return out;
  if (ignored->kind != YamlNode::Kind::list)
    return bad_input(ignored->place, "'regexes_to_ignore' is not a list");
  for (const YamlNode& pattern : ignored->items) {
    Result<PythonRegex> regex = PythonRegex::compile(pattern.text, pattern.place);
    if (!regex) return forward_error(regex);
    out.regexes_to_ignore.push_back(std::move(*regex));
  }
  return out;
}

// What lm-evaluation-harness calls the aggregation of a metric that is no mean.
std::string_view aggregation_name(const MetricEntry& entry) {
  const std::string_view name = entry.name;
  if (name == "word_perplexity" || name == "byte_perplexity") return "weighted_perplexity";
  if (name == "mcc") return "matthews_corrcoef";
  return entry.aggregate == nullptr ? "mean" : name;
}

// Its files state what our table already knows; another aggregation would be another metric.
Result<void> check_statements(const YamlNode& metric, const MetricEntry& entry) {
  bool higher = entry.higher_is_better;
  if (Result<void> read = flag(metric, "higher_is_better", higher); !read) return read;
  if (higher != entry.higher_is_better) {
    return bad_input(metric.find("higher_is_better")->place,
                     fmt::format("'higher_is_better' of '{}' is {}", entry.name, entry.higher_is_better));
  }
  const YamlNode* aggregation = metric.find("aggregation");
  if (aggregation == nullptr || aggregation->text == aggregation_name(entry)) return {};
  return bad_input(
      aggregation->place,
      fmt::format("the aggregation '{}' of '{}' is not supported yet", aggregation->text, entry.name),
      std::string(aggregation_name(entry)));
}

Result<void> check_options(const YamlNode& metric, const std::string& name) {
  if (name == "exact_match") {
    return check_keys(metric, "the metric 'exact_match'",
                      {"metric", "aggregation", "higher_is_better", "hf_evaluate", "regexes_to_ignore",
                       "ignore_case", "ignore_punctuation", "ignore_numbers"});
  }
  if (name == "pass@k") {
    return check_keys(metric, "the metric 'pass@k'", {"metric", "aggregation", "higher_is_better", "k"});
  }
  return check_keys(metric, fmt::format("the metric '{}'", name),
                    {"metric", "aggregation", "higher_is_better"});
}

tl::unexpected<Error> unknown_metric(const YamlNode& metric, const std::string& name) {
  std::vector<std::string> names;
  for (const MetricEntry& entry : metric_entries()) names.emplace_back(entry.name);
  for (const MetricGroup& group : kGroups) names.emplace_back(group.name);
  const std::string nearest = nearest_name(name, names);
  return bad_input(
      metric.place, fmt::format("unknown metric '{}'", name),
      fmt::format("one of {}", fmt::join(names, ", ")),
      nearest.empty() ? "see `sizeup list metrics`" : fmt::format("did you mean '{}'?", nearest));
}

Result<void> add_metric(const YamlNode& metric, const ScoringFacts& facts, std::vector<MetricUse>& uses) {
  const YamlNode* name = metric.find("metric");
  if (name == nullptr)
    return bad_input(metric.place, "an entry of metric_list has no 'metric'", "metric: NAME");
  if (Result<void> known = check_options(metric, name->text); !known) return known;
  for (const MetricGroup& group : kGroups) {
    if (name->text != group.name) continue;
    for (const char* member : group.members) {
      if (Result<void> fit = check_fit(*find_entry(member), facts, metric.place); !fit) return fit;
      uses.push_back({find_entry(member), {}});
    }
    return {};
  }
  const MetricEntry* entry = find_entry(name->text);
  if (entry == nullptr) return unknown_metric(*name, name->text);
  if (Result<void> fit = check_fit(*entry, facts, name->place); !fit) return fit;
  if (Result<void> stated = check_statements(metric, *entry); !stated) return stated;
  Result<MetricParameters> parameters = read_parameters(metric, *entry, facts);
  if (!parameters) return forward_error(parameters);
  uses.push_back({entry, std::move(*parameters)});
  return {};
}

}  // namespace

std::span<const MetricEntry> metric_entries() {
  using enum Need;
  static const std::vector<MetricEntry> kEntries = {
      {"acc",
       "the most probable choice is right; loglikelihood: the continuation is what would be written greedily",
       true,
       {kChoice, kLikelihood},
       none,
       score_acc,
       nullptr},
      {"acc_norm",
       "as acc, log-probabilities divided by the choice's length in characters",
       true,
       {kChoice},
       none,
       score_acc_norm,
       nullptr},
      {"acc_bytes",
       "as acc, log-probabilities divided by the choice's length in bytes",
       true,
       {kChoice},
       none,
       score_acc_bytes,
       nullptr},
      {"mc2",
       "share of the choices' probability that is on right ones (TruthfulQA's MC2)",
       true,
       {kChoice},
       none,
       score_mc2,
       nullptr},
      {"exact_match",
       "the answer equals an accepted one (regexes_to_ignore, ignore_case, ignore_punctuation)",
       true,
       {kGenerate, kChoice},
       none,
       score_exact_match,
       nullptr},
      {"answered",
       "turns (or repeats) that were answered with more than white space",
       true,
       {kGenerate},
       none,
       score_answered,
       nullptr},
      {"macro_f1",
       "F1 of each label, averaged over the labels",
       true,
       {kChoice, kGenerate},
       labels,
       score_labels,
       aggregate_macro_f1},
      {"micro_f1",
       "F1 over all decisions",
       true,
       {kChoice, kGenerate},
       labels,
       score_labels,
       aggregate_micro_f1},
      {"weighted_f1",
       "F1 of each label, weighted by how often it is right",
       true,
       {kChoice, kGenerate},
       labels,
       score_labels,
       aggregate_weighted_f1},
      {"macro_precision",
       "precision of each label, averaged",
       true,
       {kChoice, kGenerate},
       labels,
       score_labels,
       aggregate_macro_precision},
      {"macro_recall",
       "recall of each label, averaged (balanced accuracy)",
       true,
       {kChoice, kGenerate},
       labels,
       score_labels,
       aggregate_macro_recall},
      {"mcc",
       "Matthews correlation of the labels",
       true,
       {kChoice, kGenerate},
       labels,
       score_labels,
       aggregate_mcc},
      {"invalid_rate",
       "answers that are no label",
       false,
       {kChoice, kGenerate},
       labels,
       score_invalid,
       nullptr},
      {"json_valid", "the answer is JSON", true, {kGenerate}, schema, score_json_valid, nullptr},
      {"schema_valid",
       "the answer is JSON that fits the schema",
       true,
       {kGenerate},
       schema,
       score_schema_valid,
       nullptr},
      {"record_exact",
       "every field of the record is right",
       true,
       {kGenerate},
       schema,
       score_record_exact,
       nullptr},
      {"field_precision",
       "right fields / fields in the answers",
       true,
       {kGenerate},
       schema,
       score_fields,
       aggregate_field_precision},
      {"field_recall",
       "right fields / expected fields",
       true,
       {kGenerate},
       schema,
       score_fields,
       aggregate_field_recall},
      {"field_f1",
       "harmonic mean of field_precision and field_recall",
       true,
       {kGenerate},
       schema,
       score_fields,
       aggregate_field_f1},
      {"missing_fields",
       "expected fields that the answer lacks, per record",
       false,
       {kGenerate},
       schema,
       score_missing,
       nullptr},
      {"wrong_fields",
       "fields with a wrong value, per record",
       false,
       {kGenerate},
       schema,
       score_wrong,
       nullptr},
      {"fabricated_rate",
       "values that occur nowhere in the source / values in the answers",
       false,
       {kGenerate},
       schema_and_grounding,
       score_fields,
       aggregate_fabricated_rate},
      {"hallucination_rate",
       "closed book: wrong answers / all questions",
       false,
       {kGenerate},
       none,
       score_hallucination,
       nullptr},
      {"attempted",
       "closed book: questions that were not declined",
       true,
       {kGenerate},
       none,
       score_attempted,
       nullptr},
      {"accuracy_given_attempted",
       "closed book: right answers / attempted questions",
       true,
       {kGenerate},
       none,
       score_verdict,
       aggregate_accuracy_given_attempted},
      {"f_score",
       "closed book: harmonic mean of accuracy_given_attempted and right answers / all questions",
       true,
       {kGenerate},
       none,
       score_verdict,
       aggregate_f_score},
      {"unsupported_rate",
       "grounded: sentences that the source does not support / sentences (fixed rules, no judge)",
       false,
       {kGenerate},
       grounding,
       score_unsupported,
       aggregate_unsupported_rate},
      {"abstention",
       "unanswerable questions that were declined",
       true,
       {kGenerate},
       none,
       score_abstention,
       nullptr},
      {"pass@k",
       "chance that one of k answers passes the tests (k: [1, 10]; unbiased estimate from all repeats)",
       true,
       {kGenerate},
       unsafe_code,
       score_pass_at_k,
       nullptr},
      {"perplexity",
       "exp of the mean negative log-probability of a continuation",
       false,
       {kLikelihood},
       none,
       score_perplexity,
       aggregate_perplexity},
      {"word_perplexity",
       "perplexity per word of the text",
       false,
       {kRolling},
       none,
       score_rolling,
       aggregate_word_perplexity},
      {"byte_perplexity",
       "perplexity per byte of the text",
       false,
       {kRolling},
       none,
       score_rolling,
       aggregate_byte_perplexity},
      {"bits_per_byte",
       "bits needed per byte of the text",
       false,
       {kRolling},
       none,
       score_rolling,
       aggregate_bits_per_byte},
  };
  return kEntries;
}

std::vector<std::string> MetricUse::names() const {
  std::vector<std::string> out;
  for (const int k : parameters.k) out.push_back(pass_at_k_name(k));
  if (out.empty()) out.emplace_back(entry->name);
  return out;
}

Result<std::vector<MetricUse>> read_metrics(const std::vector<YamlNode>& list, const ScoringFacts& facts,
                                            const std::string& file) {
  std::vector<MetricUse> uses;
  for (const YamlNode& metric : list) {
    if (Result<void> added = add_metric(metric, facts, uses); !added) return forward_error(added);
  }
  for (size_t i = 0; i < uses.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (uses[i].entry != uses[j].entry) continue;
      return bad_input(file, fmt::format("metric_list names '{}' twice", uses[i].entry->name));
    }
  }
  if (!uses.empty()) return uses;
  for (const std::string& name : default_metrics(facts.output_type)) uses.push_back({find_entry(name), {}});
  return uses;
}

std::vector<MetricListing> metric_table() {
  std::vector<MetricListing> listing;
  for (const MetricEntry& entry : metric_entries()) {
    listing.push_back({{entry.name, entry.description, entry.higher_is_better, entry.aggregate == nullptr},
                       entry.output_types,
                       needed_keys(entry.need)});
  }
  return listing;
}

}  // namespace sizeup
