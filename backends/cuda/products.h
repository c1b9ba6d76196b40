// Products of rows with a matrix: by the device's own kernels, or by the vendor's library where that gives
// the same bits faster.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "backends/cuda/matrix_library.h"
#include "backends/cuda/weights_store.h"

namespace sizeup::cuda {

// Rows that a product reads, in the precision of the matrix, and floats that it writes.
struct ProductRows {
  const void* in = nullptr;
  int64_t in_stride = 0;  // elements
  int rows = 0;
  float* out = nullptr;
  int64_t out_stride = 0;
  bool add = false;
};

class Products {
 public:
  explicit Products(int multiprocessors) : multiprocessors_(multiprocessors) {}

  // By outputs [first, first + outputs) of the matrix.
  void multiply(const Matrix& matrix, int first, int outputs, const ProductRows& rows, cudaStream_t stream);

  // What to tell people: that the library is missing, or that no kernel of it agrees.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  using Shape = std::tuple<int, int, int64_t, int64_t>;  // outputs, inputs, strides

  const LibraryKernel* library_kernel(const TileProduct& work, cudaStream_t stream);
  std::optional<LibraryKernel> choose(const TileProduct& shape, cudaStream_t stream);

  int multiprocessors_;
  bool opened_ = false;
  std::unique_ptr<MatrixLibrary> library_;  // once it is wanted; nullptr: there is none
  std::map<Shape, std::optional<LibraryKernel>> kernels_;
  std::vector<std::string> notes_;
};

}  // namespace sizeup::cuda
