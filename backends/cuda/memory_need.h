// How a model fits the GPU's memory, by formula.
#pragma once

#include <cstdint>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/device.h"

namespace sizeup::cuda {

// Rows of a step: more gain little, and their activations take memory from pages.
inline constexpr int kPreferredRows = 8192;

struct MemoryNeed {
  int64_t weights = 0;      // bytes
  int64_t activations = 0;  // of a step of kPreferredRows, with what the head and other operations need
  int64_t pages = 0;        // what is left
};

// Of `free` bytes. An error where no context would fit.
Result<MemoryNeed> memory_need(const DecoderSpec& spec, Precision precision, int64_t free);

}  // namespace sizeup::cuda
