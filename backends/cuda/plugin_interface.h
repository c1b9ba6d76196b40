// What the program and its CUDA plug-in agree on. Both are compiled from this header; a plug-in of another
// build is refused.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "backends/engine/device.h"
#include "backends/engine/machine_limits.h"

namespace sizeup::cuda {

// The sizes of what crosses the border stand for their layouts.
struct PluginIdentity {
  std::array<char, 16> version = {};
  std::array<uint32_t, 7> sizes = {};
  bool operator==(const PluginIdentity&) const = default;
};

inline PluginIdentity plugin_identity() {
  PluginIdentity identity;
  const std::string_view version = SIZEUP_VERSION;
  for (size_t i = 0; i < version.size() && i < identity.version.size(); ++i) identity.version[i] = version[i];
  identity.sizes = {sizeof(DecoderSpec), sizeof(DecoderModel), sizeof(DeviceOptions), sizeof(DeviceTraits),
                    sizeof(Step),        sizeof(StepResult),   sizeof(MachineLimits)};
  return identity;
}

struct PluginTable {
  PluginIdentity identity;
  std::optional<std::string> (
      *why_unavailable)();  // on this machine; nothing if there is a GPU to compute on
  DeviceFactory make_device;
  MachineLimits (*measure_limits)();  // where there is a GPU to compute on
};

// The one symbol that the program asks the plug-in for, and its type.
inline constexpr const char* kPluginSymbol = "sizeup_cuda_plugin";
using PluginEntry = const PluginTable* (*)();

}  // namespace sizeup::cuda
