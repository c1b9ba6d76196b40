// A gate's checks of what was measured: latency, throughput, cost, memory.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <set>

#include "harness/decide/gate_lines.h"
#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

std::string name_of(const Rule& rule) {
  return rule.task.empty() ? "all tasks" : rule.task;
}

// Tasks that a measure of this rule is taken over: the named one, or all.
bool is_meant(const Rule& rule, const EvidenceTask& task) {
  return rule.task.empty() || rule.task == task.name;
}

std::vector<double> latencies(const Evidence& side, const Rule& rule, const LatencyCheck& check) {
  std::vector<double> out;
  for (const EvidenceTask& task : side.tasks) {
    const auto times = task.times.find(check.scenario);
    if (!is_meant(rule, task) || times == task.times.end()) continue;
    const std::vector<double>& ms = check.first_token ? times->second.ttft_ms : times->second.total_ms;
    out.insert(out.end(), ms.begin(), ms.end());
  }
  return out;
}

std::string untimed(const Evidence& side, const Rule& rule, const LatencyCheck& check) {
  std::set<std::string> scenarios;
  for (const EvidenceTask& task : side.tasks) {
    for (const auto& [scenario, times] : task.times) {
      if (is_meant(rule, task)) scenarios.insert(scenario);
    }
  }
  if (scenarios.empty()) return "no request was timed: run with latency_samples above 0";
  return fmt::format("no request was timed in scenario '{}', but in {}", check.scenario,
                     fmt::join(scenarios, ", "));
}

std::string ms_text(const Estimate& estimate) {
  const auto end = [](double value) { return std::isnan(value) ? "unknown" : fmt::format("{:.4g}", value); };
  return fmt::format("{:.4g} ms, 95 % interval {} to {}, n = {}", estimate.value, end(estimate.lo),
                     end(estimate.hi), estimate.n);
}

// With the limit as far as its own uncertainty goes: [lo, hi] for "+20 %" of a measured baseline.
void judge_latency(const Estimate& measured, const Interval& limit, double percent, GateLine& line) {
  line.measured = measured;
  line.bound = limit.lo;
  const int64_t needed = minimum_queries(percent);
  if (measured.n == 0) {
    line.more = needed;
    return;
  }
  line.finding = fmt::format("p{:g} {}", percent, ms_text(measured));
  if (measured.lo > limit.hi) {
    line.outcome = GateOutcome::fail;
  } else if (!enough_queries(measured.n, percent)) {
    line.more = needed - measured.n;
    line.finding += fmt::format("; a claim about p{:g} takes {} requests (MLPerf's rule)", percent, needed);
  } else if (measured.hi <= limit.lo) {
    line.outcome = GateOutcome::pass;
  }
}

bool same_machine(const GateInput& input) {
  return input.candidate.machine == input.baseline->machine;
}

constexpr const char* kOtherMachine =
    "candidate and baseline were measured on different machines: run the baseline again on this one";

struct Amount {
  double value = kNoNumber;
  std::string unit;     // "EUR"
  std::string missing;  // why there is none
};

Amount throughput_of(const Evidence& side, const Rule& rule) {
  EvidenceWork all;
  for (const EvidenceTask& task : side.tasks) {
    if (!is_meant(rule, task) || !task.work) continue;
    all.tokens += task.work->tokens;
    all.seconds += task.work->seconds;
  }
  if (!(all.seconds > 0.0)) return {kNoNumber, "", "no answering was timed"};
  return {static_cast<double>(all.tokens) / all.seconds, "tokens/s", ""};
}

// The mean over samples; unknown as soon as a part of it is.
Amount cost_of(const Evidence& side, const Rule& rule) {
  double sum = 0.0;
  double samples = 0.0;
  std::string currency;
  for (const EvidenceTask& task : side.tasks) {
    if (!is_meant(rule, task)) continue;
    if (!task.cost_per_sample) return {kNoNumber, "", "no price was given for " + side.label()};
    if (samples > 0.0 && currency != task.currency)
      return {kNoNumber, "", "the prices are in two currencies"};
    currency = task.currency;
    sum += *task.cost_per_sample * static_cast<double>(task.samples.size());
    samples += static_cast<double>(task.samples.size());
  }
  constexpr double kThousand = 1000.0;
  if (samples == 0.0) return {kNoNumber, "", "there are no samples"};
  return {kThousand * sum / samples, currency, ""};
}

Amount memory_of(const Evidence& side) {
  constexpr double kMegabyte = 1e6;
  if (side.packed_bytes <= 0) return {kNoNumber, "", "its weights' size in memory is unknown"};
  return {static_cast<double>(side.packed_bytes) / kMegabyte, "MB", ""};
}

