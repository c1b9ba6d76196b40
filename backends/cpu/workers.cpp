#include "backends/cpu/workers.h"

#include <algorithm>

namespace sizeup::cpu {
namespace {

// Below this many multiplications the other threads are not woken.
constexpr size_t kSmallProduct = size_t{1} << 17;

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

void Workers::multiply(const ProductFamily& family, const PackedLinear& linear, const Operand& in,
                       const ProductResult& result) {
  const size_t work =
      static_cast<size_t>(in.rows) * static_cast<size_t>(linear.inputs) * static_cast<size_t>(linear.outputs);
  if (work < kSmallProduct || size() == 1) {
    family.multiply(linear, in, result, 0, linear.panels(), scratch(0));
    return;
  }
  pool_->run([&](int thread) {
    const int64_t panels = linear.panels();
    const int first = static_cast<int>(panels * thread / size());
    const int end = static_cast<int>(panels * (thread + 1) / size());
    if (first < end) family.multiply(linear, in, result, first, end, scratch(thread));
  });
}

}  // namespace sizeup::cpu
