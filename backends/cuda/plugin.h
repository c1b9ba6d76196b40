// The CUDA device, as the program sees it: in a plug-in, libsizeup_cuda.so, loaded when somebody asks for it,
// so that the program starts on machines without driver or GPU.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backends/engine/device.h"
#include "backends/engine/machine_limits.h"

namespace sizeup {

// Why CUDA cannot be used on this machine: no plug-in, another build's plug-in, no driver, no GPU.
std::optional<std::string> why_no_cuda_device();

// Options: precision (bfloat16 by default, or float32), memory_bytes; no tier.
Result<std::unique_ptr<Device>> make_cuda_device(const DecoderModel& model, const DeviceOptions& options);

// Of the GPU, whatever the threads; nothing where CUDA cannot be used.
MachineLimits measure_cuda_limits(std::span<const int> thread_counts);

namespace cuda {

struct PluginTable;

// The plug-in in that file, or why it is of no use.
Result<const PluginTable*> load_plugin(const std::filesystem::path& file);

}  // namespace cuda
}  // namespace sizeup
