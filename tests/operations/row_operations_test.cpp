// Operations on rows against float64.
#include "backends/reference/row_operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "backends/engine/rotary_angles.h"
#include "backends/reference/attention.h"
#include "backends/reference/exponential.h"
#include "tests/support/exact_activations.h"

namespace sizeup {
namespace {

std::vector<float> random_floats(size_t count, uint32_t seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(Exponential, IsWithinTwoUnitsInTheLastPlace) {
  double worst = 0.0;
  for (float x = -87.3F; x < 88.3F; x += 0.000937F) {
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(exponential(x)) - exact) / exact);
  }
  EXPECT_LT(worst, 2.0 * 0x1p-23);
  EXPECT_EQ(exponential(0.0F), 1.0F);
}

TEST(Exponential, HasItsLimits) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(exponential(-infinity), 0.0F);
  EXPECT_EQ(exponential(-100.0F), 0.0F);
  EXPECT_GT(exponential(infinity), 2e38F);
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Norm, AgreesWithFloat64) {
  for (const NormKind kind : {NormKind::none, NormKind::root_mean_square, NormKind::layer}) {
    for (const size_t size : {1u, 7u, 64u, 321u}) {
      const auto in = random_floats(size, 1, 3.0F);
      Norm norm{.kind = kind, .epsilon = 1e-5F, .weight = random_floats(size, 2), .bias = {}};
      if (kind == NormKind::layer) norm.bias = random_floats(size, 12);
      std::vector<float> out = in;
      apply_norm(norm, out.data(), out.data());  // in place
      double mean = 0.0;
      double sum = 0.0;
      for (const float x : in) mean += static_cast<double>(x) / static_cast<double>(size);
      if (kind != NormKind::layer) mean = 0.0;
      for (const float x : in) sum += std::pow(static_cast<double>(x) - mean, 2.0);
      const double scale =
          kind == NormKind::none
              ? 1.0
              : 1.0 / std::sqrt(sum / static_cast<double>(size) + static_cast<double>(1e-5F));
      for (size_t i = 0; i < size; ++i) {
        double exact = (static_cast<double>(in[i]) - mean) * scale * static_cast<double>(norm.weight[i]);
        double bound = 6 * 0x1p-24 * std::abs(exact) + 0x1p-23 * std::abs(mean * scale);  // roundings
        if (!norm.bias.empty()) {
          exact += static_cast<double>(norm.bias[i]);
          bound += 0x1p-24 * std::abs(exact);
        }
        EXPECT_NEAR(out[i], exact, bound);
      }
    }
  }
}

TEST(Activations, AgreeWithFloat64) {
  const auto gate = random_floats(101, 3, 8.0F);
  const auto up = random_floats(101, 4, 4.0F);
  for (const Activation activation : kAllActivations) {
    std::vector<float> out(101);
    activate_gated(activation, gate.data(), up.data(), 101, out.data());
    for (size_t i = 0; i < out.size(); ++i) {
      const ExactActivation exact = exact_activation(activation, gate[i], up[i]);
      EXPECT_NEAR(out[i], exact.value, exact.bound) << i;
    }
    if (activation == Activation::clamped_swish) continue;
    std::vector<float> alone = gate;
    activate(activation, alone.data(), 101);
    const std::vector<float> ones(101, 1.0F);
    activate_gated(activation, gate.data(), ones.data(), 101, out.data());
    EXPECT_EQ(alone, out);
  }
}

TEST(Activations, HaveTheirLimits) {
  for (const Activation activation : kAllActivations) {
    const std::array<float, 2> extremes = {-200.0F, 200.0F};
    const std::array<float, 2> ups = {1.0F, 1.0F};
    std::array<float, 2> out{};
    activate_gated(activation, extremes.data(), ups.data(), 2, out.data());
    const bool bounded = activation == Activation::tanh;
    EXPECT_NEAR(out[0], bounded ? -1.0F : 0.0F, 1e-30F);
    EXPECT_NEAR(out[1], bounded ? 1.0F : activation == Activation::clamped_swish ? 14.0F : 200.0F, 1e-3F);
  }
}

TEST(Rotary, TurnsPairsInBothLayouts) {
  const std::vector<int32_t> positions = {0, 1, 37};
  for (const RotaryLayout layout : {RotaryLayout::half_split, RotaryLayout::interleaved}) {
    const RotarySpec spec{.layout = layout, .dimensions = 6, .base = 10000.0F};
    RotaryAngles angles(spec);
    angles.prepare(37);
    for (int row = 0; row < 3; ++row) {
      const auto original = random_floats(2 * 8, 5);  // two heads of 8, the last two elements stay
      std::vector<float> heads = original;
      const int position = positions[static_cast<size_t>(row)];
      rotate(spec, angles.cosines(position), angles.sines(position), heads.data(), 2, 8);
      for (size_t head = 0; head < 2; ++head) {
        for (size_t pair = 0; pair < 3; ++pair) {
          const size_t a = head * 8 + (layout == RotaryLayout::interleaved ? 2 * pair : pair);
          const size_t b = layout == RotaryLayout::interleaved ? a + 1 : a + 3;
          const double angle =
              positions[static_cast<size_t>(row)] * std::pow(10000.0, -2.0 * static_cast<double>(pair) / 6.0);
          EXPECT_NEAR(heads[a], original[a] * std::cos(angle) - original[b] * std::sin(angle), 2e-5);
          EXPECT_NEAR(heads[b], original[b] * std::cos(angle) + original[a] * std::sin(angle), 2e-5);
        }
        EXPECT_EQ(heads[head * 8 + 6], original[head * 8 + 6]);
        EXPECT_EQ(heads[head * 8 + 7], original[head * 8 + 7]);
      }
    }
  }
}

