// How a model is kept in memory: the format of its weights, and what all of it needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/cpu/pack.h"
#include "backends/engine/device.h"

namespace sizeup::cpu {

// Exactly as in the file where the precision allows it. Quantised weights stay as they are, and bfloat16
// products round what they give; plain ones are rounded once.
Storage storage_of(Precision precision, const Tensor& weight);

// Of layers whose outputs share panels, as a gate and its up do: float32 or bfloat16 where they differ.
Storage storage_of(Precision precision, std::span<const LinearTensors> mixed);

// Whether every weight of the model is kept as bfloat16.
bool bfloat_weights(Precision precision, const DecoderTensors& tensors);

// Weights that are kept in another format than the file's, for people; empty if there are none.
std::vector<std::string> describe_storage(Precision precision, const DecoderTensors& tensors);

struct MemoryNeed {
  int64_t weights = 0;      // bytes, without the padding of panels
  int64_t activations = 0;  // for a step of as many rows as the device prefers
};
MemoryNeed memory_need(Precision precision, const DecoderModel& model, int rows);

// What is left of `available` bytes for pages of `page_bytes`, or why the model does not fit.
Result<int64_t> memory_for_pages(const MemoryNeed& need, int64_t available, int64_t page_bytes);

}  // namespace sizeup::cpu
