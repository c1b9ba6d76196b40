// The Metal device on the Mac's own GPU. Only Apple's builds have it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "backends/engine/device.h"
#include "backends/engine/machine_limits.h"

namespace sizeup {

// Why Metal cannot be used on this machine: no GPU, or one whose threads cannot exchange values in
// simdgroups.
std::optional<std::string> why_no_metal_device();

// Options: precision (float32), memory_bytes; no tier.
Result<std::unique_ptr<Device>> make_metal_device(const DecoderModel& model, const DeviceOptions& options);

// Nothing: no loop of ours measures what this GPU can do.
MachineLimits measure_metal_limits(std::span<const int> thread_counts);

}  // namespace sizeup
