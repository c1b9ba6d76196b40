// The CPU device: packed weights, activations in lanes, pages; the arithmetic is in the kernels of a tier.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/engine/device.h"

namespace sizeup {

// Options: tier (the best this machine has by default; an error where it lacks the tier asked for), precision
// (bfloat16 where the tier has tile products, else float32, which is as fast there).
Result<std::unique_ptr<Device>> make_cpu_device(const DecoderModel& model, const DeviceOptions& options);

namespace cpu {

// The same on given kernels; `notes` come before the device's own.
Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options,
                                            const Kernels& kernels, std::vector<std::string> notes = {});

}  // namespace cpu
}  // namespace sizeup
