#include "tasks/metrics/read_metrics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "tasks/keys.h"
#include "tasks/options.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

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
    case OutputType::multiple_choice:
      return {"acc", "acc_norm"};
    case OutputType::loglikelihood:
      return {"perplexity", "acc"};
    case OutputType::loglikelihood_rolling:
      return {"word_perplexity", "byte_perplexity", "bits_per_byte"};
    case OutputType::generate_until:
      return {"exact_match"};
  }
  return {};
}

bool is_met(Need need, const ScoringFacts& facts) {
  switch (need) {
    case Need::none:
      return true;
    case Need::labels:
    case Need::label_sets:
      return !facts.labels.empty();
    case Need::miss_costs:
      return !facts.miss_costs.empty();
    case Need::schema:
      return facts.schema.has_value();
    case Need::schema_and_grounding:
      return facts.schema && facts.has_grounding;
    case Need::grounding:
      return facts.has_grounding;
    case Need::repeats:
      return facts.repeats > 1;
    case Need::unsafe_code:
      return facts.unsafe_code;
    case Need::verbal_confidence:
      return facts.verbal_confidence;
  }
  return false;
}

Result<void> check_fit(const MetricEntry& entry, const ScoringFacts& facts, const std::string& place) {
  const auto& types = entry.output_types;
  if (std::find(types.begin(), types.end(), facts.output_type) == types.end()) {
    std::vector<std::string> names;
    for (const OutputType type : types) names.emplace_back(name_of(type));
    return bad_input(place,
                     fmt::format("the metric '{}' does not apply to output_type {}", entry.name,
                                 name_of(facts.output_type)),
                     fmt::format("output_type {}", fmt::join(names, " or ")));
  }
  if (!is_met(entry.need, facts)) {
    return bad_input(place,
                     fmt::format("the metric '{}' needs a key that the task does not have", entry.name),
                     needed_keys(entry.need));
  }
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

Result<void> read_tolerance(const YamlNode& metric, const char* key, double& out) {
  const YamlNode* value = metric.find(key);
  if (value == nullptr) return {};
  const bool number = value->kind == YamlNode::Kind::real || value->kind == YamlNode::Kind::integer;
  if (!number || !std::isfinite(value->real) || value->real < 0.0) {
    return bad_input(value->place, fmt::format("'{}' is not a number of at least 0", key));
  }
  out = value->real;
  return {};
}

// A metric of the first k answers, or of k drawn from all.
bool takes_k(std::string_view name) {
  return name.ends_with("@k") || name.ends_with("^k");
}

Result<MetricParameters> read_parameters(const YamlNode& metric, const MetricEntry& entry,
                                         const ScoringFacts& facts) {
  MetricParameters out;
  if (takes_k(entry.name)) {
    if (Result<void> read = read_k(metric, facts.repeats, out.k); !read) return forward_error(read);
  }
  for (const auto& [key, member] :
       {std::pair{"tolerance", &out.tolerance}, std::pair{"relative_tolerance", &out.relative_tolerance}}) {
    if (Result<void> read = read_tolerance(metric, key, *member); !read) return forward_error(read);
  }
  if (const YamlNode* unit = metric.find("unit")) {
    if (unit->text != "characters" && unit->text != "words")
      return bad_input(unit->place, fmt::format("unknown unit '{}'", unit->text), "characters or words");
    out.unit = unit->text == "words" ? TextUnit::words : TextUnit::characters;
  }
  for (const auto& [key, member] :
       {std::pair{"ignore_case", &out.ignore_case}, std::pair{"ignore_punctuation", &out.ignore_punctuation},
        std::pair{"ignore_numbers", &out.ignore_numbers}}) {
    if (Result<void> read = read_flag(metric, key, *member); !read) return forward_error(read);
  }
  Result<std::vector<PythonRegex>> ignored = read_ignored(metric);
  if (!ignored) return forward_error(ignored);
  out.regexes_to_ignore = std::move(*ignored);
  return out;
}

// What lm-evaluation-harness calls the aggregation of a metric that is no mean.
std::string_view aggregation_name(const MetricEntry& entry) {
  const std::string_view name = entry.name;
  if (name == "word_perplexity" || name == "byte_perplexity") return "weighted_perplexity";
  if (name == "mcc") return "matthews_corrcoef";
  if (name == "brier_score") return name;  // a mean there, too
  return entry.aggregate == nullptr ? "mean" : name;
}

bool is_nanmean(const YamlNode& metric, const MetricEntry& entry) {
  const YamlNode* aggregation = metric.find("aggregation");
  return aggregation != nullptr && aggregation->text == "nanmean" && aggregation_name(entry) == "mean";
}

// Its files state what our table already knows; another aggregation would be another metric.
Result<void> check_statements(const YamlNode& metric, const MetricEntry& entry) {
  bool higher = entry.higher_is_better;
  if (Result<void> read = read_flag(metric, "higher_is_better", higher); !read) return read;
  if (higher != entry.higher_is_better) {
    return bad_input(metric.find("higher_is_better")->place,
                     fmt::format("'higher_is_better' of '{}' is {}", entry.name, entry.higher_is_better));
  }
  const YamlNode* aggregation = metric.find("aggregation");
  if (aggregation == nullptr || aggregation->text == aggregation_name(entry) || is_nanmean(metric, entry))
    return {};
  return bad_input(
      aggregation->place,
      fmt::format("the aggregation '{}' of '{}' is not supported yet", aggregation->text, entry.name),
      std::string(aggregation_name(entry)));
}

bool is_of_one_class(std::string_view name) {
  return name == "precision" || name == "recall" || name == "f1" || name == "false_negative_rate";
}

// With the options of exact_match.
bool compares_answers(std::string_view name) {
  return name == "exact_match" || name == "maj@k" || name == "pass^k" || name == "semantic_entropy";
}

Result<void> check_options(const YamlNode& metric, const std::string& name) {
  std::vector<std::string> known = {"metric", "aggregation", "higher_is_better"};
  const auto add = [&](std::initializer_list<const char*> keys) {
    known.insert(known.end(), keys.begin(), keys.end());
  };
  if (compares_answers(name))
    add({"regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"});
  if (takes_k(name)) add({"k"});
  if (name == "exact_match") add({"hf_evaluate"});
  if (is_of_one_class(name)) {
    add({"class"});
  } else if (name == "numeric_match") {
    add({"tolerance", "relative_tolerance"});
  } else if (name == "edit_distance" || name == "edit_similarity") {
    add({"unit"});
  } else if (!compares_answers(name) && !takes_k(name)) {
    // Many of the harness's files say how groups weigh a metric in its own entry, where nothing reads it.
    add({"weight_by_size"});
  }
  return check_keys(metric, fmt::format("the metric '{}'", name), known);
}

tl::unexpected<Error> unknown_metric(const YamlNode& metric, const std::string& name) {
  std::vector<std::string> names;
  for (const MetricEntry& entry : metric_entries()) names.emplace_back(entry.name);
  for (const MetricGroup& group : kGroups) names.emplace_back(group.name);
  const std::string hint = did_you_mean(name, names);
  return bad_input(metric.place, fmt::format("unknown metric '{}'", name),
                   fmt::format("one of {}", fmt::join(names, ", ")),
                   hint.empty() ? "see `sizeup list metrics`" : hint);
}

// One use for each class that is named. An F1 without a class is lm-evaluation-harness's: that of the second
// of two labels.
Result<void> add_classes(const YamlNode& metric, const MetricEntry& entry, const ScoringFacts& facts,
                         std::vector<MetricUse>& uses) {
  const YamlNode* named = metric.find("class");
  if (named == nullptr) {
    if (std::string_view(entry.name) != "f1" || facts.labels.size() != 2) {
      return bad_input(metric.place, fmt::format("the metric '{}' does not say of which class", entry.name),
                       fmt::format("class: {}", facts.labels.front()));
    }
    uses.push_back({&entry, {}, entry.name});
    uses.back().parameters.label = facts.labels[1];
    return {};
  }
  const std::vector<YamlNode> one = {*named};
  for (const YamlNode& label : named->kind == YamlNode::Kind::list ? named->items : one) {
    if (std::find(facts.labels.begin(), facts.labels.end(), label.text) == facts.labels.end()) {
      return bad_input(label.place,
                       fmt::format("'class' names '{}', which is none of the labels", label.text),
                       fmt::format("one of {}", fmt::join(facts.labels, ", ")));
    }
    uses.push_back({&entry, {}, fmt::format("{}:{}", entry.name, label.text)});
    uses.back().parameters.label = label.text;
  }
  return {};
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
      uses.push_back({find_entry(member), {}, member});
    }
    return {};
  }
  const MetricEntry* entry = find_entry(name->text);
  if (entry == nullptr) return unknown_metric(*name, name->text);
  if (Result<void> fit = check_fit(*entry, facts, name->place); !fit) return fit;
  if (Result<void> stated = check_statements(metric, *entry); !stated) return stated;
  Result<MetricParameters> parameters = read_parameters(metric, *entry, facts);
  if (!parameters) return forward_error(parameters);
  parameters->leaves_out_nan = is_nanmean(metric, *entry);
  if (is_of_one_class(entry->name)) return add_classes(metric, *entry, facts, uses);
  uses.push_back({entry, std::move(*parameters), entry->name});
  return {};
}

}  // namespace

std::vector<std::string> MetricUse::names() const {
  std::vector<std::string> out;
  for (const int k : parameters.k) out.push_back(fmt::format("{}{}", name.substr(0, name.size() - 1), k));
  if (out.empty()) out.push_back(name);
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
      if (uses[i].name != uses[j].name) continue;
      return bad_input(file, fmt::format("metric_list names '{}' twice", uses[i].name));
    }
  }
  const auto find_need = [&](std::initializer_list<Need> needs) {
    return std::find_if(uses.begin(), uses.end(), [&](const MetricUse& use) {
      return std::find(needs.begin(), needs.end(), use.entry->need) != needs.end();
    });
  };
  const auto of_sets = find_need({Need::label_sets});
  const auto of_one = find_need({Need::labels, Need::miss_costs});
  if (of_sets != uses.end() && of_one != uses.end()) {
    return bad_input(file,
                     fmt::format("'{}' is about documents with one label, '{}' about several", of_one->name,
                                 of_sets->name),
                     "metrics of one kind");
  }
  if (!uses.empty()) return uses;
  for (const std::string& name : default_metrics(facts.output_type))
    uses.push_back({find_entry(name), {}, name});
  return uses;
}

}  // namespace sizeup
