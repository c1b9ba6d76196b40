// The kernels of one tier, as a table: everything in the CPU device that depends on the instruction set.
#pragma once

#include <span>
#include <string_view>

#include "backends/cpu/attention.h"
#include "backends/cpu/product.h"
#include "backends/cpu/tier.h"
#include "backends/engine/device.h"

namespace sizeup::cpu {

// Sines and cosines of a group's rows: [group][pair][kLanes].
struct RotaryLanes {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  int pairs = 0;  // of a head
};

// What is added to rows: `count` rows of floats for each, in this order.
struct WeightedParts {
  const float* values = nullptr;   // [row][count][stride]
  const float* weights = nullptr;  // [row][count]
  int count = 0;
  int stride = 0;  // a multiple of kLanes
};

struct RowKernels {
  // out = in / sqrt(mean(in^2) + epsilon) * weight, for groups [first, end).
  void (*norm)(const LaneRows& in, const float* weight, float epsilon, const Operand& out, int first_group,
               int end_group) = nullptr;
  // The same norm of each of `heads` heads from column `first_column` on, in place.
  void (*norm_heads)(const LaneRows& rows, int first_column, int heads, int head_size, const float* weight,
                     float epsilon, int first_group, int end_group) = nullptr;
  // Rotates `heads` heads from column `first_column` on in place, for groups [first, end).
  void (*rotate)(const LaneRows& rows, int first_column, int heads, int head_size, RotaryLayout layout,
                 const RotaryLanes& angles, int first_group, int end_group) = nullptr;
  // Groups [first, end) of out: its i-th row is row numbers[i] of `rows`, [row][out.columns].
  void (*gather)(const float* rows, const int32_t* numbers, const Operand& out, int first_group,
                 int end_group) = nullptr;
  // rows += the sums of parts by their weights, for groups [first, end).
  void (*add_weighted)(const WeightedParts& parts, const LaneRows& rows, int first_group,
                       int end_group) = nullptr;
};

struct Kernels {
  std::string_view tier;                          // "avx512"
  Precision fast_precision = Precision::float32;  // float32 where lower precision would not be faster
  int weight_rows = 0;                            // DeviceTraits::weight_rows
  RowKernels rows;
  // bfloat_weights: every weight of the model is kept as bfloat16.
  const ProductFamily& (*product)(Precision precision, bool bfloat_weights) = nullptr;
  // Best first: the first that supports the shape is used, and the last supports all.
  std::span<const AttentionFamily* const> (*attention)(Precision precision) = nullptr;
};

// What this machine must have: why_unsupported(tier) is empty.
const Kernels& kernels_of(CpuTier tier);

}  // namespace sizeup::cpu
