#include "backends/cuda/step_upload.h"

#include <bit>

#include "backends/cuda/check.h"

namespace sizeup::cuda {

void StepUpload::send(cudaStream_t stream) {
  const size_t bytes = std::bit_ceil(staged_.size() + 1);  // steps grow a little at a time
  pinned_.require_bytes(bytes);
  memory_.require_bytes(bytes);
  std::memcpy(pinned_.data(), staged_.data(), staged_.size());
  check(cudaMemcpyAsync(memory_.as(), pinned_.data(), staged_.size(), cudaMemcpyHostToDevice, stream));
}

}  // namespace sizeup::cuda
