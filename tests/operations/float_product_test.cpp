// The float products of every tier this machine has: bit for bit the plain chain of fused multiply-adds, at
// row counts around groups, blocks and the switch between few and many rows; and what becomes of the results.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "backends/cpu/head.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/pack.h"
#include "backends/cpu/tile_product.h"
#include "backends/engine/formats/bfloat16.h"
#include "tests/support/exact_activations.h"
#include "tests/support/operand_rows.h"
#include "tests/support/random_blocks.h"
#include "tests/support/vector_tiers.h"

namespace sizeup::cpu {
namespace {

struct TierProduct {
  CpuTier tier;
  const ProductFamily* family;
};

std::vector<TierProduct> tier_products() {
  std::vector<TierProduct> all;
  for (const CpuTierEntry& entry : vector_tiers())
    all.push_back({entry.tier, &kernels_of(entry.tier).product(Precision::float32, false)});
  return all;
}

constexpr Storage kFloats{};

constexpr std::array kRows{1, 2, 3, 5, 15, 16, 17, 31, 33, 64, 65, 81, 100};

class FloatProduct : public testing::TestWithParam<TierProduct> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam().tier)) GTEST_SKIP() << *reason;
  }
  const ProductFamily& family() const { return *GetParam().family; }
};

// All panels, split at `cut` as if two threads did it.
void multiply(const ProductFamily& family, const PackedLinear& linear, const Operand& in,
              const ProductResult& result, int cut) {
  HugeBuffer scratch(family.scratch_bytes(linear));
  family.multiply(linear, in, result, 0, cut, scratch.data());
  family.multiply(linear, in, result, cut, linear.panels(), scratch.data());
}

std::vector<float> random_floats(size_t count, uint32_t seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

Tensor tensor_of(const std::vector<float>& values, int rows) {
  Tensor tensor;
  tensor.type = TensorType::f32;
  tensor.shape = {rows, static_cast<int64_t>(values.size()) / rows};
  tensor.data = std::as_bytes(std::span(values));
  return tensor;
}

struct ValueRows {
  HugeBuffer buffer;
  LaneRows rows;
  ValueRows(int count, int columns)
      : buffer(sizeof(float) * kLanes * static_cast<size_t>(groups_of(count) * columns)) {
    rows = {.data = reinterpret_cast<float*>(buffer.data()), .rows = count, .columns = columns};
  }
  float& at(int row, int column) const { return rows.at(row / kLanes, column)[row % kLanes]; }
};

float chain(const float* weights, const float* x, int inputs) {
  float sum = 0.0F;
  for (int k = 0; k < inputs; ++k) sum = std::fma(weights[k], x[k], sum);
  return sum;
}

float rounded_to_bfloat(float value) {
  return from_bfloat16(to_bfloat16(value));
}

// [row][output] of the rows of x.
std::vector<float> chains_of(const RandomBlocks& weights, int outputs, const std::vector<float>& x,
                             int inputs, bool rounded) {
  const int rows = static_cast<int>(x.size()) / inputs;
  std::vector<float> chains(static_cast<size_t>(rows * outputs));
  for (int o = 0; o < outputs; ++o) {
    std::vector<float> row(weights.row(o), weights.row(o) + inputs);
    if (rounded) std::transform(row.begin(), row.end(), row.begin(), rounded_to_bfloat);
    for (int r = 0; r < rows; ++r) {
      chains[static_cast<size_t>(r * outputs + o)] =
          chain(row.data(), &x[static_cast<size_t>(r * inputs)], inputs);
    }
  }
  return chains;
}

// Rows around groups, passes and the switch between few and many; inputs below a step, a step, more than a
// pass or, for blocks, one block and several pieces.
void expect_chains(const ProductFamily& family, const BlockFormat& format, bool rounded) {
  ThreadPool pool(1);
  const std::vector<int> sizes = format.block_elements == 1    ? std::vector{7, 32, 300}
                                 : format.block_elements == 32 ? std::vector{32, 96, 288}
                                                               : std::vector{256, 512};
  for (const int inputs : sizes) {
    for (const int outputs : {1, 16, 45, 100}) {
      const RandomBlocks weights(format.type, outputs, inputs, 1);
      const LinearTensors layer{.weight = &weights.tensor()};
      const PackedLinear linear =
          pack_linear(std::span(&layer, 1), false, {format.type, rounded}, family, pool);
      const auto x = random_floats(static_cast<size_t>(kRows.back() * inputs), 2);
      const std::vector<float> chains = chains_of(weights, outputs, x, inputs, rounded);
      for (const int rows : kRows) {  // the first of them
        const OperandRows in(x.data(), rows, inputs);
        const ValueRows out(rows, outputs);
        ProductResult result;
        result.rows = out.rows;
        result.outputs = outputs;
        multiply(family, linear, in.operand, result, linear.panels() / 2);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < outputs; ++o) {
            const float expected = chains[static_cast<size_t>(r * outputs + o)];
            if (std::memcmp(&out.at(r, o), &expected, sizeof expected) == 0) continue;
            FAIL() << format.name << ", " << rows << " rows, " << inputs << " -> " << outputs << " at " << r
                   << ", " << o << ": " << out.at(r, o) << " instead of " << expected;
          }
        }
      }
    }
  }
}

