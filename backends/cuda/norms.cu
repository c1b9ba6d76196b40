#include "backends/cuda/norms.h"
#include "backends/cuda/row_sums.cuh"

namespace sizeup::cuda {
namespace {

template <class T>
struct Store {
  Rows<T> out;

  __device__ void operator()(int row, int column, const Four& four, int count) const {
    store_four(out.row(row) + column, four, count);
  }
};

struct AddTo {
  ValueRows out;

  __device__ void operator()(int row, int column, const Four& four, int count) const {
    float* at = out.row(row) + column;
    Four sum = load_four(at, count);
    for (int i = 0; i < 4; ++i) sum.value[i] = __fadd_rn(sum.value[i], four.value[i]);
    store_four(at, sum, count);
  }
};

// Of part `index % parts` of row `index / parts`; `write` may write where it reads, since a lane writes what
// it alone reads.
template <class Write>
struct NormPart {
  NormView norm;
  ConstValueRows in;
  int first_column;
  int parts;
  Write write;

  template <int kLanes>
  __device__ void operator()(int index) const {
    const int row = index / parts;
    const int first = first_column + index % parts * norm.columns;
    const float* values = in.row(row) + first;
    const float mean = norm.kind == NormKind::layer ? mean_of<kLanes>(values, norm.columns) : 0.0F;
    const float scale =
        norm.kind == NormKind::none
            ? 1.0F
            : 1.0F / sqrtf(__fadd_rn(mean_square_of<kLanes>(values, mean, norm.columns), norm.epsilon));
    each_four_of_lane<kLanes>(norm.columns, [&](int column, int count) {
      Four four = load_four(values + column, count);
      const Four weight = load_four(norm.weight + column, count);
      for (int i = 0; i < 4; ++i)
        four.value[i] = __fmul_rn(__fmul_rn(__fsub_rn(four.value[i], mean), scale), weight.value[i]);
      if (norm.bias != nullptr) {
        const Four bias = load_four(norm.bias + column, count);
        for (int i = 0; i < 4; ++i) four.value[i] = __fadd_rn(four.value[i], bias.value[i]);
      }
      write(row, first + column, four, count);
    });
  }
};

struct MatchMagnitude {
  ValueRows rows;
  ConstValueRows like;

  template <int kLanes>
  __device__ void operator()(int row) const {
    float* values = rows.row(row);
    const float own = mean_square_of<kLanes>(values, 0.0F, rows.columns);
    const float other = mean_square_of<kLanes>(like.row(row), 0.0F, rows.columns);
    const float factor = sqrtf(other) / sqrtf(fmaxf(own, kLeastMeanSquare));
    each_four_of_lane<kLanes>(rows.columns, [&](int column, int count) {
      Four four = load_four(values + column, count);
      for (float& value : four.value) value *= factor;
      store_four(values + column, four, count);
    });
  }
};

struct KeepAbove {
  ValueRows rows;
  int columns;
  float deviations;

  template <int kLanes>
  __device__ void operator()(int row) const {
    float* values = rows.row(row);
    const float mean = mean_of<kLanes>(values, columns);
    const float deviation = sqrtf(mean_square_of<kLanes>(values, mean, columns));
    const float cutoff = __fadd_rn(mean, __fmul_rn(deviations, deviation));
    each_four_of_lane<kLanes>(columns, [&](int column, int count) {
      Four four = load_four(values + column, count);
      for (float& value : four.value) value = fmaxf(__fsub_rn(value, cutoff), 0.0F);
      store_four(values + column, four, count);
    });
  }
};

}  // namespace

void norm(const ConstValueRows& in, const NormView& norm, const OperandRows& out, cudaStream_t stream) {
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    each_row(in.rows, norm.columns, stream, NormPart<Store<T>>{norm, in, 0, 1, {to}});
  });
}

void norm_add(const ConstValueRows& in, const NormView& norm, const ValueRows& rows, cudaStream_t stream) {
  each_row(in.rows, norm.columns, stream, NormPart<AddTo>{norm, in, 0, 1, {rows}});
}

void norm_parts(const ValueRows& rows, int first_column, int parts, const NormView& norm,
                cudaStream_t stream) {
  each_row(rows.rows * parts, norm.columns, stream,
           NormPart<Store<float>>{norm, rows, first_column, parts, {rows}});
}

void match_magnitude(const ValueRows& rows, const ConstValueRows& like, cudaStream_t stream) {
  each_row(rows.rows, rows.columns, stream, MatchMagnitude{rows, like});
}

void keep_above(const ValueRows& rows, int columns, float deviations, cudaStream_t stream) {
  each_row(rows.rows, columns, stream, KeepAbove{rows, columns, deviations});
}

}  // namespace sizeup::cuda
