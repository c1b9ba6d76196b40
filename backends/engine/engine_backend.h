// The built-in engine as a backend: a model file, its tokenizer and template, and a device.
#pragma once

#include <memory>

#include "backends/backend.h"
#include "backends/engine/device.h"
#include "backends/model_reference.h"

namespace sizeup {

// Opens the model that the reference's target names. Options: device (chosen by the registry), dtype=float32,
// cpu_tier=avx2|avx512|amx (an error where this machine lacks it), now=ISO-8601 (what chat templates see as
// the current time; by default the time of opening).
Result<std::unique_ptr<Backend>> open_engine(const ModelReference& reference, DeviceFactory make_device);

}  // namespace sizeup
