// y = W x on the CPU device: packed weights, one product for any number of rows, and what becomes of the
// result while it is still in the cache.
//
// Arithmetic of one value, whatever the rows, threads and blocking: one sum over the inputs in ascending
// order.
//   float family: fused multiply-adds of float32, one input after the other
//   tile family:  one tile product (32 inputs, TDPBF16PS) after the other; split operands add the product
//   with
//                 the high part, then the middle, then the low one, before the next 32 inputs
//   bfloat family: one BFMMLA (4 inputs) after the other
// A sum may leave its register and come back as float32, which is exact: blocking changes no bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "backends/cpu/lanes.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/block_formats.h"
#include "core/memory/huge_buffer.h"

namespace sizeup::cpu {

// How the weights of a panel lie.
enum class WeightLayout : uint8_t {
  columns,  // blocks, field by field, with codes in columns: packed_fields.h
  tiles,    // blocks with codes in rows, two times sixteen outputs; or bfloat16, which are left tile operands
            // as they stand: [step][2 tiles][16 outputs][kStepColumns inputs]
};

// Packed weights are a sequence of panels, each the weights of `panel_outputs` outputs (a constant of the
// product family) for all inputs; outputs and inputs beyond the last are zero.
// Of a gated layer the first half of each panel are gates, the second half the ups of the same outputs.
struct PackedLinear {
  TensorType type = TensorType::f32;
  bool rounded = false;  // a weight is what its block gives, rounded to bfloat16
  WeightLayout layout = WeightLayout::columns;
  int inputs = 0;
  int outputs = 0;  // of a gated layer: gates and ups together
  int panel_outputs = 0;
  int padded_inputs = 0;  // a multiple of kStepColumns and of the type's blocks
  size_t panel_bytes = 0;
  std::vector<float> bias;  // in the order of the panels; empty: none
  HugeBuffer weights;

  // Whether panels hold left tile operands as they stand rather than blocks.
  bool holds_tiles() const { return layout == WeightLayout::tiles && type == TensorType::bf16; }
  int panels() const { return (outputs + panel_outputs - 1) / panel_outputs; }
  const std::byte* panel(int index) const {
    return weights.data() + static_cast<size_t>(index) * panel_bytes;
  }
};

// A target token of a wanted row.
struct HeadTarget {
  int32_t output = 0;
  int32_t lane = 0;
  int32_t result = 0;  // index into HeadChunk::target_logits
};

// The most probable tokens of a row so far, best first.
struct TopLogits {
  float* logits = nullptr;     // [count]
  int32_t* outputs = nullptr;  // [count]
  int32_t count = 0;           // kept at most; 0: none are wanted
};

// log-softmax over a fixed range of outputs, folded panel by panel while the product makes them. One chunk is
// computed by one thread; all pointers are the chunk's own, except where the work says "all chunks".
struct HeadWork {
  float cap = 0.0F;  // logits become cap tanh(logit / cap); 0: they do not
  // [group][kLanes]: greatest logit, its output (the lowest among equals), sum of exp(logit - greatest)
  float* greatest = nullptr;
  int32_t* best = nullptr;
  float* sum = nullptr;
  // Targets of each group, sorted by output; all chunks write their own ones.
  std::span<const int32_t> target_begin = {};  // [groups + 1]
  std::span<const HeadTarget> targets = {};
  float* target_logits = nullptr;
  // Rows that want their most probable tokens: [group][kLanes], empty if there are none. A logit gets in if
  // it is greater than the row's least, which is infinite for rows that want none.
  std::span<const TopLogits> top = {};
  float* top_least = nullptr;
  // Rows that want all logits: for each lane of each group its place in `logits`, or -1; empty if there are
  // none.
  std::span<const int64_t> logits_place = {};
  float* logits = nullptr;
};

// What becomes of a product.
struct ProductResult {
  enum class Kind : uint8_t {
    store,     // rows = result
    add,       // rows += result
    activate,  // operand = activation(result)
    gate,      // operand = activation(gate) * up
    head,      // folded into head
  };
  Kind kind = Kind::store;
  Activation activation = Activation::silu;
  LaneRows rows;    // store, add
  Operand operand;  // activate, gate
  HeadWork head;    // head
  int outputs = 0;  // results beyond this one are padding
};

// A way to multiply; one for each tier and operand format.
struct ProductFamily {
  std::string_view name;                          // "avx512 float32"
  OperandFormat operand = OperandFormat::floats;  // what it reads
  WeightLayout layout = WeightLayout::columns;
  int panel_outputs = 0;
  // Panels [first, end) of the weights times all rows; `scratch` is the thread's own, 64-byte aligned.
  void (*multiply)(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                   int first_panel, int end_panel, std::byte* scratch) = nullptr;
  // Bytes of scratch that multiply needs for these weights and any number of rows.
  size_t (*scratch_bytes)(const PackedLinear& weights) = nullptr;
};

}  // namespace sizeup::cpu
