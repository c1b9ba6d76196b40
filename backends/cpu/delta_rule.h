// Gated delta rules (DeltaSpec) on the CPU device. Rows leave their lanes here, because a row goes on with
// what the row before it left: lanes are channels of the convolution, then elements of a value. Heads, and
// texts that have no state in common, are independent tasks.
//
// Arithmetic of one row, whatever its neighbours: taps are added from the oldest position on; sums over keys
// are four, by key modulo 4; found = k^T S, change = taken (v - kept found), S = k change + kept S, result =
// q^T S. So prompts and answers get the same bits.
#pragma once

#include <cstddef>
#include <span>

#include "backends/cpu/lanes.h"
#include "backends/engine/delta_rule.h"
#include "backends/engine/state_runs.h"

namespace sizeup::cpu {

// Channels of a task of the convolution: a cache line of each row's lanes is read for all of them in turn,
// and 64 of these stay in the first cache.
inline constexpr int kDeltaChannels = 64;

// A layer's part of a state is float32: the last inputs of the convolution [taps - 1][stride], the oldest
// first, then for each value head [vector of values][key_size][kLanes].
struct DeltaShape {
  DeltaSpec spec;

  int stride() const { return (spec.channels() + kLanes - 1) / kLanes * kLanes; }
  int vectors() const { return (spec.value_size + kLanes - 1) / kLanes; }
  size_t window_floats() const { return static_cast<size_t>(spec.taps - 1) * static_cast<size_t>(stride()); }
  size_t head_floats() const {
    return static_cast<size_t>(vectors() * kLanes) * static_cast<size_t>(spec.key_size);
  }
  size_t state_floats() const {
    return window_floats() + static_cast<size_t>(spec.value_heads) * head_floats();
  }
};

struct DeltaWork {
  DeltaShape shape;
  const StateRuns* runs = nullptr;
  std::span<std::byte* const> states;  // by number: one layer's part
  const float* taps = nullptr;         // [tap][stride]
  const float* norm = nullptr;         // [value_size]
  LaneRows rows;                       // as in DeltaSpec
  float* mixed = nullptr;              // [row][stride]: query | key | value, which becomes the result
  const DeltaGates* gates = nullptr;   // [row][value_head]
  Operand out;                         // results: padding beyond them is not written
};

// A convolution (ConvolutionSpec) beside them. Its part of a layer's part of a state comes after the delta
// rule's: the inputs of the last positions [reach][stride], the oldest first.
struct ConvolutionShape {
  ConvolutionSpec spec;

  int stride() const { return (spec.channels + kLanes - 1) / kLanes * kLanes; }
  size_t state_floats() const { return static_cast<size_t>(spec.reach()) * static_cast<size_t>(stride()); }
};

struct ConvolutionWork {
  ConvolutionShape shape;
  const StateRuns* runs = nullptr;
  std::span<std::byte* const> states;  // by number: one layer's part
  size_t first_float = 0;              // of its part of that
  const float* taps = nullptr;         // [tap][stride]
  LaneRows in, out;
};

struct DeltaKernels {
  // Channels [first, end), whole vectors, of all rows, from their lanes to `mixed`.
  void (*convolve)(const DeltaWork& work, int first_channel, int end_channel) = nullptr;
  // Queries and keys of rows [first, end) become what the state is multiplied with.
  void (*normalise)(const DeltaWork& work, int first_row, int end_row) = nullptr;
  // One value head of one chain.
  void (*go_on)(const DeltaWork& work, int chain, int head) = nullptr;
  // Norm and gate of a group's rows; `scratch` has kLanes floats for each element of a value.
  void (*finish)(const DeltaWork& work, int group, float* scratch) = nullptr;
  // out += silu(convolution), channels [first, end), at most kDeltaChannels in whole vectors, of all rows.
  void (*convolve_add)(const ConvolutionWork& work, int first_channel, int end_channel) = nullptr;
};

}  // namespace sizeup::cpu
