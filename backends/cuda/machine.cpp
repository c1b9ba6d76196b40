#include <cuda_runtime.h>
#include <fmt/format.h>

#include "backends/cuda/cuda_device.h"

namespace sizeup::cuda {
namespace {

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);  // as CUDA counts: 13000 is 13.0
}

// In the words of somebody who can do something about it.
std::string why(cudaError_t status) {
  switch (status) {
    case cudaErrorInsufficientDriver: {
      int driver = 0;
      cudaDriverGetVersion(&driver);
      if (driver == 0) return "there is no NVIDIA driver";
      return fmt::format("the NVIDIA driver is too old: it knows CUDA {}, the plug-in needs {}",
                         version_text(driver), version_text(CUDART_VERSION));
    }
    case cudaErrorStubLibrary:
      return "libcuda.so.1 is the toolkit's stub, not a driver";
    case cudaErrorNoDevice:
      return "there is no NVIDIA GPU";
    default:
      return fmt::format("CUDA error {}: {}", static_cast<int>(status), cudaGetErrorString(status));
  }
}

}  // namespace

std::optional<std::string> why_unavailable() {
  int devices = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&devices); status != cudaSuccess) return why(status);
  if (devices == 0) return why(cudaErrorNoDevice);
  return std::nullopt;
}

}  // namespace sizeup::cuda
