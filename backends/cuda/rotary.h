// Rotary positions, and keys and values on their way to pages.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/pages.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/step.h"

namespace sizeup::cuda {

// Cosines and sines of a step's rows, [row][pair], as RotaryAngles has them for their positions: the angle in
// float32, cosine and sine in float64.
struct AnglesWork {
  const int32_t* positions = nullptr;
  int rows = 0;
  const float* frequencies = nullptr;  // of each pair
  int pairs = 0;
  float scale = 1.0F;
  float* cosines = nullptr;
  float* sines = nullptr;
};
void compute_angles(const AnglesWork& work, cudaStream_t stream);

// Rotates, in place, the heads that lie side by side from the rows' first column on.
struct RotateWork {
  float* rows = nullptr;
  size_t stride = 0;
  int row_count = 0;
  int heads = 0;
  int head_size = 0;
  RotaryLayout layout = RotaryLayout::half_split;
  int pairs = 0;                   // that are rotated of each head
  const float* cosines = nullptr;  // [row][pair]
  const float* sines = nullptr;
};
void rotate(const RotateWork& work, cudaStream_t stream);

// Keys and values, which lie in the rows from two columns on, go to pages in their precision.
struct WriteWork {
  const float* rows = nullptr;
  size_t stride = 0;
  int key_column = 0;
  int value_column = 0;
  const KeyValueWrite* writes = nullptr;  // on the device
  int write_count = 0;
  PagesView pages;
};
void write_keys_and_values(const WriteWork& work, cudaStream_t stream);

}  // namespace sizeup::cuda
