// Products on the GPU: against sums in float64, and bit for bit among themselves.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "backends/cuda/check.h"
#include "backends/cuda/device_memory.h"
#include "backends/cuda/float_product.h"
#include "backends/cuda/matrix_library.h"
#include "backends/cuda/probe.h"
#include "backends/cuda/tile_product.h"
#include "backends/engine/formats/bfloat16.h"
#include "tests/cuda/on_gpu.h"

namespace sizeup::cuda {
namespace {

constexpr std::array kRowCounts = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129, 200};

class CudaProduct : public OnGpu {};

// Random values in [rows][stride], zeros from `columns` on.
std::vector<float> random_rows(int rows, int columns, int stride, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(rows) * static_cast<size_t>(stride), 0.0F);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) values[static_cast<size_t>(r * stride + c)] = normal(random);
  }
  return values;
}

std::vector<uint16_t> rounded(std::vector<float>& values) {
  std::vector<uint16_t> bits;
  for (float& value : values) {
    bits.push_back(to_bfloat16(value));
    value = from_bfloat16(bits.back());
  }
  return bits;
}

struct Case {
  int outputs;
  int inputs;
};
constexpr std::array kCases = {Case{1, 5}, Case{50, 64}, Case{130, 100}, Case{4500, 192}};

// One problem with its float64 sums; products of its first rows go to `out`, which is poisoned before.
class Problem {
 public:
  Problem(const Case& size, int rows)
      : outputs(size.outputs),
        inputs(padded_inputs(size.inputs)),
        stride(padded_inputs(size.outputs)),
        in(random_rows(rows, size.inputs, inputs, 1)),
        weights(random_rows(outputs, size.inputs, inputs, 2)),
        bias(random_rows(1, outputs, outputs, 3)),
        before(random_rows(rows, outputs, stride, 4)) {}

  // The sum in float64, and what its float32 chain may be off: each input's rounding
  // is within a unit in the last place of a partial sum, none of which is larger than the magnitudes' sum,
  // and they add up as random steps do.
  struct Exact {
    double sum;
    double bound;
  };
  Exact exact(int row, int output, bool add) const {
    double sum = bias[static_cast<size_t>(output)];
    if (add) sum += static_cast<double>(before[static_cast<size_t>(row * stride + output)]);
    double magnitudes = std::abs(sum);
    for (int k = 0; k < inputs; ++k) {
      const double product = static_cast<double>(in[static_cast<size_t>(row * inputs + k)]) *
                             static_cast<double>(weights[static_cast<size_t>(output * inputs + k)]);
      sum += product;
      magnitudes += std::abs(product);
    }
    return {sum, magnitudes * 0x1p-23 * std::sqrt(static_cast<double>(inputs))};
  }

  void expect_near_exact(const std::vector<float>& found, int rows, bool add) const {
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < outputs; ++o) {
        const Exact expected = exact(r, o, add);
        ASSERT_NEAR(found[static_cast<size_t>(r * stride + o)], expected.sum, expected.bound)
            << r << ", " << o;
      }
    }
  }

  int outputs;
  int inputs;
  int stride;
  std::vector<float> in;
  std::vector<float> weights;
  std::vector<float> bias;
  std::vector<float> before;
};

std::vector<float> fetched(const DeviceMemory& memory) {
  std::vector<float> values(memory.bytes() / sizeof(float));
  check(cudaMemcpy(values.data(), memory.as(), memory.bytes(), cudaMemcpyDeviceToHost));
  return values;
}

// Every count of rows gives row r the same bits, stored or added, and they are near the exact sums.
template <class Multiply>
void expect_products(const Problem& problem, const Multiply& multiply) {
  const DeviceMemory bias = DeviceMemory::of<float>(problem.bias);
  const int most = kRowCounts.back();
  for (const bool add : {false, true}) {
    std::vector<float> all;
    for (int i = static_cast<int>(kRowCounts.size()) - 1; i >= 0; --i) {
      const int rows = kRowCounts[static_cast<size_t>(i)];
      const DeviceMemory out = DeviceMemory::of<float>(problem.before);
      multiply(rows, bias.as<float>(), out.as<float>(), add);
      const std::vector<float> found = fetched(out);
      if (rows == most) {
        all = found;
        problem.expect_near_exact(found, rows, add);
        continue;
      }
      const auto count = static_cast<size_t>(rows * problem.stride);
      ASSERT_EQ(std::memcmp(found.data(), all.data(), count * sizeof(float)), 0) << rows << " rows";
      ASSERT_EQ(std::memcmp(found.data() + count, problem.before.data() + count,
                            (problem.before.size() - count) * sizeof(float)),
                0)
          << "rows that are none of the product's are not written";
    }
  }
}

