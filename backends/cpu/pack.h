// Weights from a checkpoint into the panels that the products read.
#pragma once

#include <span>

#include "backends/cpu/product.h"
#include "backends/engine/decoder_spec.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cpu {

// Linear layers of the same input as one, outputs side by side; with `gated` the first is the gate, the
// second the up. `format` holds every weight exactly, or rounds it (bfloat16).
PackedLinear pack_linear(std::span<const LinearTensors> stacked, bool gated, WeightFormat format,
                         const ProductFamily& family, ThreadPool& pool);

// The weights of one output of a layer that is not gated, as an embedding table is read. out: `inputs`
// floats.
void read_output(const PackedLinear& linear, int output, float* out);

}  // namespace sizeup::cpu
