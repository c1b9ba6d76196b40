// A gated delta rule (DeltaSpec) over a step: the convolution for all rows at once, then each state's rows
// one after the other, a block for some values of a head. All work on `stream`; pointers are of device
// memory.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "backends/cuda/delta_plan.h"
#include "backends/cuda/row_views.h"

namespace sizeup::cuda {

// Lanes that share a value of a head; each has the same number of neighbouring keys, in registers.
inline constexpr int kDeltaLanes = 8;
// Keys of a lane: as many as the key size takes, in steps for which there are kernels.
SIZEUP_HOST_DEVICE constexpr int delta_lane_keys(int key_size) {
  return key_size <= 64 ? 8 : key_size <= 128 ? 16 : 32;
}
inline constexpr int kMostDeltaKeys = 256;
SIZEUP_HOST_DEVICE constexpr int delta_keys(int key_size) {  // with the zeros that fill lanes
  return kDeltaLanes * delta_lane_keys(key_size);
}

// A layer's part of a state: the last inputs of the convolution, [taps - 1][channels], the oldest first; then
// [value head][value][delta_keys]. Its begin is a multiple of 64 bytes if states' are.
int64_t delta_state_floats(const DeltaSpec& spec);

// As DeltaWeights.
struct DeltaView {
  DeltaSpec spec;                 // of at most kMostDeltaKeys keys
  const float* taps = nullptr;    // [tap][channel]
  const float* rates = nullptr;   // [value head]
  const float* biases = nullptr;  // [value head]
  const float* norm = nullptr;    // [value]
};

// A layer's part of state i begins at first + i * stride floats.
struct DeltaStates {
  float* first = nullptr;
  int64_t stride = 0;
};

// What delta_rule needs for a step of so many rows whose plan changes so many windows: at most the rows and
// forks of the step.
size_t delta_scratch_bytes(const DeltaSpec& spec, int rows, int windows);

// rows: as in DeltaSpec; out: [value head][value]. The states go on.
void delta_rule(const DeltaView& delta, const DeltaPlanView& plan, const ConstValueRows& rows,
                const DeltaStates& states, const OperandRows& out, std::byte* scratch, cudaStream_t stream);

}  // namespace sizeup::cuda
