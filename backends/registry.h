// The one table of backends and devices, by scheme and device name.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "backends/backend.h"
#include "backends/engine/device.h"
#include "backends/engine/machine_limits.h"
#include "backends/model_reference.h"

namespace sizeup {

// One row of `sizeup list backends`.
struct BackendEntry {
  std::string_view scheme;       // of the model reference: "file"
  std::string_view device;       // "reference"; empty where a backend has no devices
  std::string_view description;  // one line
  std::string_view example;      // a model reference that works
  Result<std::unique_ptr<Backend>> (*open)(const ModelReference& reference);
  DeviceFactory make_device;                        // of the built-in engine; nullptr elsewhere
  std::optional<std::string> (*why_unavailable)();  // on this machine; nothing if it can be used
  MeasureLimits measure_limits;                     // of what the device computes with; nullptr elsewhere
};

std::span<const BackendEntry> backend_table();

// The entry with the reference's scheme and device (by default the first of the scheme that this
// machine can use).
Result<const BackendEntry*> find_backend(const ModelReference& reference);

// Opens the model with that entry.
Result<std::unique_ptr<Backend>> open_backend(const ModelReference& reference);

}  // namespace sizeup
