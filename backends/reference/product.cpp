#include "backends/reference/product.h"

#include <array>
#include <cstring>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// GCC's and clang's portable vectors: arithmetic is per lane, rounded as plain floats are.
using Lanes4 = float __attribute__((vector_size(16)));
using Lanes8 = float __attribute__((vector_size(32)));
using Lanes16 = float __attribute__((vector_size(64)));

// `kRows` rows times one panel; all sums stay in registers.
template <class Lanes, int kRows>
[[gnu::always_inline]] inline void multiply_block(const float* in, size_t in_stride, const float* panel,
                                                  int inputs, float* out, size_t out_stride) {
  constexpr int kLanes = sizeof(Lanes) / sizeof(float);
  constexpr int kVectors = kPanelOutputs / kLanes;
  Lanes sums[kRows][kVectors] = {};
  for (int k = 0; k < inputs; ++k) {
    Lanes weights[kVectors];
    std::memcpy(weights, panel + static_cast<size_t>(k) * kPanelOutputs, sizeof weights);
    for (int r = 0; r < kRows; ++r) {
      const float x = in[static_cast<size_t>(r) * in_stride + static_cast<size_t>(k)];
      for (int v = 0; v < kVectors; ++v) sums[r][v] += x * weights[v];
    }
  }
  for (int r = 0; r < kRows; ++r)
    std::memcpy(out + static_cast<size_t>(r) * out_stride, sums[r], sizeof sums[r]);
}

template <class Lanes, int kRows>
[[gnu::always_inline]] inline void multiply_panel(const RowsView& in, const float* panel, int inputs,
                                                  const RowsView& out, int first_output) {
  int row = 0;
  for (; row + kRows <= in.rows; row += kRows) {
    multiply_block<Lanes, kRows>(in.row(row), in.stride, panel, inputs, out.row(row) + first_output,
                                 out.stride);
  }
  for (; row < in.rows; ++row) {
    multiply_block<Lanes, 1>(in.row(row), in.stride, panel, inputs, out.row(row) + first_output, out.stride);
  }
}

// Row counts fill the registers without spilling; measured on Zen 4: 57, 50 and 19 GMAC/s on one core.
void multiply_plain(const RowsView& in, const float* panel, int inputs, const RowsView& out,
                    int first_output) {
  multiply_panel<Lanes4, 2>(in, panel, inputs, out, first_output);
}

bool always() {
  return true;
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void multiply_avx2(const RowsView& in, const float* panel, int inputs,
                                           const RowsView& out, int first_output) {
  multiply_panel<Lanes8, 4>(in, panel, inputs, out, first_output);
}

[[gnu::target("avx512f")]] void multiply_avx512(const RowsView& in, const float* panel, int inputs,
                                                const RowsView& out, int first_output) {
  multiply_panel<Lanes16, 12>(in, panel, inputs, out, first_output);
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0;
}

constexpr std::array kKernels{ProductKernel{"avx512", has_avx512, multiply_avx512},
                              ProductKernel{"avx2", has_avx2, multiply_avx2},
                              ProductKernel{"plain", always, multiply_plain}};
#else
constexpr std::array kKernels{ProductKernel{"plain", always, multiply_plain}};
#endif

// Panels in one task: small enough to balance two threads on narrow layers, and their weights stay in L2.
constexpr int kTaskPanels = 2;

// Below this many multiplications waking the other threads costs more than it saves.
constexpr size_t kSmallProduct = size_t{1} << 16;

}  // namespace

std::span<const ProductKernel> product_kernels() {
  return kKernels;
}

const ProductKernel& best_product_kernel() {
  for (const ProductKernel& kernel : kKernels) {
    if (kernel.supported()) return kernel;
  }
  throw InternalError("the plain kernel runs everywhere");
}

PackedMatrix::PackedMatrix(std::span<const Tensor* const> stacked)
    : inputs_(static_cast<int>(stacked.front()->columns())) {
  for (const Tensor* part : stacked) {
    require(part->columns() == inputs_, "stacked matrices have the same inputs");
    outputs_ += static_cast<int>(part->rows());
  }
  values_ = FloatBuffer(static_cast<size_t>(panels()) * static_cast<size_t>(inputs_) * kPanelOutputs);
  std::vector<float> row(static_cast<size_t>(inputs_));
  int output = 0;
  for (const Tensor* part : stacked) {
    for (int64_t r = 0; r < part->rows(); ++r, ++output) {
      dequantise_row(*part, r, row);
      float* column =
          values_.data() +
          static_cast<size_t>(output / kPanelOutputs) * static_cast<size_t>(inputs_) * kPanelOutputs +
          static_cast<size_t>(output % kPanelOutputs);
      for (size_t k = 0; k < row.size(); ++k) column[k * kPanelOutputs] = row[k];
    }
  }
}

void PackedMatrix::read_row(int output, float* out) const {
  const float* column = panel(output / kPanelOutputs) + output % kPanelOutputs;
  for (int k = 0; k < inputs_; ++k) out[k] = column[static_cast<size_t>(k) * kPanelOutputs];
}

void multiply(const RowsView& in, const PackedMatrix& weight, const RowsView& out, ThreadPool& pool) {
  const ProductKernel& kernel = best_product_kernel();
  const auto task = [&](size_t index) {
    const int begin = static_cast<int>(index) * kTaskPanels;
    const int end = std::min(begin + kTaskPanels, weight.panels());
    for (int p = begin; p < end; ++p) {
      kernel.multiply(in, weight.panel(p), weight.inputs(), out, p * kPanelOutputs);
    }
  };
  const auto tasks = static_cast<size_t>((weight.panels() + kTaskPanels - 1) / kTaskPanels);
  const size_t products = static_cast<size_t>(in.rows) * static_cast<size_t>(weight.inputs()) *
                          static_cast<size_t>(weight.outputs());
  if (products < kSmallProduct) {
    for (size_t i = 0; i < tasks; ++i) task(i);
  } else {
    pool.parallel_for(tasks, task);
  }
}

}  // namespace sizeup
