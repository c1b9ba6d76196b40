// Attention of a step's rows over pages.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "backends/cuda/attention_plan.h"
#include "backends/cuda/pages.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/device.h"

namespace sizeup::cuda {

// The greatest head size that attention has a kernel for.
inline constexpr int kGreatestHead = 512;

// All pointers are to the device's memory.
struct AttentionWork {
  PlanView plan;
  int heads = 0;
  int head_size = 0;
  int window = 0;                      // as in AttentionSpec
  float scale = 0.0F;                  // of query * key
  float score_cap = 0.0F;              // as in AttentionSpec
  const int32_t* positions = nullptr;  // of each row
  const int32_t* pages = nullptr;      // Step::pages
  const float* queries = nullptr;      // [row][heads * head_size ...], rotated
  size_t query_stride = 0;
  PagesView memory;
  const float* sinks = nullptr;  // of each head; nullptr: none
  float* states = nullptr;       // state_bytes() of the plan's slots
  float* out = nullptr;          // [row][heads * head_size]; or
  void* rounded_out = nullptr;   // the same in bfloat16, where `out` is nullptr
  size_t out_stride = 0;
};

// What a plan of these layers is made for.
PlanShape plan_shape(const AttentionSpec& spec, Precision precision);

size_t state_bytes(const AttentionSpec& spec, int64_t slots);

// One launch for narrow items, one for wide ones, one to merge states, as far as there are any.
void attend(const AttentionWork& work, cudaStream_t stream);

}  // namespace sizeup::cuda