TEST_F(CudaProduct, OfBfloat16IsNearExactAndTheSameForAnyRows) {
  for (const Case& size : kCases) {
    SCOPED_TRACE(size.outputs);
    Problem problem(size, kRowCounts.back());
    const DeviceMemory weights = DeviceMemory::of<uint16_t>(rounded(problem.weights));
    const DeviceMemory in = DeviceMemory::of<uint16_t>(rounded(problem.in));
    expect_products(problem, [&](int rows, const float* bias, float* out, bool add) {
      multiply_tiles({.weights = weights.as<__nv_bfloat16>(),
                      .outputs = problem.outputs,
                      .inputs = problem.inputs,
                      .in = in.as<__nv_bfloat16>(),
                      .in_stride = problem.inputs,
                      .rows = rows,
                      .bias = bias,
                      .out = out,
                      .out_stride = problem.stride,
                      .add = add},
                     132, nullptr);
    });
  }
}

TEST_F(CudaProduct, OfFloat32IsNearExactAndTheSameForAnyRows) {
  for (const Case& size : kCases) {
    SCOPED_TRACE(size.outputs);
    const Problem problem(size, kRowCounts.back());
    const DeviceMemory weights = DeviceMemory::of<float>(problem.weights);
    const DeviceMemory in = DeviceMemory::of<float>(problem.in);
    expect_products(problem, [&](int rows, const float* bias, float* out, bool add) {
      multiply_floats({.weights = weights.as<float>(),
                       .outputs = problem.outputs,
                       .inputs = problem.inputs,
                       .in = in.as<float>(),
                       .in_stride = problem.inputs,
                       .rows = rows,
                       .bias = bias,
                       .out = out,
                       .out_stride = problem.stride,
                       .add = add},
                      nullptr);
    });
  }
}

// What the device takes for granted of each kernel that it chooses: the tiles' bits for any rows, on values
// whose sums depend on the order of adding.
TEST_F(CudaProduct, OfTheLibraryHasTheBitsOfTheTiles) {
  auto library = MatrixLibrary::open();
  if (!library) GTEST_SKIP() << library.error().message;
  constexpr int kOutputs = 2048;
  constexpr int kInputs = 2048;
  constexpr int kRows = 8192;
  const DeviceMemory weights(size_t{kOutputs} * kInputs * sizeof(uint16_t));
  const DeviceMemory in(size_t{kRows} * kInputs * sizeof(uint16_t));
  const DeviceMemory expected(size_t{kRows} * kOutputs * sizeof(float));
  const DeviceMemory out(size_t{kRows} * kOutputs * sizeof(float));
  const DeviceMemory different(sizeof(uint32_t));
  fill_for_probe(weights.as<__nv_bfloat16>(), size_t{kOutputs} * kInputs, 5, nullptr);
  fill_for_probe(in.as<__nv_bfloat16>(), size_t{kRows} * kInputs, 6, nullptr);
  TileProduct work{.weights = weights.as<__nv_bfloat16>(),
                   .outputs = kOutputs,
                   .inputs = kInputs,
                   .in = in.as<__nv_bfloat16>(),
                   .in_stride = kInputs,
                   .rows = kRows,
                   .bias = nullptr,
                   .out = expected.as<float>(),
                   .out_stride = kOutputs,
                   .add = false};
  multiply_tiles(work, 132, nullptr);
  int agreeing = 0;
  const auto kernels = (*library)->kernels(work);
  for (const LibraryKernel& kernel : kernels) {
    bool agrees = true;
    for (const int rows : {193, 1000, 4096, kRows}) {
      work.rows = rows;
      work.out = out.as<float>();
      if (!(*library)->can_multiply(kernel, work)) continue;
      (*library)->multiply(kernel, work, nullptr);
      agrees &= same_bits(expected.as<float>(), out.as<float>(), static_cast<size_t>(rows) * kOutputs,
                          different.as<uint32_t>(), nullptr);
    }
    agreeing += agrees;
    RecordProperty(kernel.description, agrees ? "same bits" : "other bits");
  }
  EXPECT_GT(agreeing, 0) << "of " << kernels.size();
}

}  // namespace
}  // namespace sizeup::cuda
