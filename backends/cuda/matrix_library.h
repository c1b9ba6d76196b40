// cuBLASLt, opened at run time: products of many rows at the speed of the vendor's kernels. It is used where
// a kernel of it gives the bits of multiply_tiles (products.h), and the device does without where it is
// missing.
#pragma once

#include <cublasLt.h>

#include <memory>
#include <string>
#include <vector>

#include "backends/cuda/tile_product.h"
#include "core/errors/result.h"

namespace sizeup::cuda {

struct MatrixLibraryFunctions;

// A kernel of the library for one shape of weights, and how to describe it. Plain bytes of the library's
// version.
struct LibraryKernel {
  cublasLtMatmulAlgo_t algorithm = {};
  std::string description;  // for people
};

class MatrixLibrary {
 public:
  // An error where it is not installed, or of another major version than the plug-in was compiled for.
  static Result<std::unique_ptr<MatrixLibrary>> open();
  ~MatrixLibrary();
  MatrixLibrary(const MatrixLibrary&) = delete;
  MatrixLibrary& operator=(const MatrixLibrary&) = delete;

  size_t version() const;

  // Kernels for products like this one that do not cut the sum over inputs, the library's favourites first.
  // Rows are those for which they should be fast.
  std::vector<LibraryKernel> kernels(const TileProduct& shape) const;

  // Whether the kernel can compute this product. The bias is left out.
  bool can_multiply(const LibraryKernel& kernel, const TileProduct& work) const;
  void multiply(const LibraryKernel& kernel, const TileProduct& work, cudaStream_t stream) const;

 private:
  struct Operation;

  explicit MatrixLibrary(std::unique_ptr<MatrixLibraryFunctions> functions);
  bool cuts_sum(const cublasLtMatmulAlgo_t& algorithm) const;

  std::unique_ptr<MatrixLibraryFunctions> functions_;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace sizeup::cuda
