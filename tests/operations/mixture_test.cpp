// Mixtures of experts on every tier this machine has (and on emulated tiles) against the reference device's
// loops, and the bits of a row against those of the row alone.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

#include "backends/cpu/mixture.h"
#include "backends/cpu/tier.h"
#include "backends/reference/mixture.h"
#include "tests/operations/emulated_amx.h"
#include "tests/support/mixture_variants.h"
#include "tests/support/random_decoder.h"

namespace sizeup::cpu {
namespace {

constexpr int kWidth = 40;  // no multiple of a step

struct Computer {
  std::string name;
  CpuTier tier;  // that the machine must have
  std::function<const Kernels&()> kernels;
  Precision precision;
  TensorType weights;
};

std::vector<Computer> computers() {
  std::vector<Computer> all;
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    const std::string suffix = "_" + std::string(precision_name(precision));
    for (const CpuTierEntry& entry : cpu_tiers()) {
      const bool rounds = kernels_of(entry.tier).fast_precision == Precision::bfloat16;
      all.push_back({std::string(entry.name) + suffix, entry.tier,
                     [tier = entry.tier]() -> const Kernels& { return kernels_of(tier); }, precision,
                     rounds ? TensorType::bf16 : TensorType::f32});
    }
    all.push_back({"emulated" + suffix, CpuTier::avx2, emulated_amx, precision, TensorType::bf16});
  }
  return all;
}

using Rows = std::vector<std::vector<float>>;

Rows random_rows(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Rows rows(static_cast<size_t>(count), std::vector<float>(kWidth));
  for (auto& row : rows) {
    for (float& value : row) value = normal(random);
  }
  return rows;
}

Rows reference_sums(const ExpertSpec& spec, const MixtureTensors& tensors, const Rows& in) {
  const size_t stride = padded_columns(kWidth);
  const int count = static_cast<int>(in.size());
  FloatBuffer inputs(stride * in.size());
  FloatBuffer sums(stride * in.size());
  const RowsView from{inputs.data(), stride, count};
  const RowsView to{sums.data(), stride, count};
  for (int r = 0; r < count; ++r) std::copy_n(in[static_cast<size_t>(r)].data(), kWidth, from.row(r));
  ThreadPool pool(1);
  sizeup::Mixture(spec, tensors).add(from, from, Activation::silu, to, pool);
  Rows out;
  for (int r = 0; r < count; ++r) out.emplace_back(to.row(r), to.row(r) + kWidth);
  return out;
}

class MixtureOnTiers : public testing::TestWithParam<Computer> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam().tier)) GTEST_SKIP() << *reason;
  }

  bool exact() const { return GetParam().precision == Precision::float32; }

  Rows sums(const ExpertSpec& spec, const MixtureTensors& tensors, const Rows& in, int threads = 2) const {
    const Kernels& kernels = GetParam().kernels();
    const bool bfloat = GetParam().weights == TensorType::bf16;
    const ProductFamily& family = kernels.product(GetParam().precision, bfloat);
    const ProductFamily& router_family = kernels.product(Precision::float32, false);
    const bool rounds = !exact() && family.operand == OperandFormat::floats;
    Workers workers(threads);
    const PackedMixture mixture =
        pack_mixture(spec, tensors, GetParam().precision, family, router_family, workers.pool());
    Mixtures mixtures(kernels.rows, family, router_family,
                      rounds ? OperandFormat::rounded_floats : family.operand, workers);
    workers.reserve_scratch(mixtures.scratch_bytes(mixture));
    const int count = static_cast<int>(in.size());
    HugeBuffer operand_bytes;
    HugeBuffer out_bytes(sizeof(float) * kLanes * kWidth * static_cast<size_t>(groups_of(count)));
    const LaneRows out{.data = reinterpret_cast<float*>(out_bytes.data()), .rows = count, .columns = kWidth};
    const Operand from = operand_of(in, operand_bytes);
    mixtures.add(mixture, from, from, Activation::silu, out);
    Rows found(in.size(), std::vector<float>(kWidth));
    for (int r = 0; r < count; ++r) {
      for (int c = 0; c < kWidth; ++c)
        found[static_cast<size_t>(r)][static_cast<size_t>(c)] = out.at(r / kLanes, c)[r % kLanes];
    }
    return found;
  }

  // Padding lanes are NaN: nobody may look at them.
  static Operand operand_of(const Rows& in, HugeBuffer& bytes) {
    Operand operand{.data = nullptr,
                    .format = OperandFormat::floats,
                    .rows = static_cast<int>(in.size()),
                    .columns = (kWidth + kStepColumns - 1) / kStepColumns * kStepColumns};
    bytes = HugeBuffer(operand.bytes());
    operand.data = bytes.data();
    for (int group = 0; group < groups_of(operand.rows); ++group) {
      for (int c = 0; c < operand.columns; ++c) {
        for (int lane = 0; lane < operand.width(); ++lane) {
          const auto row = static_cast<size_t>(group * kLanes + lane);
          float value = std::numeric_limits<float>::quiet_NaN();
          if (row < in.size()) value = c < kWidth ? in[row][static_cast<size_t>(c)] : 0.0F;
          operand.floats_at(group, c)[lane] = value;
        }
      }
    }
    return operand;
  }

  // float32: the same sums in another order, of at most 40 products. bfloat16: factors of three products are
  // rounded to 8 bits (2^-9 of each value, at random); who is chosen must not differ at all, which would be
  // an error of its size.
  void expect_close(const Rows& found, const Rows& expected) const {
    double error = 0.0;
    double size = 0.0;
    for (size_t r = 0; r < expected.size(); ++r) {
      double row_error = 0.0;
      double row_size = 0.0;
      for (size_t c = 0; c < kWidth; ++c) {
        const double difference = static_cast<double>(found[r][c]) - static_cast<double>(expected[r][c]);
        row_error += difference * difference;
        row_size += static_cast<double>(expected[r][c]) * static_cast<double>(expected[r][c]);
      }
      ASSERT_LE(std::sqrt(row_error), (exact() ? 1e-5 : 3e-2) * std::sqrt(row_size)) << "row " << r;
      error += row_error;
      size += row_size;
    }
    if (!exact()) {
      EXPECT_GT(std::sqrt(error / size), 1e-4) << "rounding to bfloat16 is not visible";
    }
  }
};

