#include "backends/cuda/mixture.h"

#include <algorithm>

#include "backends/cuda/elements.h"
#include "backends/cuda/fours.cuh"
#include "backends/cuda/scratch_parts.h"

namespace sizeup::cuda {
namespace {

struct Room {
  ValueRows outputs;  // of the router
  int32_t* experts;
  float* weights;
  SortedUses sorted;
  OperandRows in;
  ValueRows both;     // [slot]: gate and up
  OperandRows gated;  // [slot]
  ValueRows results;  // [slot]
  ValueRows shared;   // [row]: the shared expert's result

  Room(const MixtureView& mixture, int rows, ScratchParts& parts) {
    const RouterView& choice = mixture.choice;
    const int uses = rows * choice.used;
    const int both_columns = std::max(mixture.experts.gate_up.outputs, mixture.shared.gate_up.outputs);
    const int gated_columns = std::max(mixture.experts.down.inputs, mixture.shared.down.inputs);
    outputs = parts.values(rows, mixture.router.outputs);
    experts = parts.take<int32_t>(uses);
    weights = parts.take<float>(static_cast<int64_t>(rows) * choice.parts());
    sorted = {.counts = parts.take<int32_t>(choice.count),
              .begin = parts.take<int32_t>(choice.count + 1),
              .tile_begin = parts.take<int32_t>(choice.count + 1),
              .rows = parts.take<int32_t>(uses),
              .slots = parts.take<int32_t>(uses)};
    if (mixture.precision == Precision::bfloat16)
      in = parts.operand(rows, mixture.experts.gate_up.inputs, mixture.precision);
    both = parts.values(uses, both_columns);
    gated = parts.operand(uses, gated_columns, mixture.precision);
    results = parts.values(uses, mixture.experts.down.outputs);
    if (choice.shared) shared = parts.values(rows, mixture.shared.down.outputs);
  }
};

int tile_rows(const MixtureView& mixture, int slots, int groups) {
  return mixture.precision == Precision::bfloat16 ? packed_tile_rows(slots, groups) : kDotRows;
}

void multiply(const GroupedWeights& weights, const OperandRows& in, const RowGroups& groups,
              const ValueRows& out, cudaStream_t stream) {
  if (in.precision == Precision::bfloat16) return multiply_packed(weights, in, groups, out, stream);
  multiply_floats(weights, {static_cast<const float*>(in.data), in.stride, in.rows, in.columns}, groups, out,
                  stream);
}

// results of slots. The weights' inputs may be padded beyond the values that a gate gives: with zeros.
void feed_forward(const ExpertWeights& weights, const OperandRows& in, const RowGroups& groups,
                  Activation activation, const Room& room, ValueRows results, cudaStream_t stream) {
  const int width = weights.gate_up.outputs / 2;
  ValueRows both = room.both;
  both.rows = groups.slots;
  both.columns = 2 * width;
  OperandRows gated = room.gated;
  gated.rows = groups.slots;
  gated.columns = width;
  multiply(weights.gate_up, in, groups, both, stream);
  gate(both, activation, both, width, gated, stream);
  if (weights.down.inputs > width) {
    const size_t size = gated.precision == Precision::float32 ? sizeof(float) : sizeof(__nv_bfloat16);
    check(cudaMemset2DAsync(static_cast<std::byte*>(gated.data) + static_cast<size_t>(width) * size,
                            static_cast<size_t>(gated.stride) * size, 0,
                            static_cast<size_t>(weights.down.inputs - width) * size,
                            static_cast<size_t>(gated.rows), stream));
  }
  results.rows = groups.slots;
  RowGroups own = groups;
  own.rows = nullptr;  // slots lie side by side now
  multiply(weights.down, gated, own, results, stream);
}

// A row's experts in the order of their choice, then the shared one; the sum is added to the row.
struct AddExperts {
  ConstValueRows results;
  const int32_t* slots;
  int used;
  ConstValueRows shared;
  const float* weights;
  int parts;
  ValueRows rows;

  __device__ void operator()(int row, int column, int count) const {
    Four sum;
    for (int part = 0; part < parts; ++part) {
      const float weight = weights[static_cast<int64_t>(row) * parts + part];
      const float* result =
          part < used ? results.row(slots[static_cast<int64_t>(row) * used + part]) : shared.row(row);
      const Four four = load_four(result + column, count);
      for (int i = 0; i < 4; ++i) sum.value[i] = __fadd_rn(sum.value[i], __fmul_rn(weight, four.value[i]));
    }
    float* at = rows.row(row) + column;
    Four total = load_four(at, count);
    for (int i = 0; i < 4; ++i) total.value[i] = __fadd_rn(total.value[i], sum.value[i]);
    store_four(at, total, count);
  }
};

template <class T>
Rows<T> some_rows(const Rows<T>& rows, int first, int count) {
  return {rows.row(first), rows.stride, count, rows.columns};
}

void add_part(const MixtureView& mixture, const ConstValueRows& router_in, const ConstValueRows& in,
              Activation activation, const ValueRows& rows, std::byte* scratch, cudaStream_t stream) {
  ScratchParts parts(scratch);
  const Room room(mixture, rows.rows, parts);
  const RouterView& choice = mixture.choice;
  const int uses = rows.rows * choice.used;
  multiply_floats(mixture.router, router_in, {.slots = rows.rows}, room.outputs, stream);
  choose_experts(choice, room.outputs, room.experts, room.weights, stream);
  sort_by_expert(room.experts, rows.rows, choice.used, choice.count, tile_rows(mixture, uses, choice.count),
                 room.sorted, stream);
  OperandRows operand{const_cast<float*>(in.data), in.stride, in.rows, in.columns, Precision::float32};
  if (mixture.precision == Precision::bfloat16) {
    convert(in, room.in, stream);
    operand = room.in;
  }
  const RowGroups groups{.begin = room.sorted.begin,
                         .tile_begin = room.sorted.tile_begin,
                         .rows = room.sorted.rows,
                         .groups = choice.count,
                         .slots = uses};
  feed_forward(mixture.experts, operand, groups, activation, room, room.results, stream);
  if (choice.shared) {
    feed_forward(mixture.shared, operand, {.slots = rows.rows}, activation, room, room.shared, stream);
  }
  each_four(rows.rows, rows.columns, stream,
            AddExperts{room.results, room.sorted.slots, choice.used, room.shared, room.weights,
                       choice.parts(), rows});
}

}  // namespace

size_t mixture_scratch_bytes(const MixtureView& mixture, int rows) {
  ScratchParts parts(nullptr);
  const Room room(mixture, std::min(rows, kMixtureRows), parts);
  return parts.used();
}

void mixture_add(const MixtureView& mixture, const ConstValueRows& router_in, const ConstValueRows& in,
                 Activation activation, const ValueRows& rows, std::byte* scratch, cudaStream_t stream) {
  for (int first = 0; first < rows.rows; first += kMixtureRows) {
    const int count = std::min(kMixtureRows, rows.rows - first);
    add_part(mixture, some_rows(router_in, first, count), some_rows(in, first, count), activation,
             some_rows(rows, first, count), scratch, stream);
  }
}

}  // namespace sizeup::cuda
