// The reference device: float32 throughout, weights dequantised when they are loaded, plain loops in a fixed
// order. It is the oracle for every other device and the fallback on any machine.
#pragma once

#include <memory>

#include "backends/engine/device.h"

namespace sizeup {

// Options: float32 only, no tier.
Result<std::unique_ptr<Device>> make_reference_device(const DecoderModel& model,
                                                      const DeviceOptions& options);

}  // namespace sizeup