Amount amount_of(const Evidence& side, const Rule& rule, ResourceCheck::What what) {
  if (what == ResourceCheck::What::throughput) return throughput_of(side, rule);
  return what == ResourceCheck::What::cost ? cost_of(side, rule) : memory_of(side);
}

const char* unit_of(ResourceCheck::What what) {
  if (what == ResourceCheck::What::throughput) return " tokens/s";
  return what == ResourceCheck::What::memory ? " MB" : "";
}

std::string resource_name(ResourceCheck::What what) {
  if (what == ResourceCheck::What::throughput) return "throughput";
  return what == ResourceCheck::What::cost ? "cost of 1,000 samples" : "memory of the weights";
}

void judge_amount(const Amount& amount, double bound, bool is_minimum, GateLine& line) {
  line.measured.value = amount.value;
  line.bound = bound;
  line.outcome = held_against(line.measured, bound, is_minimum, true);
  line.finding = std::isnan(amount.value)
                     ? amount.missing
                     : fmt::format("{:.4g} {}; the limit is {:.4g}", amount.value, amount.unit, bound);
}

}  // namespace

Result<void> check_latency(const GateInput& input, const Rule& rule, const LatencyCheck& check,
                           GateLines& lines) {
  if (auto tasks = tasks_of(input, rule); !tasks) return forward_error(tasks);
  const std::string quantity =
      fmt::format("p{:g} of {}{}", check.percent, check.first_token ? "ttft_ms" : "total_ms",
                  check.scenario == "single" ? "" : " in scenario " + check.scenario);
  const Estimate measured = percentile_estimate(latencies(input.candidate, rule, check), check.percent);
  if (check.limit.absolute) {
    GateLine line =
        line_of(rule, name_of(rule), fmt::format("{} at most {:g} ms", quantity, *check.limit.absolute));
    judge_latency(measured, {*check.limit.absolute, *check.limit.absolute}, check.percent, line);
    if (measured.n == 0) line.finding = untimed(input.candidate, rule, check);
    lines.push_back(std::move(line));
  }
  if (!check.limit.change) return {};
  Result<const Evidence*> baseline = required_baseline(input, rule);
  if (!baseline) return forward_error(baseline);
  GateLine line =
      line_of(rule, name_of(rule),
              fmt::format("{} at most {:g} % above the baseline's", quantity, 100.0 * *check.limit.change));
  const Estimate base = percentile_estimate(latencies(**baseline, rule, check), check.percent);
  if (measured.n == 0) {
    line.finding = untimed(input.candidate, rule, check);
  } else if (base.n == 0) {
    line.finding = "of the baseline, " + untimed(**baseline, rule, check);
  } else if (!same_machine(input)) {
    line.finding = kOtherMachine;
  } else {
    const double factor = 1.0 + *check.limit.change;
    judge_latency(measured, {factor * base.lo, factor * base.hi}, check.percent, line);
    line.finding += fmt::format("; the baseline's is {}", ms_text(base));
  }
  lines.push_back(std::move(line));
  return {};
}

Result<void> check_resource(const GateInput& input, const Rule& rule, const ResourceCheck& check,
                            GateLines& lines) {
  if (auto tasks = tasks_of(input, rule); !tasks) return forward_error(tasks);
  const bool is_minimum = check.what == ResourceCheck::What::throughput;
  const std::string name = resource_name(check.what);
  const Amount amount = amount_of(input.candidate, rule, check.what);
  if (check.limit.absolute) {
    GateLine line = line_of(rule, name_of(rule),
                            fmt::format("{} at {} {:g}{}", name, is_minimum ? "least" : "most",
                                        *check.limit.absolute, unit_of(check.what)));
    judge_amount(amount, *check.limit.absolute, is_minimum, line);
    lines.push_back(std::move(line));
  }
  if (!check.limit.change) return {};
  Result<const Evidence*> baseline = required_baseline(input, rule);
  if (!baseline) return forward_error(baseline);
  GateLine line = line_of(rule, name_of(rule),
                          fmt::format("{} at most {:g} % {} the baseline's", name,
                                      100.0 * *check.limit.change, is_minimum ? "below" : "above"));
  const Amount base = amount_of(**baseline, rule, check.what);
  if (check.what == ResourceCheck::What::throughput && !same_machine(input)) {
    line.finding = kOtherMachine;
  } else if (!std::isnan(base.value) && !std::isnan(amount.value) && base.unit != amount.unit) {
    line.finding = fmt::format("the prices are in {} and {}", amount.unit, base.unit);
  } else if (std::isnan(base.value)) {
    line.finding = "baseline: " + base.missing;
  } else {
    const double factor = is_minimum ? 1.0 - *check.limit.change : 1.0 + *check.limit.change;
    judge_amount(amount, factor * base.value, is_minimum, line);
  }
  lines.push_back(std::move(line));
  return {};
}

}  // namespace sizeup
