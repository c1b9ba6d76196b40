// A convolution over positions with its state (ConvolutionSpec), row after row.
#pragma once

#include <functional>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/state_runs.h"
#include "backends/reference/product.h"

namespace sizeup {

struct ConvolutionLayer {
  ConvolutionSpec spec;
  std::vector<float> taps;  // [tap][channel], the oldest position first
};

// A layer's part of a state: the inputs of the last positions, [reach][channels], the oldest first.
size_t convolution_state_floats(const ConvolutionSpec& spec);

// out += silu(the convolution of `rows`). state(i): the layer's part of state i.
void convolve_add(const ConvolutionLayer& layer, const StateRuns& runs, const RowsView& rows,
                  const std::function<float*(int32_t)>& state, const RowsView& out);

}  // namespace sizeup
