// y = W x for many rows: the one product of the reference device.
//
// Every output is one sum over the inputs from first to last, each term a float32 multiplication and a
// float32 addition, whatever the row count, the blocking or the instruction set: vectors run over outputs,
// never over the inputs. (Eigen's and BLAS' products change the order of the sum with the row count.)
#pragma once

#include <span>
#include <string_view>

#include "backends/engine/formats/tensor.h"
#include "backends/reference/float_buffer.h"
#include "core/threads/thread_pool.h"

namespace sizeup {

// Outputs that lie side by side: one AVX-512 register, two of AVX2, four of SSE.
inline constexpr int kPanelOutputs = 16;

// Row strides of activations are multiples of a panel, so that kernels store whole panels.
inline size_t padded_columns(int columns) {
  return static_cast<size_t>((columns + kPanelOutputs - 1) / kPanelOutputs * kPanelOutputs);
}

// Weights as [panel][input][kPanelOutputs], dequantised; outputs beyond the last are zero.
class PackedMatrix {
 public:
  // Outputs of the matrices side by side; all have the same inputs.
  explicit PackedMatrix(std::span<const Tensor* const> stacked);

  size_t bytes() const { return values_.size() * sizeof(float); }
  int outputs() const { return outputs_; }
  int inputs() const { return inputs_; }
  int panels() const { return (outputs_ + kPanelOutputs - 1) / kPanelOutputs; }
  const float* panel(int index) const {
    return values_.data() + static_cast<size_t>(index) * static_cast<size_t>(inputs_) * kPanelOutputs;
  }
  // One output's weights, as an embedding table is read.
  void read_row(int output, float* out) const;

 private:
  int outputs_ = 0;
  int inputs_ = 0;
  FloatBuffer values_;
};

// Rows of floats at a fixed distance.
struct RowsView {
  float* data = nullptr;
  size_t stride = 0;
  int rows = 0;

  float* row(int index) const { return data + static_cast<size_t>(index) * stride; }
};

// One panel times all rows, for one instruction set. All give the same bits.
struct ProductKernel {
  std::string_view name;
  bool (*supported)();
  void (*multiply)(const RowsView& in, const float* panel, int inputs, const RowsView& out, int first_output);
};

// Best first.
std::span<const ProductKernel> product_kernels();
const ProductKernel& best_product_kernel();

// out has at least in.rows rows and padded_columns(outputs) columns.
void multiply(const RowsView& in, const PackedMatrix& weight, const RowsView& out, ThreadPool& pool);

}  // namespace sizeup