TEST_P(FloatProduct, IsOneChainOfFusedProductsForAnyRowsAndFormat) {
  for (const BlockFormat& format : block_formats()) {
    SCOPED_TRACE(format.name);
    expect_chains(family(), format, false);
    if (format.block_elements > 1) expect_chains(family(), format, true);
  }
}

TEST_P(FloatProduct, StacksLayersAddsBiasesAndAddsToRows) {
  ThreadPool pool(2);
  const int inputs = 40;
  const std::array sizes{20, 5, 9};
  std::vector<std::vector<float>> weights;
  for (const int size : sizes)
    weights.push_back(random_floats(static_cast<size_t>(size * inputs), 3 + static_cast<uint32_t>(size)));
  const auto bias = random_floats(9, 7);
  const Tensor bias_tensor = tensor_of(bias, 1);
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < sizes.size(); ++i) tensors.push_back(tensor_of(weights[i], sizes[i]));
  const std::array layers{LinearTensors{.weight = &tensors[0]}, LinearTensors{.weight = &tensors[1]},
                          LinearTensors{.weight = &tensors[2], .bias = &bias_tensor}};
  const PackedLinear linear = pack_linear(layers, false, kFloats, family(), pool);
  for (const int rows : {1, 17, 70}) {
    const auto x = random_floats(static_cast<size_t>(rows * inputs), 5);
    const OperandRows in(x.data(), rows, inputs);
    const ValueRows out(rows, 34);
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < 34; ++o) out.at(r, o) = static_cast<float>(r) - static_cast<float>(o);
    }
    ProductResult result;
    result.kind = ProductResult::Kind::add;
    result.rows = out.rows;
    result.outputs = 34;
    multiply(family(), linear, in.operand, result, 1);
    for (int r = 0; r < rows; ++r) {
      int o = 0;
      for (size_t i = 0; i < sizes.size(); ++i) {
        for (int row = 0; row < sizes[i]; ++row, ++o) {
          float sum = chain(&weights[i][static_cast<size_t>(row * inputs)],
                            &x[static_cast<size_t>(r * inputs)], inputs);
          if (i == 2) sum += bias[static_cast<size_t>(row)];
          ASSERT_EQ(out.at(r, o), (static_cast<float>(r) - static_cast<float>(o)) + sum)
              << rows << ": " << r << ", " << o;
        }
      }
    }
  }
}

TEST_P(FloatProduct, GatesPairs) {
  ThreadPool pool(1);
  const int inputs = 33;
  for (const int width : {1, 8, 21, 40}) {
    const auto gate = random_floats(static_cast<size_t>(width * inputs), 11);
    const auto up = random_floats(static_cast<size_t>(width * inputs), 12);
    const auto bias = random_floats(static_cast<size_t>(width), 13);
    const Tensor gate_tensor = tensor_of(gate, width);
    const Tensor up_tensor = tensor_of(up, width);
    const Tensor bias_tensor = tensor_of(bias, 1);
    const std::array layers{LinearTensors{.weight = &gate_tensor, .bias = &bias_tensor},
                            LinearTensors{.weight = &up_tensor}};
    const PackedLinear linear = pack_linear(layers, true, kFloats, family(), pool);
    for (const int rows : {1, 3, 16, 17, 33, 80}) {
      const auto x = random_floats(static_cast<size_t>(rows * inputs), 14, 0.5F);
      const OperandRows in(x.data(), rows, inputs);
      OperandRows out(std::vector<float>(static_cast<size_t>(rows * width)).data(), rows, width);
      for (const Activation activation : kAllActivations) {
        ProductResult result;
        result.kind = ProductResult::Kind::gate;
        result.activation = activation;
        result.operand = out.operand;
        result.outputs = width;
        multiply(family(), linear, in.operand, result, linear.panels() / 2);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < out.operand.columns; ++o) {
            ExactActivation exact;
            if (o < width) {
              const float* row = &x[static_cast<size_t>(r * inputs)];
              const float* both[] = {&gate[static_cast<size_t>(o * inputs)],
                                     &up[static_cast<size_t>(o * inputs)]};
              exact = exact_activation(activation, chain(both[0], row, inputs) + bias[static_cast<size_t>(o)],
                                       chain(both[1], row, inputs));
            }
            ASSERT_NEAR(out.operand.floats_at(r / kLanes, o)[r % kLanes], exact.value, exact.bound)
                << width << " wide, " << rows << " rows: " << r << ", " << o;
          }
        }
      }
    }
  }
}

