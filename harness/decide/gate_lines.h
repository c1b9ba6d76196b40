// The checks of a gate one by one. Each appends its lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/decide/gate.h"
#include "harness/decide/verdict.h"

namespace sizeup {

struct GateInput {
  const Policy& policy;
  const Evidence& candidate;
  const Evidence* baseline = nullptr;  // null: no rule may need it
  Looking looking = Looking::once;
};

using GateLines = std::vector<GateLine>;

Result<void> check_non_inferior(const GateInput& input, const Rule& rule, const NonInferiorCheck& check,
                                GateLines& lines);
Result<void> check_metric(const GateInput& input, const Rule& rule, const MetricCheck& check,
                          GateLines& lines);
Result<void> check_hallucination(const GateInput& input, const Rule& rule, const HallucinationCheck& check,
                                 GateLines& lines);
Result<void> check_latency(const GateInput& input, const Rule& rule, const LatencyCheck& check,
                           GateLines& lines);
Result<void> check_resource(const GateInput& input, const Rule& rule, const ResourceCheck& check,
                            GateLines& lines);

// A name or pattern of the rule's pool fits the task.
bool is_in_pool(const Rule& rule, const std::string& task);
// A rule with `pool`: one line for all its tasks.
Result<void> check_pool(const GateInput& input, const Rule& rule, GateLines& lines);

// What the checks of one task and of a pool have in common: the rule in words, and what pairs or an estimate
// say about it.
std::string rule_text(const NonInferiorCheck& check);
std::string rule_text(const MetricCheck& check);
void conclude(const NonInferiority& result, GateLine& line);
void hold_against(const Estimate& measured, const MetricCheck& check, GateLine& line);

// A share that resampling never moved has no width, which would claim certainty after two samples.
Estimate with_width(Estimate estimate);

// A sample's part in a mean over samples: in one of the rates, or in the task's comparable metric. Failed
// ones count in error_rate alone.
std::optional<double> value_of(const EvidenceTask& task, const EvidenceSample& sample,
                               const std::string& metric);

// Whether the evidence's samples tell the metric one by one: the four rates, and what differences compare.
bool is_mean_of_samples(const EvidenceTask& task, const std::string& metric);

// A line of the rule without outcome yet.
GateLine line_of(const Rule& rule, const std::string& task, std::string what);

// The candidate's tasks that the rule speaks of; bad_input for a name that it has not.
Result<std::vector<const EvidenceTask*>> tasks_of(const GateInput& input, const Rule& rule);

// usage error if there is no baseline.
Result<const Evidence*> required_baseline(const GateInput& input, const Rule& rule);

}  // namespace sizeup
