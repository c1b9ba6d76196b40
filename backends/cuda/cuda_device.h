// The CUDA device, inside the plug-in.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backends/engine/device.h"

namespace sizeup::cuda {

// Why there is no GPU to compute on: no driver, the toolkit's stub in a driver's place, a driver too old, no
// GPU, or one of a generation that the plug-in is not compiled for.
std::optional<std::string> why_unavailable();

// As make_cuda_device in plugin.h.
Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options);

}  // namespace sizeup::cuda
