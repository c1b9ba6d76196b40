// Weights from a checkpoint into the panels that the products read.
#pragma once

#include <span>

#include "backends/cpu/product.h"
#include "backends/engine/decoder_spec.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cpu {

// How the weights of a linear layer are kept.
struct Storage {
  TensorType type = TensorType::f32;
  bool rounded = false;  // see PackedLinear
  bool operator==(const Storage&) const = default;
};

// Sets the padded inputs and the size of panels from the type, the layout, the inputs and the panel's
// outputs.
void lay_out(PackedLinear& linear);

// Linear layers of the same input as one, outputs side by side; with `gated` the first is the gate, the
// second the up. A storage type that is not the tensors' own is float32 or bfloat16 (and rounds). Rows are
// whole blocks of it.
PackedLinear pack_linear(std::span<const LinearTensors> stacked, bool gated, const Storage& storage,
                         const ProductFamily& family, ThreadPool& pool);

// The weights of one output of a layer that is not gated, as an embedding table is read. out: `inputs`
// floats.
void read_output(const PackedLinear& linear, int output, float* out);

}  // namespace sizeup::cpu