TEST_P(FloatProduct, ActivatesInThePass) {
  ThreadPool pool(1);
  const int inputs = 40;
  for (const int width : {3, 16, 33, 75}) {
    const auto weights = random_floats(static_cast<size_t>(width * inputs), 11);
    const auto bias = random_floats(static_cast<size_t>(width), 13);
    const Tensor weight = tensor_of(weights, width);
    const Tensor bias_tensor = tensor_of(bias, 1);
    const LinearTensors layer{.weight = &weight, .bias = &bias_tensor};
    const PackedLinear linear = pack_linear(std::span(&layer, 1), false, kFloats, family(), pool);
    for (const int rows : {1, 5, 17, 70}) {
      const auto x = random_floats(static_cast<size_t>(rows * inputs), 14, 0.5F);
      const OperandRows in(x.data(), rows, inputs);
      OperandRows out(std::vector<float>(static_cast<size_t>(rows * width), -1.0F).data(), rows, width);
      for (const Activation activation :
           {Activation::silu, Activation::gelu, Activation::gelu_tanh, Activation::tanh}) {
        ProductResult result;
        result.kind = ProductResult::Kind::activate;
        result.activation = activation;
        result.operand = out.operand;
        result.outputs = width;
        multiply(family(), linear, in.operand, result, linear.panels() / 2);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < out.operand.columns; ++o) {
            ExactActivation exact;
            if (o < width) {
              const float sum = chain(&weights[static_cast<size_t>(o * inputs)],
                                      &x[static_cast<size_t>(r * inputs)], inputs);
              exact = exact_activation(activation, sum + bias[static_cast<size_t>(o)], 1.0);
            }
            ASSERT_NEAR(out.operand.floats_at(r / kLanes, o)[r % kLanes], exact.value, exact.bound)
                << width << " wide, " << rows << " rows: " << r << ", " << o;
          }
        }
      }
    }
  }
}

