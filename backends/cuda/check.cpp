#include "backends/cuda/check.h"

#include <fmt/format.h>

#include "core/errors/result.h"

namespace sizeup::cuda {

void check(cudaError_t status, std::source_location place) {
  if (status == cudaSuccess) return;
  throw InternalError(fmt::format("CUDA error {}: {}", static_cast<int>(status), cudaGetErrorString(status)),
                      place.file_name(), static_cast<int>(place.line()));
}

}  // namespace sizeup::cuda
