#include "backends/cuda/activation_functions.h"
#include "backends/cuda/elements.h"
#include "backends/cuda/fours.cuh"

namespace sizeup::cuda {
namespace {

// Products and sums are rounded one after the other, as on the reference device: compilers may not fuse them.
__device__ float plus_product(float sum, float a, float b) {
  return __fadd_rn(sum, __fmul_rn(a, b));
}

struct Scale {
  ValueRows rows;
  float factor;

  __device__ void operator()(int row, int column, int count) const {
    float* at = rows.row(row) + column;
    Four four = load_four(at, count);
    for (float& value : four.value) value *= factor;
    store_four(at, four, count);
  }
};

struct Add {
  ConstValueRows in;
  float factor;
  ValueRows rows;

  __device__ void operator()(int row, int column, int count) const {
    float* at = rows.row(row) + column;
    const Four more = load_four(in.row(row) + column, count);
    Four four = load_four(at, count);
    for (int i = 0; i < 4; ++i) four.value[i] = plus_product(four.value[i], factor, more.value[i]);
    store_four(at, four, count);
  }
};

// So many terms pass through one kernel's parameters; more take several kernels, whose sums go on.
constexpr int kMostTerms = 8;

struct Combine {
  ConstValueRows base;
  ConstValueRows in[kMostTerms];
  int terms;
  ConstValueRows weights;
  int first_column;
  ValueRows out;

  __device__ void operator()(int row, int column, int count) const {
    Four four = load_four(base.row(row) + column, count);
    for (int t = 0; t < terms; ++t) {
      const float weight = weights.row(row)[first_column + t];
      const Four term = load_four(in[t].row(row) + column, count);
      for (int i = 0; i < 4; ++i) four.value[i] = plus_product(four.value[i], weight, term.value[i]);
    }
    store_four(out.row(row) + column, four, count);
  }
};

template <class T>
struct Activate {
  ConstValueRows in;
  Activation activation;
  Rows<T> out;

  __device__ void operator()(int row, int column, int count) const {
    Four four = load_four(in.row(row) + column, count);
    for (float& value : four.value) value = activated(activation, value);
    store_four(out.row(row) + column, four, count);
  }
};

template <class T>
struct Gate {
  ConstValueRows in;
  Activation activation;
  ConstValueRows factors;
  int first_column;
  Rows<T> out;

  __device__ void operator()(int row, int column, int count) const {
    Four four = load_four(in.row(row) + column, count);
    const Four up = load_four(factors.row(row) + first_column + column, count);
    for (int i = 0; i < 4; ++i) four.value[i] = activated_gate(activation, four.value[i], up.value[i]);
    store_four(out.row(row) + column, four, count);
  }
};

template <class T>
struct ApplyGate {
  ConstValueRows in;
  ConstValueRows gates;
  int first_column;
  Rows<T> out;

  __device__ void operator()(int row, int column, int count) const {
    Four four = load_four(in.row(row) + column, count);
    const Four by = load_four(gates.row(row) + first_column + column, count);
    for (int i = 0; i < 4; ++i) four.value[i] *= logistic(by.value[i]);
    store_four(out.row(row) + column, four, count);
  }
};

template <class T>
struct Convert {
  ConstValueRows in;
  Rows<T> out;

  __device__ void operator()(int row, int column, int count) const {
    const int there = max(0, min(count, in.columns - column));
    store_four(out.row(row) + column, load_four(in.row(row) + column, there), count);
  }
};

struct SelectRows {
  ConstValueRows in;
  const int32_t* chosen;
  ValueRows out;

  __device__ void operator()(int row, int column, int count) const {
    store_four(out.row(row) + column, load_four(in.row(chosen[row]) + column, count), count);
  }
};

}  // namespace

void clear(const ValueRows& rows, cudaStream_t stream) {
  if (rows.rows == 0) return;
  check(cudaMemset2DAsync(rows.data, static_cast<size_t>(rows.stride) * sizeof(float), 0,
                          static_cast<size_t>(rows.columns) * sizeof(float), static_cast<size_t>(rows.rows),
                          stream));
}

void scale(const ValueRows& rows, float factor, cudaStream_t stream) {
  each_four(rows.rows, rows.columns, stream, Scale{rows, factor});
}

void add(const ConstValueRows& in, float factor, const ValueRows& rows, cudaStream_t stream) {
  each_four(rows.rows, rows.columns, stream, Add{in, factor, rows});
}

void combine(const ConstValueRows& base, std::span<const ConstValueRows> in, const ConstValueRows& weights,
             int first_column, const ValueRows& out, cudaStream_t stream) {
  Combine body{base, {}, 0, weights, first_column, out};
  const auto launch = [&] {
    each_four(out.rows, out.columns, stream, body);
    body.base = out;
    body.first_column += body.terms;
    body.terms = 0;
  };
  for (const ConstValueRows& term : in) {
    body.in[body.terms++] = term;
    if (body.terms == kMostTerms) launch();
  }
  if (body.terms > 0 || in.empty()) launch();
}

void activate(const ConstValueRows& in, Activation activation, const OperandRows& out, cudaStream_t stream) {
  require(activation != Activation::clamped_swish, "this activation is of a gate and an up");
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    each_four(to.rows, to.columns, stream, Activate<T>{in, activation, to});
  });
}

void gate(const ConstValueRows& in, Activation activation, const ConstValueRows& factors, int first_column,
          const OperandRows& out, cudaStream_t stream) {
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    each_four(to.rows, to.columns, stream, Gate<T>{in, activation, factors, first_column, to});
  });
}

void apply_gate(const ConstValueRows& in, const ConstValueRows& gates, int first_column,
                const OperandRows& out, cudaStream_t stream) {
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    each_four(to.rows, to.columns, stream, ApplyGate<T>{in, gates, first_column, to});
  });
}

void convert(const ConstValueRows& in, const OperandRows& out, cudaStream_t stream) {
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    each_four(to.rows, to.columns, stream, Convert<T>{in, to});
  });
}

void select_rows(const ConstValueRows& in, const int32_t* chosen, const ValueRows& out, cudaStream_t stream) {
  each_four(out.rows, out.columns, stream, SelectRows{in, chosen, out});
}

}  // namespace sizeup::cuda