std::vector<MixtureVariant> variants() {
  return mixture_variants({26, 19, 33, 70, 17});
}

TEST_P(MixtureOnTiers, AgreesWithTheReferenceForAnyRowsAndRouting) {
  for (const MixtureVariant& variant : variants()) {
    RandomDecoder random({}, GetParam().weights, 7);
    const MixtureTensors tensors = random.mixture(variant.spec, kWidth, variant.biases);
    for (const int rows : {1, 2, 15, 16, 17, 31, 33, 200}) {
      SCOPED_TRACE(testing::Message() << variant.name << ", " << rows << " rows");
      const Rows in = random_rows(rows, 3);
      expect_close(sums(variant.spec, tensors, in), reference_sums(variant.spec, tensors, in));
    }
  }
}

TEST_P(MixtureOnTiers, ARowsBitsAreThoseOfTheRowAlone) {
  for (const MixtureVariant& variant : variants()) {
    RandomDecoder random({}, GetParam().weights, 8);
    const MixtureTensors tensors = random.mixture(variant.spec, kWidth, variant.biases);
    const Rows in = random_rows(75, 4);
    const Rows together = sums(variant.spec, tensors, in, 3);
    EXPECT_EQ(sums(variant.spec, tensors, in, 1), together) << variant.name;
    for (size_t r = 0; r < in.size(); r += 7) {
      ASSERT_EQ(sums(variant.spec, tensors, {in[r]})[0], together[r]) << variant.name << ", row " << r;
    }
  }
}

TEST_P(MixtureOnTiers, EqualScoresGoToTheLowestExperts) {
  const ExpertSpec spec{.count = 9, .used = 3, .width = 26, .layers = {}};
  RandomDecoder random({}, GetParam().weights, 9);
  MixtureTensors tensors = random.mixture(spec, kWidth);
  const std::vector<std::byte> zeros(static_cast<size_t>(spec.count * kWidth) * sizeof(float));
  const Tensor router{.name = {}, .type = TensorType::f32, .shape = {spec.count, kWidth}, .data = zeros};
  tensors.router = &router;
  const Rows in = random_rows(33, 5);
  const Rows found = sums(spec, tensors, in);

  // The first three alone; a weight is 1 / 9 with nine experts, and with three of them scaled.
  ExpertSpec three = spec;
  three.count = 3;
  three.scale = 1.0F / 3.0F;
  tensors.experts.resize(3);
  const Tensor first = rows_of(router, 0, 3);
  tensors.router = &first;
  expect_close(found, reference_sums(three, tensors, in));
}

TEST_P(MixtureOnTiers, AllRowsMayChooseOneExpert) {
  const ExpertSpec spec{.count = 6, .used = 1, .width = 26, .scoring = RouterScoring::sigmoid, .layers = {}};
  RandomDecoder random({}, GetParam().weights, 10);
  MixtureTensors tensors = random.mixture(spec, kWidth);
  const std::vector<float> favour = {0.0F, 0.0F, 0.0F, 0.0F, 9.0F, 0.0F};
  const Tensor bias{
      .name = {}, .type = TensorType::f32, .shape = {6}, .data = std::as_bytes(std::span(favour))};
  tensors.selection_bias = &bias;
  const Rows in = random_rows(100, 6);
  const Rows found = sums(spec, tensors, in);
  expect_close(found, reference_sums(spec, tensors, in));

  // The others' weights do not matter.
  for (size_t e = 0; e < 6; ++e) {
    if (e != 4) tensors.experts[e] = tensors.experts[0];
  }
  EXPECT_EQ(sums(spec, tensors, in), found);
}

INSTANTIATE_TEST_SUITE_P(Tiers, MixtureOnTiers, testing::ValuesIn(computers()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace sizeup::cpu
