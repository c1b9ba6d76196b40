// The kernels of one tier, as a table: everything in the CPU device that depends on the instruction set.
#pragma once

#include <span>
#include <string_view>

#include "backends/cpu/attention.h"
#include "backends/cpu/delta_rule.h"
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

// A norm with its weights as they are multiplied.
struct LaneNorm {
  NormKind kind = NormKind::none;
  float epsilon = 0.0F;
  int columns = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;  // nullptr: none
};

// Rows of the same columns, times the neighbouring columns of `weights` from `first_column` on.
struct WeightedRows {
  const LaneRows* rows = nullptr;
  int count = 0;
  LaneRows weights;
  int first_column = 0;
};

struct RowKernels {
  // out = norm(in), for groups [first, end).
  void (*norm)(const LaneRows& in, const LaneNorm& norm, const Operand& out, int first_group,
               int end_group) = nullptr;
  // rows += norm(in)
  void (*norm_add)(const LaneRows& in, const LaneNorm& norm, const LaneRows& rows, int first_group,
                   int end_group) = nullptr;
  // The norm of each of `parts` neighbouring parts from column `first_column` on, in place.
  void (*norm_parts)(const LaneRows& rows, const LaneNorm& norm, int first_column, int parts, int first_group,
                     int end_group) = nullptr;
  // Rotates `heads` heads from column `first_column` on in place, for groups [first, end).
  void (*rotate)(const LaneRows& rows, int first_column, int heads, int head_size, RotaryLayout layout,
                 const RotaryLanes& angles, int first_group, int end_group) = nullptr;
  // out = in * sigmoid(gates), `columns` columns, those of gates from `first_column` on; in is floats.
  void (*apply_gate)(const Operand& in, const LaneRows& gates, int first_column, const Operand& out,
                     int columns, int first_group, int end_group) = nullptr;
  // Groups [first, end) of out: its i-th row is row numbers[i] of `rows`, [row][out.columns].
  void (*gather)(const float* rows, const int32_t* numbers, const Operand& out, int first_group,
                 int end_group) = nullptr;
  // Device's operations of these names, for groups [first, end).
  void (*scale)(const LaneRows& rows, float factor, int first_group, int end_group) = nullptr;
  void (*add)(const LaneRows& in, float factor, const LaneRows& rows, int first_group,
              int end_group) = nullptr;
  void (*combine)(const LaneRows& base, const WeightedRows& terms, const LaneRows& out, int first_group,
                  int end_group) = nullptr;
  void (*match_magnitude)(const LaneRows& rows, const LaneRows& like, int first_group,
                          int end_group) = nullptr;
  void (*keep_above)(const LaneRows& rows, int columns, float deviations, int first_group,
                     int end_group) = nullptr;
  // Of the first `columns` of `in`.
  void (*gate)(const LaneRows& in, Activation activation, const LaneRows& factors, int first_column,
               int columns, const Operand& out, int first_group, int end_group) = nullptr;
  // Device's operations on neighbouring parts, for groups [first, end).
  void (*mix_parts)(const LaneRows& in, const LaneRows& gates, const LaneRows& out, int first_group,
                    int end_group) = nullptr;
  void (*add_to_parts)(const LaneRows& in, const LaneRows& gates, float factor, const LaneRows& rows,
                       int first_group, int end_group) = nullptr;
  void (*score_parts)(const LaneRows& a, const LaneRows& b, const LaneRows& out, int first_group,
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
  DeltaKernels delta;
  // bfloat_weights: every weight of the model is kept as bfloat16.
  const ProductFamily& (*product)(Precision precision, bool bfloat_weights) = nullptr;
  // Best first: the first that supports the shape is used, and the last supports all.
  std::span<const AttentionFamily* const> (*attention)(Precision precision) = nullptr;
};

// What this machine must have: why_unsupported(tier) is empty.
const Kernels& kernels_of(CpuTier tier);

}  // namespace sizeup::cpu
