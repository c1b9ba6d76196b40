// The rows of a step in the order in which a layer with states computes them.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/engine/step.h"

namespace sizeup {

// Rows side by side in the step that continue one state.
struct StateRun {
  int32_t state = 0;
  int32_t first_row = 0;
  int32_t rows = 0;
  bool from_zero = false;  // begins at position 0
  // StateRuns::forks[first_fork, end_fork): states that become this one after the run.
  int32_t first_fork = 0;
  int32_t end_fork = 0;
};

// Chain c is runs [chain_begin[c], chain_begin[c + 1]), one after the other; chains have no state in common.
struct StateRuns {
  std::vector<StateRun> runs;
  std::vector<int32_t> chain_begin;
  std::vector<int32_t> forks;

  int chains() const { return static_cast<int>(chain_begin.size()) - 1; }
};
StateRuns plan_state_runs(const Step& step);

}  // namespace sizeup
