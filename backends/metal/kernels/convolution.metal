// Convolutions over positions whose taps lie apart, with the inputs that they look back at as their state.
#include <metal_stdlib>

#include "backends/metal/kernels/activations.h"
#include "backends/metal/kernels/parameters.h"

using namespace metal;
using namespace sizeup::metal_kernels;

// What a channel had in a row of a run; before the run's first row it is in the state, of `reach` rows.
inline float earlier_input(device const float* inputs, device const float* state, bool from_zero, int reach,
                           int row, int channels) {
  if (row >= 0) return inputs[static_cast<long>(row) * channels];
  return from_zero ? 0.0f : state[(reach + row) * channels];
}

// out += silu(the convolution of `rows`). A thread has a channel of a chain of runs, one run after the other
// (state_runs.h): (channel, chain) in the grid. A layer's part of a state: the inputs of the last positions,
// [reach][channels], the oldest first.
kernel void convolve_apart(device const float* rows [[buffer(0)]], device const float* taps [[buffer(1)]],
                           device const DeltaRun* runs [[buffer(2)]],
                           device const int* chain_begin [[buffer(3)]], device const int* forks [[buffer(4)]],
                           device float* states [[buffer(5)]], device float* out [[buffer(6)]],
                           constant ConvolutionParameters& parameters [[buffer(7)]],
                           uint3 place [[thread_position_in_grid]]) {
  const int channel = static_cast<int>(place.x);
  const int channels = parameters.channels;
  if (channel >= channels) return;
  const int reach = (parameters.taps - 1) * parameters.dilation;
  device float* part = states + parameters.layer_floats + channel;
  for (int run = chain_begin[place.y]; run < chain_begin[place.y + 1]; ++run) {
    device const DeltaRun& one = runs[run];
    const bool from_zero = one.from_zero != 0;
    device const float* inputs = rows + static_cast<long>(one.first_row) * channels + channel;
    device float* own = part + static_cast<long>(one.state) * parameters.state_floats;
    for (int r = 0; r < one.rows; ++r) {
      float sum = 0.0f;
      for (int tap = 0; tap < parameters.taps; ++tap) {
        const int from = r - reach + tap * parameters.dilation;
        sum += taps[tap * channels + channel] * earlier_input(inputs, own, from_zero, reach, from, channels);
      }
      out[static_cast<long>(one.first_row + r) * channels + channel] += activated(kSilu, sum);
    }
    // From the oldest on: what moves there is read before it is written.
    for (int i = 0; i < reach; ++i) {
      const float input = earlier_input(inputs, own, from_zero, reach, one.rows - reach + i, channels);
      own[i * channels] = input;
      for (int f = one.first_fork; f < one.end_fork; ++f)
        part[static_cast<long>(forks[f]) * parameters.state_floats + i * channels] = input;
    }
  }
}
