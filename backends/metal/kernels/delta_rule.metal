// The gated delta rule: a state that goes on from row to row.
//
// Rows that continue a state are computed one after the other, chain by chain (state_runs.h). Nothing is
// shared between threads: one has a channel of the convolution with its last inputs, or a column of a head's
// state.
#include <metal_stdlib>

#include "backends/metal/kernels/activations.h"
#include "backends/metal/kernels/parameters.h"

using namespace metal;
using namespace sizeup::metal_kernels;

// (channel, chain) in the grid. mixed: the rows' channels after the convolution and silu.
kernel void convolve_rows(device const float* rows [[buffer(0)]], device const float* taps [[buffer(1)]],
                          device const DeltaRun* runs [[buffer(2)]],
                          device const int* chain_begin [[buffer(3)]], device const int* forks [[buffer(4)]],
                          device float* states [[buffer(5)]], device float* mixed [[buffer(6)]],
                          constant DeltaParameters& parameters [[buffer(7)]],
                          uint3 place [[thread_position_in_grid]]) {
  const int channel = static_cast<int>(place.x);
  const int channels = parameters.channels;
  if (channel >= channels) return;
  const int earlier = parameters.taps - 1;
  float window[kMostTaps];  // the earlier inputs, the oldest first
  for (int run = chain_begin[place.y]; run < chain_begin[place.y + 1]; ++run) {
    device const DeltaRun& one = runs[run];
    device float* own =
        states + static_cast<long>(one.state) * parameters.state_floats + parameters.layer_floats + channel;
    for (int t = 0; t < earlier; ++t) window[t] = one.from_zero ? 0.0f : own[t * channels];
    for (int r = one.first_row; r < one.first_row + one.rows; ++r) {
      const float input = rows[static_cast<long>(r) * parameters.stride + channel];
      float sum = 0.0f;
      for (int t = 0; t < earlier; ++t) sum += taps[t * channels + channel] * window[t];
      sum += taps[earlier * channels + channel] * input;
      mixed[static_cast<long>(r) * channels + channel] = activated(kSilu, sum);
      for (int t = 0; t + 1 < earlier; ++t) window[t] = window[t + 1];
      if (earlier > 0) window[earlier - 1] = input;
    }
    for (int t = 0; t < earlier; ++t) own[t * channels] = window[t];
    for (int f = one.first_fork; f < one.end_fork; ++f) {
      device float* other =
          states + static_cast<long>(forks[f]) * parameters.state_floats + parameters.layer_floats + channel;
      for (int t = 0; t < earlier; ++t) other[t * channels] = window[t];
    }
  }
}

// log(1 + e^x)
inline float softplus(float x) {
  if (x > 20.0f) return x;  // as float32 has it from 17 on
  const float e = precise::exp(x);
  const float sum = 1.0f + e;
  return sum == 1.0f ? e : precise::log(sum) * e / (sum - 1.0f);  // what the addition lost is put right
}

// 1 / |x|
inline float inverse_length(device const float* x, int size, float epsilon) {
  float square = 0.0f;
  for (int i = 0; i < size; ++i) square = fma(x[i], x[i], square);
  return 1.0f / precise::sqrt(square + epsilon);
}

// (column of a value, value head, chain) in the grid. The values in `mixed` become the results.
kernel void run_delta_heads(device const float* rows [[buffer(0)]], device const float* rates [[buffer(1)]],
                            device const float* biases [[buffer(2)]],
                            device const DeltaRun* runs [[buffer(3)]],
                            device const int* chain_begin [[buffer(4)]],
                            device const int* forks [[buffer(5)]], device float* states [[buffer(6)]],
                            device float* mixed [[buffer(7)]],
                            constant DeltaParameters& parameters [[buffer(8)]],
                            uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  const int size = parameters.value_size;
  if (column >= size) return;
  const int head = static_cast<int>(place.y);
  const int keys = parameters.key_size;
  const int key_head =
      parameters.tiled ? head % parameters.key_heads : head / (parameters.value_heads / parameters.key_heads);
  const int key_width = parameters.key_heads * keys;
  const int first = (parameters.taps - 1) * parameters.channels + head * keys * size + column;
  const float query_factor = 1.0f / precise::sqrt(static_cast<float>(keys));
  for (int run = chain_begin[place.z]; run < chain_begin[place.z + 1]; ++run) {
    device const DeltaRun& one = runs[run];
    device float* state =
        states + static_cast<long>(one.state) * parameters.state_floats + parameters.layer_floats + first;
    if (one.from_zero) {
      for (int i = 0; i < keys; ++i) state[i * size] = 0.0f;
    }
    for (int r = one.first_row; r < one.first_row + one.rows; ++r) {
      device const float* gates = rows + static_cast<long>(r) * parameters.stride + parameters.channels +
                                  parameters.value_heads * size + head;
      const float taken = 1.0f / (1.0f + precise::exp(-gates[0]));
      const float kept = precise::exp(-rates[head] * softplus(gates[parameters.value_heads] + biases[head]));
      device float* row = mixed + static_cast<long>(r) * parameters.channels;
      device const float* query = row + key_head * keys;
      device const float* key = query + key_width;
      device float* value = row + 2 * key_width + head * size + column;
      const float query_scale = inverse_length(query, keys, parameters.length_epsilon);
      const float key_scale = inverse_length(key, keys, parameters.length_epsilon);
      float found = 0.0f;
      for (int i = 0; i < keys; ++i) {
        state[i * size] *= kept;
        found = fma(key[i] * key_scale, state[i * size], found);
      }
      found = taken * (*value - found);
      float result = 0.0f;
      for (int i = 0; i < keys; ++i) {
        state[i * size] = fma(key[i] * key_scale, found, state[i * size]);
        result = fma(query[i] * query_scale * query_factor, state[i * size], result);
      }
      *value = result;
    }
    for (int f = one.first_fork; f < one.end_fork; ++f) {
      device float* other =
          states + static_cast<long>(forks[f]) * parameters.state_floats + parameters.layer_floats + first;
      for (int i = 0; i < keys; ++i) other[i * size] = state[i * size];
    }
  }
}
