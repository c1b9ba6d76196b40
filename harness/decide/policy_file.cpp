#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "harness/decide/checked_yaml.h"
#include "harness/decide/policy.h"
#include "harness/load/scenario.h"
#include "tasks/yaml.h"

namespace sizeup {
namespace {

constexpr double kMostOfAnything = 1e15;

NonInferiorCheck read_non_inferior(const YamlNode& node) {
  constexpr std::array<std::string_view, 1> kKeys = {"margin"};
  NonInferiorCheck check;
  constexpr double kLeast = 1e-6;
  for (const YamlEntry& entry : entries_of(node, "'non_inferior'", kKeys)) {
    check.margin = number_of(entry.value, "margin", kLeast, 1.0);
  }
  if (check.margin == 0.0) {
    refuse(node, "'non_inferior' has no margin", "non_inferior: {margin: 0.02}",
           "the loss that is acceptable, 0.02 for 2 percentage points");
  }
  return check;
}

// "metric: bound" pairs.
void read_bounds(const YamlNode& node, const std::string& key, bool by_estimate, std::vector<Check>& out) {
  if (node.kind != YamlNode::Kind::map || node.entries.empty()) {
    refuse(node, fmt::format("'{}' names no metric", key), key + ": {metric: bound}",
           "`sizeup report --csv` and the view `results` show what is stored");
  }
  for (const YamlEntry& entry : node.entries) {
    out.push_back(MetricCheck{entry.key, key == "minimum",
                              number_of(entry.value, entry.key, -kMostOfAnything, kMostOfAnything),
                              by_estimate});
  }
}

void read_hallucination(const YamlNode& node, bool by_estimate, std::vector<Check>& out) {
  constexpr std::array<std::string_view, 4> kKinds = {"closed_book", "unsupported", "unanswerable",
                                                      "fabricated"};
  for (const YamlEntry& entry : entries_of(node, "'hallucination'", kKinds)) {
    out.push_back(HallucinationCheck{entry.key, number_of(entry.value, entry.key, 0.0, 1.0), by_estimate});
  }
}

constexpr double kMostPercent = 1e6;

// As runs name it, in whatever way it is written.
std::string scenario_of(const YamlNode& node) {
  const Result<Scenario> scenario = parse_scenario(text_of(node, "scenario"));
  if (!scenario || !scenario->has_latencies()) {
    refuse(node, fmt::format("'scenario' is '{:.60}', which has no latencies", node.text),
           "single, concurrent:8, server:2.5");
  }
  return name_of(*scenario);
}

LatencyCheck read_latency(const YamlNode& node) {
  constexpr std::array<std::string_view, 5> kKeys = {"percentile", "quantity", "scenario", "maximum_ms",
                                                     "increase_percent"};
  LatencyCheck check;
  for (const YamlEntry& entry : entries_of(node, "'latency'", kKeys)) {
    if (entry.key == "percentile") {
      constexpr double kLowest = 1.0;
      constexpr double kHighest = 99.9;
      check.percent = number_of(entry.value, entry.key, kLowest, kHighest);
    }
    if (entry.key == "scenario") check.scenario = scenario_of(entry.value);
    if (entry.key == "quantity") {
      const std::string name = text_of(entry.value, entry.key);
      if (name != "total_ms" && name != "ttft_ms") {
        refuse(entry.value, fmt::format("'quantity' is '{:.60}'", name), "total_ms or ttft_ms");
      }
      check.first_token = name == "ttft_ms";
    }
    if (entry.key == "maximum_ms") {
      check.limit.absolute = number_of(entry.value, entry.key, 0.0, kMostOfAnything);
    }
    if (entry.key == "increase_percent") {
      check.limit.change = number_of(entry.value, entry.key, 0.0, kMostPercent) / 100.0;
    }
  }
  if (!check.limit.absolute && !check.limit.change) {
    refuse(node, "'latency' has no limit", "maximum_ms or increase_percent");
  }
  return check;
}

ResourceCheck read_resource(const YamlNode& node, const std::string& key, ResourceCheck::What what,
                            const std::string& absolute, const std::string& change) {
  const std::array<std::string_view, 2> keys = {absolute, change};
  ResourceCheck check;
  check.what = what;
  for (const YamlEntry& entry : entries_of(node, fmt::format("'{}'", key), keys)) {
    if (entry.key == absolute) {
      check.limit.absolute = number_of(entry.value, entry.key, 0.0, kMostOfAnything);
    } else {
      check.limit.change = number_of(entry.value, entry.key, 0.0, kMostPercent) / 100.0;
    }
  }
  if (!check.limit.absolute && !check.limit.change) {
    refuse(node, fmt::format("'{}' has no limit", key), absolute + " or " + change);
  }
  return check;
}

void read_slice(const YamlNode& node, Rule& rule) {
  if (node.kind != YamlNode::Kind::map || node.entries.size() != 1) {
    refuse(node, "'slice' names no value of a field", "slice: {language: de}",
           "\"*\" as the value stands for each of them");
  }
  rule.slice_field = node.entries.front().key;
  rule.slice_value = text_of(node.entries.front().value, rule.slice_field);
}

// A name or pattern, or a list of them.
void read_pool(const YamlNode& node, Rule& rule) {
  if (node.kind != YamlNode::Kind::list) rule.pool = {text_of(node, "pool")};
  for (const YamlNode& item : node.items) rule.pool.push_back(text_of(item, "pool"));
  if (rule.pool.empty()) refuse(node, "'pool' names no tasks", "pool: mmlu_*, or a list of names");
}

// Of all tasks of a pool together there are the scores of their samples, and nothing else.
void check_pooled(const YamlNode& node, const Rule& rule) {
  if (!rule.task.empty() || !rule.slice_field.empty()) {
    refuse(node, "'pool' stands for several whole tasks", "a rule without 'task' and 'slice'");
  }
  if (!std::holds_alternative<NonInferiorCheck>(rule.check) &&
      !std::holds_alternative<MetricCheck>(rule.check)) {
    refuse(node, "'pool' takes checks of scores alone", "non_inferior, minimum or maximum",
           "without 'pool' and 'task', latency, throughput and cost take all tasks together");
  }
}

constexpr std::array<std::string_view, 12> kRuleKeys = {"task",    "pool",       "slice",    "non_inferior",
                                                        "minimum", "maximum",    "estimate", "hallucination",
                                                        "latency", "throughput", "cost",     "memory"};

std::vector<Check> read_checks(const YamlNode& node, bool by_estimate) {
  std::vector<Check> checks;
  for (const YamlEntry& entry : node.entries) {
    const std::string& key = entry.key;
    using What = ResourceCheck::What;
    if (key == "non_inferior") checks.emplace_back(read_non_inferior(entry.value));
    if (key == "minimum" || key == "maximum") read_bounds(entry.value, key, by_estimate, checks);
    if (key == "hallucination") read_hallucination(entry.value, by_estimate, checks);
    if (key == "latency") checks.emplace_back(read_latency(entry.value));
    if (key == "throughput") {
      checks.emplace_back(
          read_resource(entry.value, key, What::throughput, "minimum_tokens_per_second", "decrease_percent"));
    }
    if (key == "cost") {
      checks.emplace_back(
          read_resource(entry.value, key, What::cost, "maximum_per_1000", "increase_percent"));
    }
    if (key == "memory") {
      checks.emplace_back(read_resource(entry.value, key, What::memory, "maximum_mb", "increase_percent"));
    }
  }
  return checks;
}

void read_rule(const YamlNode& node, Policy& policy) {
  Rule rule;
  rule.place = node.place;
  bool by_estimate = false;
  for (const YamlEntry& entry : entries_of(node, "a rule", kRuleKeys)) {
    if (entry.key == "task") rule.task = text_of(entry.value, entry.key);
    if (entry.key == "pool") read_pool(entry.value, rule);
    if (entry.key == "slice") read_slice(entry.value, rule);
    if (entry.key != "estimate") continue;
    const std::string how = text_of(entry.value, entry.key);
    if (how != "point" && how != "interval") {
      refuse(entry.value, fmt::format("'estimate' is '{:.60}'", how), "interval (the default) or point");
    }
    by_estimate = how == "point";
  }
  std::vector<Check> checks = read_checks(node, by_estimate);
  if (checks.empty()) {
    refuse(node, "a rule checks nothing", fmt::format("one of {}", fmt::join(kRuleKeys, ", ")));
  }
  for (Check& check : checks) {
    const bool of_slices =
        !std::holds_alternative<LatencyCheck>(check) && !std::holds_alternative<ResourceCheck>(check);
    if (!rule.slice_field.empty() && !of_slices) {
      refuse(node, "latency, throughput, cost and memory are not known by slice", "a rule without 'slice'");
    }
    if (const auto* resource = std::get_if<ResourceCheck>(&check)) {
      if (resource->what == ResourceCheck::What::memory && !rule.task.empty()) {
        refuse(node, "'memory' is the model's, not a task's", "a rule without 'task'");
      }
    }
    rule.check = std::move(check);
    if (!rule.pool.empty()) check_pooled(node, rule);
    policy.rules.push_back(rule);
  }
}

Policy read(const YamlNode& root, const std::string& name) {
  constexpr std::array<std::string_view, 1> kKeys = {"rules"};
  Policy policy;
  policy.source = name;
  for (const YamlEntry& entry : entries_of(root, "a policy", kKeys)) {
    if (entry.value.kind != YamlNode::Kind::list) {
      refuse(entry.value, "'rules' is no list", "- task: NAME\n  non_inferior: {margin: 0.02}");
    }
    for (const YamlNode& rule : entry.value.items) read_rule(rule, policy);
  }
  if (policy.rules.empty()) refuse(root, "the policy has no rules", "rules: [...]");
  return policy;
}

}  // namespace

Result<Policy> read_policy(const std::filesystem::path& file) {
  return read_checked(read_yaml(file), file.string(), read);
}

Result<Policy> parse_policy(const std::string& text, const std::string& name) {
  return read_checked(parse_yaml(text, name), name, read);
}

}  // namespace sizeup
