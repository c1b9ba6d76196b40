// The built-in engine as a backend: a model file, its tokenizer and template, and a device.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/engine/device.h"
#include "backends/engine/formats/checkpoint.h"
#include "backends/engine/quantised_weights.h"
#include "backends/model_reference.h"

namespace sizeup {

// A decoder's weights and what they mean, before a device packs them.
struct OpenedModel {
  std::unique_ptr<Checkpoint> checkpoint;
  DecoderModel model;               // its tensors lie in the checkpoint
  DeviceOptions options;            // what the reference asks of the device
  std::optional<TensorType> quant;  // what the matrices were rounded to when they were loaded
  std::string adapters;             // identity of those that change the matrices; empty: none
  std::vector<std::string> notes;   // about these, for people
};

// The weights alone: no tokenizer, no device. The reference's options are checked before its files.
// `rounding`: of what quant asks for.
Result<OpenedModel> open_weights(const ModelReference& reference, Rounding rounding = Rounding::done);

// What is known of it before a device packs it. `hash`: of the checkpoint's files.
ModelCard describe_model(const ModelReference& reference, const OpenedModel& opened, std::string hash);

// "Q8_0", or "mixed Q8_0/F32" by bytes; vectors (norms, biases) are float32 in every file and say nothing.
std::string describe_weights(const Checkpoint& checkpoint);

// Opens the model that the reference's target names. Options: device (chosen by the registry),
// dtype=float32|bfloat16, adapter (see adapted_weights.h), quant (see quantised_weights.h), cpu_tier (of the
// cpu device), now=ISO-8601 (what chat templates see as the current time; by default the time of opening).
Result<std::unique_ptr<Backend>> open_engine(const ModelReference& reference, DeviceFactory make_device);

}  // namespace sizeup
