#include "backends/cuda/cuda_device.h"

namespace sizeup::cuda {

Result<std::unique_ptr<Device>> make_device(const DecoderModel&, const DeviceOptions&) {
  if (const auto reason = why_unavailable()) return unavailable("cuda", *reason);
  return unavailable("cuda", "the CUDA device is not complete yet");
}

}  // namespace sizeup::cuda
