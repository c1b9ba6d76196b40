// The product against the plainest loop there is, bit for bit, for every instruction set of this machine.
#include "backends/reference/product.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

namespace sizeup {
namespace {

struct Case {
  std::vector<float> weights;  // [outputs][inputs]
  FloatBuffer in;
  Tensor tensor;
};

Case random_case(int rows, int inputs, int outputs) {
  std::mt19937 random(static_cast<uint32_t>(rows * 7919 + inputs * 31 + outputs));
  std::normal_distribution<float> normal;
  Case made;
  made.weights.resize(static_cast<size_t>(inputs) * static_cast<size_t>(outputs));
  for (float& weight : made.weights) weight = normal(random);
  made.in = FloatBuffer(padded_columns(inputs) * static_cast<size_t>(rows));
  for (size_t i = 0; i < made.in.size(); ++i) made.in.data()[i] = normal(random);  // padding too: never read
  made.tensor = {.name = "w",
                 .type = TensorType::f32,
                 .shape = {outputs, inputs},
                 .data = std::as_bytes(std::span(made.weights))};
  return made;
}

float plain_sum(const Case& one, int row, int output, int inputs) {
  float sum = 0.0F;
  for (int k = 0; k < inputs; ++k) {
    const float x = one.in.data()[static_cast<size_t>(row) * padded_columns(inputs) + static_cast<size_t>(k)];
    const volatile float product =
        x * one.weights[static_cast<size_t>(output) * static_cast<size_t>(inputs) + static_cast<size_t>(k)];
    sum += product;  // volatile: no compiler may fuse the two roundings into one
  }
  return sum;
}

TEST(Product, EveryKernelSumsFromTheFirstInputToTheLast) {
  int kernels = 0;
  for (const ProductKernel& kernel : product_kernels()) {
    if (!kernel.supported()) continue;
    ++kernels;
    for (const int rows : {1, 2, 3, 4, 11, 12, 13, 25}) {
      for (const int inputs : {1, 15, 64, 101}) {
        for (const int outputs : {1, 16, 33}) {
          const Case one = random_case(rows, inputs, outputs);
          const PackedMatrix packed(std::array{&one.tensor});
          FloatBuffer out(padded_columns(outputs) * static_cast<size_t>(rows));
          const RowsView in_view{const_cast<float*>(one.in.data()), padded_columns(inputs), rows};
          const RowsView out_view{out.data(), padded_columns(outputs), rows};
          for (int p = 0; p < packed.panels(); ++p) {
            kernel.multiply(in_view, packed.panel(p), inputs, out_view, p * kPanelOutputs);
          }
          for (int r = 0; r < rows; ++r) {
            for (int o = 0; o < outputs; ++o) {
              const float expected = plain_sum(one, r, o, inputs);
              ASSERT_EQ(std::memcmp(&out_view.row(r)[o], &expected, sizeof expected), 0)
                  << kernel.name << " " << rows << "x" << inputs << "x" << outputs << " at " << r << ", "
                  << o;
            }
          }
        }
      }
    }
  }
  EXPECT_GE(kernels, 1);
}

TEST(Product, IsTheSameOnAnyNumberOfThreads) {
  const int rows = 50;
  const int inputs = 70;
  const int outputs = 130;  // above the size that is computed in place
  const Case one = random_case(rows, inputs, outputs);
  const PackedMatrix packed(std::array{&one.tensor});
  const RowsView in_view{const_cast<float*>(one.in.data()), padded_columns(inputs), rows};
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    FloatBuffer out(padded_columns(outputs) * static_cast<size_t>(rows));
    const RowsView out_view{out.data(), padded_columns(outputs), rows};
    multiply(in_view, packed, out_view, pool);
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < outputs; ++o) ASSERT_EQ(out_view.row(r)[o], plain_sum(one, r, o, inputs));
    }
  }
}

TEST(PackedMatrix, GivesRowsBack) {
  const Case one = random_case(1, 37, 35);
  const PackedMatrix packed(std::array{&one.tensor});
  for (const int output : {0, 15, 16, 34}) {
    std::vector<float> row(37);
    packed.read_row(output, row.data());
    EXPECT_TRUE(std::equal(row.begin(), row.end(), one.weights.begin() + output * 37));
  }
}

}  // namespace
}  // namespace sizeup