TEST(LogSoftmax, AgreesWithFloat64AndPrefersTheLowestIndex) {
  for (const size_t size : {1u, 15u, 16u, 33u, 1000u}) {
    const auto logits = random_floats(size, 6, 10.0F);
    const LogSoftmax softmax(logits);
    double sum = 0.0;
    for (const float x : logits) sum += std::exp(static_cast<double>(x) - 30.0);
    for (const float x : logits) EXPECT_NEAR(softmax(x), static_cast<double>(x) - 30.0 - std::log(sum), 1e-5);
  }
  EXPECT_EQ(LogSoftmax(std::array{1.0F, 3.0F, 3.0F, 2.0F}).best(), 1);
}

// Pages scattered in memory, filled where nothing is seen with what must not be.
void expect_attention_over_pages(const PositionRanges& seen) {
  const int positions = seen.back().end;
  const AttentionSpec spec{.heads = 2, .kv_heads = 2, .head_size = 6};
  const PageShape shape(spec);
  std::vector<std::vector<float>> pages(
      5, std::vector<float>(shape.layer_floats(), std::numeric_limits<float>::quiet_NaN()));
  std::vector<const float*> table;
  for (const size_t index : {3u, 0u, 4u, 1u}) table.push_back(pages[index].data());
  const auto keys = random_floats(static_cast<size_t>(positions) * 12, 7, 2.0F);
  const auto values = random_floats(static_cast<size_t>(positions) * 12, 8);
  const auto each_seen = [&](const auto& body) {
    for (const PositionRange& range : seen) {
      for (int p = range.first; p < range.end; ++p) body(static_cast<size_t>(p));
    }
  };
  each_seen([&](size_t p) {
    write_key_value(shape, &keys[p * 12], &values[p * 12], static_cast<int>(p % kPagePositions),
                    const_cast<float*>(table[p / kPagePositions]));
  });
  const auto query = random_floats(6, 9, 2.0F);
  for (const size_t head : {0u, 1u}) {
    std::vector<float> out(6);
    attend(spec, {.kv_head = static_cast<int>(head), .query = query.data(), .seen = seen}, table, out.data());
    std::vector<double> exact(6);
    double sum = 0.0;
    each_seen([&](size_t p) {
      double score = 0.0;
      for (size_t d = 0; d < 6; ++d)
        score += static_cast<double>(query[d]) * static_cast<double>(keys[p * 12 + head * 6 + d]);
      const double weight = std::exp(score / std::sqrt(6.0));
      sum += weight;
      for (size_t d = 0; d < 6; ++d) exact[d] += weight * static_cast<double>(values[p * 12 + head * 6 + d]);
    });
    for (size_t d = 0; d < 6; ++d)
      EXPECT_NEAR(out[d], exact[d] / sum, 2e-6) << seen.front().first << " to " << positions;
  }
}

TEST(Attend, AgreesWithFloat64OverPages) {
  for (const int positions : {1, 2, 15, 16, 17, kPagePositions - 1, kPagePositions, kPagePositions + 1,
                              2 * kPagePositions + 24, 4 * kPagePositions}) {
    for (const int window : {positions, 1, 20, kPagePositions, kPagePositions + 6}) {
      expect_attention_over_pages({{std::max(0, positions - window), positions}});
    }
  }
  expect_attention_over_pages({{3, 5}, {9, 20}, {kPagePositions - 4, kPagePositions + 3}});
  expect_attention_over_pages({{0, 1}, {3 * kPagePositions + 30, 3 * kPagePositions + 31}});
}

TEST(CopyPositions, CopiesWhatAttentionReads) {
  const AttentionSpec spec{.heads = 2, .kv_heads = 2, .head_size = 3};
  const PageShape shape(spec);
  const auto from = random_floats(shape.layer_floats(), 10);
  std::vector<float> to(shape.layer_floats(), 0.0F);
  copy_positions(shape, from.data(), 5, to.data());
  const auto query = random_floats(3, 11);
  const std::vector<const float*> original = {from.data()};
  const std::vector<const float*> copied = {to.data()};
  for (const int head : {0, 1}) {
    const PositionRanges seen = {{0, 5}};
    std::array<float, 3> a{};
    std::array<float, 3> b{};
    attend(spec, {.kv_head = head, .query = query.data(), .seen = seen}, original, a.data());
    attend(spec, {.kv_head = head, .query = query.data(), .seen = seen}, copied, b.data());
    EXPECT_EQ(a, b);
  }
}

}  // namespace
}  // namespace sizeup
