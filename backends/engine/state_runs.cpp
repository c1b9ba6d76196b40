#include "backends/engine/state_runs.h"

#include <algorithm>
#include <span>

#include "core/errors/result.h"

namespace sizeup {
namespace {

constexpr int32_t kNoChain = -1;

// Forks in the order of their rows; those of one row stay in their order.
std::vector<StateFork> sorted_forks(const Step& step) {
  std::vector<StateFork> forks = step.state_forks;
  std::ranges::stable_sort(forks, {}, &StateFork::row);
  return forks;
}

bool continues(const Step& step, const StateRun& run, int row) {
  const auto at = static_cast<size_t>(row);
  return run.state == step.state_of(row) && run.first_fork == run.end_fork &&
         step.positions[at - 1] + 1 == step.positions[at];
}

// Runs in the order of the step.
void find_runs(const Step& step, StateRuns& plan) {
  const std::vector<StateFork> forks = sorted_forks(step);
  size_t fork = 0;
  for (int row = 0; row < step.rows(); ++row) {
    if (plan.runs.empty() || !continues(step, plan.runs.back(), row)) {
      const auto place = static_cast<int32_t>(plan.forks.size());
      plan.runs.push_back({.state = step.state_of(row),
                           .first_row = row,
                           .from_zero = step.positions[static_cast<size_t>(row)] == 0,
                           .first_fork = place,
                           .end_fork = place});
    }
    ++plan.runs.back().rows;
    for (; fork < forks.size() && forks[fork].row == row; ++fork) {
      plan.forks.push_back(forks[fork].to);
      ++plan.runs.back().end_fork;
    }
  }
}

}  // namespace

StateRuns plan_state_runs(const Step& step) {
  StateRuns plan;
  find_runs(step, plan);
  std::vector<int32_t> chain_of(static_cast<size_t>(step.state_count), kNoChain);
  std::vector<std::vector<StateRun>> chains;
  for (const StateRun& run : plan.runs) {
    int32_t& chain = chain_of[static_cast<size_t>(run.state)];
    if (chain == kNoChain) {
      chain = static_cast<int32_t>(chains.size());
      chains.emplace_back();
    }
    chains[static_cast<size_t>(chain)].push_back(run);
    for (int32_t f = run.first_fork; f < run.end_fork; ++f) {
      int32_t& target = chain_of[static_cast<size_t>(plan.forks[static_cast<size_t>(f)])];
      require(target == kNoChain || target == chain, "a state's source precedes its rows");
      target = chain;
    }
  }
  plan.runs.clear();
  plan.chain_begin = {0};
  for (const std::vector<StateRun>& chain : chains) {
    plan.runs.insert(plan.runs.end(), chain.begin(), chain.end());
    plan.chain_begin.push_back(static_cast<int32_t>(plan.runs.size()));
  }
  return plan;
}

}  // namespace sizeup
