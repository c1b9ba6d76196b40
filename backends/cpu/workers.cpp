#include "backends/cpu/workers.h"

#include <algorithm>

namespace sizeup::cpu {
namespace {

// Below this many multiplications the other threads are not woken.
constexpr size_t kSmallProduct = size_t{1} << 17;

// Panels [first, end), counted over all parts.
void multiply_panels(const ProductFamily& family, std::span<const PackedLinear> parts, const Operand& in,
                     ProductResult result, int64_t first, int64_t end, std::byte* scratch) {
  for (const PackedLinear& part : parts) {
    const auto from = static_cast<int>(std::max(first, int64_t{0}));
    const auto to = static_cast<int>(std::min(end, int64_t{part.panels()}));
    if (parts.size() > 1) result.outputs = part.outputs;
    if (from < to) family.multiply(part, in, result, from, to, scratch);
    first -= part.panels();
    end -= part.panels();
    result.rows.first_column -= part.outputs;
  }
}

}  // namespace

void Workers::set_threads(int threads) {
  pool_ = std::make_unique<ThreadPool>(std::max(1, threads));
  scratch_.clear();
  scratch_.resize(static_cast<size_t>(size()));
  for (HugeBuffer& scratch : scratch_) scratch = HugeBuffer(scratch_bytes_);
}

void Workers::reserve_scratch(size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  scratch_bytes_ = bytes;
  for (HugeBuffer& scratch : scratch_) scratch = HugeBuffer(bytes);
}

void Workers::multiply(const ProductFamily& family, std::span<const PackedLinear> parts, const Operand& in,
                       const ProductResult& result) {
  int64_t panels = 0;
  size_t work = 0;
  for (const PackedLinear& part : parts) {
    panels += part.panels();
    work +=
        static_cast<size_t>(in.rows) * static_cast<size_t>(part.inputs) * static_cast<size_t>(part.outputs);
  }
  if (work < kSmallProduct || size() == 1) {
    return multiply_panels(family, parts, in, result, 0, panels, scratch(0));
  }
  pool_->run([&](int thread) {
    multiply_panels(family, parts, in, result, panels * thread / size(), panels * (thread + 1) / size(),
                    scratch(thread));
  });
}

}  // namespace sizeup::cpu
