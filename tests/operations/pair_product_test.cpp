// Products of bfloat16 pairs whose instructions round in a way of their own: against float64 within a bound
// of such sums, and a row's bits among others against those of the row alone.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/pack.h"
#include "backends/engine/formats/bfloat16.h"
#include "core/memory/huge_buffer.h"
#include "core/threads/thread_pool.h"
#include "tests/support/operand_rows.h"

namespace sizeup::cpu {
namespace {

std::vector<CpuTierEntry> pair_tiers() {
  std::vector<CpuTierEntry> tiers;
  for (const CpuTierEntry& entry : cpu_tiers()) {
    if (kernels_of(entry.tier).product(Precision::bfloat16, true).operand == OperandFormat::pairs)
      tiers.push_back(entry);
  }
  return tiers;
}

class PairProduct : public testing::TestWithParam<CpuTierEntry> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam().tier)) GTEST_SKIP() << *reason;
  }
  static const ProductFamily& family() {
    return kernels_of(GetParam().tier).product(Precision::bfloat16, true);
  }
};

std::vector<float> random_bfloats(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = from_bfloat16(to_bfloat16(normal(random)));
  return values;
}

// [row][output], panels split as if two threads did it.
std::vector<float> product(const ProductFamily& family, const PackedLinear& linear, const float* x,
                           int rows) {
  const OperandRows in(x, rows, linear.inputs, OperandFormat::pairs);
  HugeBuffer sums(sizeof(float) * kLanes * static_cast<size_t>(groups_of(rows) * linear.outputs));
  ProductResult result;
  result.rows = {.data = reinterpret_cast<float*>(sums.data()), .rows = rows, .columns = linear.outputs};
  result.outputs = linear.outputs;
  HugeBuffer scratch(family.scratch_bytes(linear));
  const int cut = linear.panels() / 2;
  family.multiply(linear, in.operand, result, 0, cut, scratch.data());
  family.multiply(linear, in.operand, result, cut, linear.panels(), scratch.data());
  std::vector<float> found;
  for (int r = 0; r < rows; ++r) {
    for (int o = 0; o < linear.outputs; ++o) found.push_back(result.rows.at(r / kLanes, o)[r % kLanes]);
  }
  return found;
}

// Inputs below a step, a step, and more than one pass and two; rows around quads, groups and pairs of groups.
TEST_P(PairProduct, IsNearFloat64AndTheSameForARowAlone) {
  constexpr std::array kPairRows{1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 33, 40};
  ThreadPool pool(1);
  for (const int inputs : {7, 32, 40, 530, 1100}) {
    for (const int outputs : {1, 16, 45, 100}) {
      const std::vector<float> weights = random_bfloats(outputs * inputs, 1);
      const std::vector<float> x = random_bfloats(kPairRows.back() * inputs, 2);
      Tensor tensor;
      tensor.type = TensorType::f32;
      tensor.shape = {outputs, inputs};
      tensor.data = std::as_bytes(std::span(weights));
      const LinearTensors layer{.weight = &tensor};
      const PackedLinear linear =
          pack_linear(std::span(&layer, 1), false, {TensorType::bf16, false}, family(), pool);
      std::vector<std::vector<float>> alone;
      for (int r = 0; r < kPairRows.back(); ++r)
        alone.push_back(product(family(), linear, x.data() + r * inputs, 1));
      for (int r = 0; r < kPairRows.back(); ++r) {
        for (int o = 0; o < outputs; ++o) {
          double exact = 0.0;
          double sizes = 0.0;
          for (int k = 0; k < inputs; ++k) {
            const double term = double{weights[static_cast<size_t>(o * inputs + k)]} *
                                double{x[static_cast<size_t>(r * inputs + k)]};
            exact += term;
            sizes += std::abs(term);
          }
          // Each addition may round to the float next but one.
          const double bound = 0x1p-23 * inputs * sizes;
          ASSERT_NEAR(alone[static_cast<size_t>(r)][static_cast<size_t>(o)], exact, bound)
              << inputs << " inputs, row " << r << ", output " << o;
        }
      }
      for (const int rows : kPairRows) {
        const std::vector<float> together = product(family(), linear, x.data(), rows);
        for (int r = 0; r < rows; ++r) {
          ASSERT_EQ(
              std::memcmp(&together[static_cast<size_t>(r * outputs)], alone[static_cast<size_t>(r)].data(),
                          sizeof(float) * static_cast<size_t>(outputs)),
              0)
              << rows << " rows, " << inputs << " inputs, row " << r;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tiers, PairProduct, testing::ValuesIn(pair_tiers()),
                         [](const auto& tier) { return std::string(tier.param.name); });

}  // namespace
}  // namespace sizeup::cpu
