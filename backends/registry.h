// The one table of backends and devices, by scheme and device name.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backends/backend.h"
#include "backends/model_reference.h"

namespace sizeup {

// One row of `sizeup list backends`.
struct BackendEntry {
  std::string_view scheme;       // of the model reference: "file"
  std::string_view device;       // "reference"; empty where a backend has no devices
  std::string_view description;  // one line
  std::string_view example;      // a model reference that works
  Result<std::unique_ptr<Backend>> (*open)(const ModelReference& reference);
};

std::span<const BackendEntry> backend_table();

// Opens the model: the entry with the reference's scheme and device (the first of the scheme by default).
Result<std::unique_ptr<Backend>> open_backend(const ModelReference& reference);

}  // namespace sizeup
