#include "backends/reference/convolution.h"

#include <algorithm>

#include "backends/reference/row_operations.h"

namespace sizeup {

size_t convolution_state_floats(const ConvolutionSpec& spec) {
  return static_cast<size_t>(spec.reach()) * static_cast<size_t>(spec.channels);
}

void convolve_add(const ConvolutionLayer& layer, const StateRuns& runs, const RowsView& rows,
                  const std::function<float*(int32_t)>& state, const RowsView& out) {
  const auto channels = static_cast<size_t>(layer.spec.channels);
  const size_t kept = convolution_state_floats(layer.spec);
  std::vector<float> mixed(channels);
  for (const StateRun& run : runs.runs) {
    float* part = state(run.state);
    std::vector<float> window(part, part + kept);
    if (run.from_zero) std::ranges::fill(window, 0.0F);
    for (int r = run.first_row; r < run.first_row + run.rows; ++r) {
      window.insert(window.end(), rows.row(r), rows.row(r) + channels);
      std::ranges::fill(mixed, 0.0F);
      for (int tap = 0; tap < layer.spec.taps; ++tap) {
        const float* input = window.data() + static_cast<size_t>(tap * layer.spec.dilation) * channels;
        const float* weight = layer.taps.data() + static_cast<size_t>(tap) * channels;
        for (size_t c = 0; c < channels; ++c) mixed[c] += weight[c] * input[c];
      }
      activate(Activation::silu, mixed.data(), layer.spec.channels);
      add_in_place(out.row(r), mixed.data(), layer.spec.channels);
      window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(channels));
    }
    std::ranges::copy(window, part);
    for (int32_t f = run.first_fork; f < run.end_fork; ++f)
      std::ranges::copy(window, state(runs.forks[static_cast<size_t>(f)]));
  }
}

}  // namespace sizeup
