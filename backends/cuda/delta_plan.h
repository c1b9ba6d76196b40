// What the kernels of a delta rule need to know of a step: which values its convolution reads, and the runs
// of state_runs.h. Made on the host, as words that go to the device in one copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/cuda/host_device.h"
#include "backends/engine/state_runs.h"

namespace sizeup::cuda {

// Where an earlier input of the convolution lies: the row of that number in the step, or one of these.
inline constexpr int32_t kZeroSource = -1;
// The input that a state kept before the step: place `slot` of its taps - 1, the oldest first.
SIZEUP_HOST_DEVICE constexpr int32_t kept_source(int32_t state, int slot, int kept) {
  return -2 - (state * kept + slot);
}
SIZEUP_HOST_DEVICE constexpr int32_t kept_state(int32_t source, int kept) {
  return (-2 - source) / kept;
}
SIZEUP_HOST_DEVICE constexpr int kept_slot(int32_t source, int kept) {
  return (-2 - source) % kept;
}

// The words of a plan, on the host or the device.
struct DeltaPlanView {
  const int32_t* sources = nullptr;  // [row][kept]: of the inputs before the row's own, the oldest first
  const int32_t* window_states = nullptr;   // [windows]: states whose kept inputs change
  const int32_t* window_sources = nullptr;  // [windows][kept]: what they become
  const int32_t* chain_begin = nullptr;     // as StateRuns, whose runs are StateRun
  const StateRun* runs = nullptr;
  const int32_t* forks = nullptr;
  int kept = 0;  // inputs that a state keeps: taps - 1
  int rows = 0;
  int windows = 0;
  int chains = 0;
};

class DeltaPlan {
 public:
  DeltaPlan(const StateRuns& runs, int rows, int taps);

  const std::vector<int32_t>& words() const { return words_; }
  // With the words at `words`.
  DeltaPlanView view(const int32_t* words) const;

 private:
  size_t append(const std::vector<int32_t>& words);

  std::vector<int32_t> words_;
  size_t sources_ = 0, window_states_ = 0, window_sources_ = 0, chain_begin_ = 0, runs_ = 0, forks_ = 0;
  DeltaPlanView shape_;
};

}  // namespace sizeup::cuda
