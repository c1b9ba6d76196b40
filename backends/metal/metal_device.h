// The Metal device: float32 arithmetic on Apple's GPUs, weights in the formats of their files.
#pragma once

#include <memory>

#include "backends/engine/device.h"
#include "backends/metal/queue.h"

namespace sizeup::metal {

// Options: float32 only, no tier. A model with an operation that the device lacks is refused.
Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options,
                                            std::unique_ptr<Queue> queue);

}  // namespace sizeup::metal
