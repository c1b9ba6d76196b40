// A gated delta rule (DeltaSpec), token after token.
#pragma once

#include <functional>

#include "backends/engine/delta_rule.h"
#include "backends/engine/state_runs.h"
#include "backends/reference/product.h"
#include "core/threads/thread_pool.h"

namespace sizeup {

struct DeltaLayer {
  DeltaSpec spec;
  DeltaWeights weights;
};

// A layer's part of a state: the last inputs of the convolution, [taps - 1][channels], the oldest first; then
// [value_head][key_size][value_size].
size_t delta_state_floats(const DeltaSpec& spec);

// rows: as in DeltaSpec. state(i): the layer's part of state i. out: [value_head][value_size].
void run_delta_rule(const DeltaLayer& layer, const StateRuns& runs, const RowsView& rows,
                    const std::function<float*(int32_t)>& state, const RowsView& out, ThreadPool& pool);

}  // namespace sizeup