// Log-probabilities against float64, in one chunk and in several; equal logits prefer the lowest token.
TEST_P(FloatProduct, FoldsTheHead) {
  ThreadPool pool(1);
  const int inputs = 32;
  for (const int vocabulary : {5, 1024, 2500}) {
    auto weights = random_floats(static_cast<size_t>(vocabulary * inputs), 21, 0.7F);
    // Two equal rows, the greatest for inputs like themselves.
    for (int k = 0; k < inputs; ++k) {
      weights[static_cast<size_t>(3 * inputs + k)] = 2.0F;
      weights[static_cast<size_t>((vocabulary - 1) * inputs + k)] = 2.0F;
    }
    const Tensor weight = tensor_of(weights, vocabulary);
    const auto bias = random_floats(static_cast<size_t>(vocabulary), 23, 0.5F);
    const Tensor bias_tensor = tensor_of(bias, 1);
    const bool plain = vocabulary != 1024;  // or with a bias and a cap
    const float cap = plain ? 0.0F : 6.0F;
    const LinearTensors layer{.weight = &weight, .bias = plain ? nullptr : &bias_tensor};
    const PackedLinear linear = pack_linear(std::span(&layer, 1), false, kFloats, family(), pool);
    for (const int rows : {1, 18, 70}) {
      auto x = random_floats(static_cast<size_t>(rows * inputs), 22);
      for (int k = 0; k < inputs; ++k) x[static_cast<size_t>(k)] = 1.0F;
      Step step;
      for (int r = 0; r < rows; ++r) {
        step.wanted.push_back({.row = r,
                               .target_begin = static_cast<int32_t>(step.targets.size()),
                               .target_count = r % 3,
                               .top_count = r % 4 == 2 ? std::min(vocabulary, 1 + r) : 0,
                               .distribution = r % 5 == 1 || r == rows - 1});
        for (int t = 0; t < r % 3; ++t) step.targets.push_back((r * 977 + t * 1023) % vocabulary);
      }
      const OperandRows in(x.data(), rows, inputs);
      StepResult found;
      Head head(step, vocabulary, cap, found);
      HugeBuffer scratch(family().scratch_bytes(linear));
      for (int chunk = head.chunks() - 1; chunk >= 0; --chunk) {
        ProductResult result;
        result.kind = ProductResult::Kind::head;
        result.head = head.chunk(chunk);
        result.outputs = vocabulary;
        const int first = chunk * kChunkOutputs / linear.panel_outputs;
        const int end = std::min(first + kChunkOutputs / linear.panel_outputs, linear.panels());
        family().multiply(linear, in.operand, result, first, end, scratch.data());
      }
      head.finish(found);
      if (plain) {
        EXPECT_EQ(found.best[0], 3);
      }
      size_t place = 0;
      size_t top_place = 0;
      for (int r = 0; r < rows; ++r) {
        std::vector<double> logits;
        for (int o = 0; o < vocabulary; ++o) {
          logits.push_back(
              chain(&weights[static_cast<size_t>(o * inputs)], &x[static_cast<size_t>(r * inputs)], inputs));
          if (plain) continue;
          logits.back() = cap * std::tanh((logits.back() + bias[static_cast<size_t>(o)]) / cap);
        }
        const auto best = std::max_element(logits.begin(), logits.end());
        double sum = 0.0;
        for (const double logit : logits) sum += std::exp(logit - *best);
        const auto expected = [&](int token) {
          return logits[static_cast<size_t>(token)] - *best - std::log(sum);
        };
        const auto index = static_cast<size_t>(r);
        // Sums of a thousand exponentials in float32, and logits of a few tens.
        const double bound = 1e-5;
        EXPECT_NEAR(logits[static_cast<size_t>(found.best[index])], *best, bound);
        if (plain) {
          EXPECT_EQ(found.best[index], best - logits.begin());
        }
        EXPECT_NEAR(found.best_logprobs[index], expected(found.best[index]), bound);
        for (int t = 0; t < step.wanted[index].target_count; ++t) {
          const auto target = static_cast<size_t>(step.wanted[index].target_begin + t);
          EXPECT_NEAR(found.target_logprobs[target], expected(step.targets[target]), bound) << r << ", " << t;
        }
        std::vector<int> order(logits.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
          return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
        });
        for (int t = 0; t < step.wanted[index].top_count; ++t) {
          const TopToken top = found.top[top_place++];
          if (plain) {
            ASSERT_EQ(top.token, order[static_cast<size_t>(t)]) << r << ", " << t;
          }
          ASSERT_NEAR(top.logprob, expected(top.token), bound);
        }
        if (!step.wanted[index].distribution) continue;
        for (int o = 0; o < vocabulary; ++o)
          ASSERT_NEAR(found.distributions[place++], expected(o), bound) << r << ", " << o;
      }
      EXPECT_EQ(place, found.distributions.size());
      EXPECT_EQ(top_place, found.top.size());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tiers, FloatProduct, testing::ValuesIn(tier_products()), [](const auto& instance) {
  return std::string(cpu_tier_name(instance.param.tier));
});

// As far as packing asks.
ProductFamily family_of(WeightLayout layout) {
  ProductFamily family = *tier_products().front().family;
  family.layout = layout;
  family.panel_outputs = kTilePanelOutputs;
  return family;
}

TEST(PackedLinear, GivesOutputsBackInEveryLayout) {
  ThreadPool pool(2);
  const int outputs = 70;
  for (const BlockFormat& format : block_formats()) {
    const int inputs = format.block_elements == 1 ? 45 : 2 * format.block_elements;
    const RandomBlocks weights(format.type, outputs, inputs, 31);
    const LinearTensors layer{.weight = &weights.tensor()};
    for (const WeightLayout layout : {WeightLayout::columns, WeightLayout::tiles}) {
      for (const bool rounded : {false, true}) {
        const PackedLinear linear =
            pack_linear(std::span(&layer, 1), false, {format.type, rounded}, family_of(layout), pool);
        for (const int output : {0, 15, 16, 31, 32, 69}) {
          std::vector<float> row(static_cast<size_t>(inputs));
          read_output(linear, output, row.data());
          std::vector<float> expected(weights.row(output), weights.row(output) + inputs);
          if (rounded || layout == WeightLayout::tiles)
            std::transform(expected.begin(), expected.end(), expected.begin(), rounded_to_bfloat);
          EXPECT_EQ(row, expected) << format.name << ", " << output;
        }
      }
    }
  }
}

TEST(PackedLinear, IsNoLargerThanTheFileInEveryLayout) {
  ThreadPool pool(1);
  for (const BlockFormat& format : block_formats()) {
    const RandomBlocks weights(format.type, 32, 512, 5);
    const LinearTensors layer{.weight = &weights.tensor()};
    for (const WeightLayout layout : {WeightLayout::columns, WeightLayout::tiles}) {
      const PackedLinear linear =
          pack_linear(std::span(&layer, 1), false, {format.type, false}, family_of(layout), pool);
      EXPECT_LE(static_cast<size_t>(linear.panels()) * linear.panel_bytes, weights.tensor().data.size())
          << format.name;
    }
  }
}

}  // namespace
}  // namespace sizeup::cpu
