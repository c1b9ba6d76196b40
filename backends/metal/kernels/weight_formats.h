// Weights as they lie in files, eight neighbours at a time.
#pragma once

#include <metal_stdlib>

#include "backends/engine/formats/blocks.h"
#include "backends/metal/kernels/parameters.h"

constant int weight_format [[function_constant(3)]];

// first is a multiple of 8, so that the eight lie in one group of a block: groups are of 16 or more.
template <class Format>
inline void eight_of_blocks(device const uchar* row, int first, thread float* out) {
  device const uchar* block = row + first / Format::kElements * Format::kBytes;
  const int inside = first % Format::kElements;
  const float scale = Format::scale(block, inside / Format::kGroup);
  const float offset = Format::offset(block, inside / Format::kGroup);
  for (int i = 0; i < 8; ++i) out[i] = static_cast<float>(Format::level(block, inside + i)) * scale + offset;
}

// Of plain types, whose rows need not be whole eights.
inline void eight_plain(device const uchar* row, int first, int columns, thread float* out) {
  using namespace sizeup::metal_kernels;
  const int count = metal::min(8, columns - first);
  for (int i = 0; i < count; ++i) {
    if (weight_format == kWeightF32) {
      out[i] = reinterpret_cast<device const float*>(row)[first + i];
    } else if (weight_format == kWeightF16) {
      out[i] = sizeup::blocks::float_from_half(reinterpret_cast<device const ushort*>(row)[first + i]);
    } else {
      const uint bits = reinterpret_cast<device const ushort*>(row)[first + i];
      out[i] = sizeup::blocks::float_from_bits(bits << 16);
    }
  }
}

// Weights [first, first + 8) of a row of `columns` weights; those beyond are 0.
inline void eight_weights(device const uchar* row, int first, int columns, thread float* out) {
  using namespace sizeup::metal_kernels;
  for (int i = 0; i < 8; ++i) out[i] = 0.0f;
  if (first >= columns) return;
  switch (weight_format) {
    case kWeightF32:
    case kWeightF16:
    case kWeightBF16:
      return eight_plain(row, first, columns, out);
    case kWeightQ4_0:
      return eight_of_blocks<sizeup::blocks::Q4_0>(row, first, out);
    case kWeightQ4_1:
      return eight_of_blocks<sizeup::blocks::Q4_1>(row, first, out);
    case kWeightQ5_0:
      return eight_of_blocks<sizeup::blocks::Q5_0>(row, first, out);
    case kWeightQ5_1:
      return eight_of_blocks<sizeup::blocks::Q5_1>(row, first, out);
    case kWeightQ8_0:
      return eight_of_blocks<sizeup::blocks::Q8_0>(row, first, out);
    case kWeightQ2K:
      return eight_of_blocks<sizeup::blocks::Q2K>(row, first, out);
    case kWeightQ3K:
      return eight_of_blocks<sizeup::blocks::Q3K>(row, first, out);
    case kWeightQ4K:
      return eight_of_blocks<sizeup::blocks::Q4K>(row, first, out);
    case kWeightQ5K:
      return eight_of_blocks<sizeup::blocks::Q5K>(row, first, out);
    case kWeightQ6K:
      return eight_of_blocks<sizeup::blocks::Q6K>(row, first, out);
    case kWeightQ8K:
      return eight_of_blocks<sizeup::blocks::Q8K>(row, first, out);
    case kWeightIQ4NL:
      return eight_of_blocks<sizeup::blocks::IQ4NL>(row, first, out);
    case kWeightIQ4XS:
      return eight_of_blocks<sizeup::blocks::IQ4XS>(row, first, out);
    case kWeightMXFP4:
      return eight_of_blocks<sizeup::blocks::MXFP4>(row, first, out);
  }
}
