#include "backends/cuda/memory_need.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/engine/work.h"

namespace sizeup::cuda {
namespace {

// What the head's block of logits, a gated product, attention's states, cuBLASLt's workspace and a choice of
// its kernels take at most, and the driver beside them.
constexpr int64_t kOther = int64_t{2} << 30;
// Of memory: allocations of other sizes leave gaps.
constexpr int64_t kGapParts = 20;
// Below this no context would fit.
constexpr int64_t kLeastPages = int64_t{64} << 20;

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

}  // namespace

Result<MemoryNeed> memory_need(const DecoderSpec& spec, Precision precision, int64_t free) {
  const int64_t element = precision == Precision::bfloat16 ? 2 : 4;
  MemoryNeed need;
  need.weights = all_weights(spec) * element;
  int64_t inner = 0;  // columns of the widest layer
  for (const LayerSpec& layer : spec.layers) {
    const int64_t attention =
        4 * int64_t{layer.attention.query_width()} + 2 * int64_t{layer.attention.kv_width()};
    inner = std::max(inner, attention + (layer.gate_deviations ? 3 : 1) * int64_t{layer.ffn_width});
  }
  // Residual, update, wanted rows, and their norms.
  need.activations = (7 * int64_t{spec.width} + inner) * kPreferredRows * int64_t{sizeof(float)};
  need.pages = free - free / kGapParts - need.weights - need.activations - kOther;
  if (need.pages >= kLeastPages) return need;
  return unavailable(
      "cuda",
      fmt::format("the model needs {:.1f} GB of weights, {:.1f} GB of activations and {:.1f} GB beside "
                  "them, and {:.1f} GB of the GPU's memory are free: no context would fit",
                  gigabytes(need.weights), gigabytes(need.activations), gigabytes(kOther), gigabytes(free)),
      "device=cpu, or a smaller model");
}

}  // namespace sizeup::cuda
