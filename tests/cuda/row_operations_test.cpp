// Operations on rows on a GPU against the reference device's, bit for bit where no function is approximated
// and no sum has an order.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

#include "backends/cuda/activation_functions.h"
#include "backends/cuda/elements.h"
#include "backends/cuda/norms.h"
#include "backends/cuda/row_tree.h"
#include "backends/reference/row_operations.h"
#include "tests/cuda/device_rows.h"
#include "tests/support/exact_activations.h"

namespace sizeup::cuda {
namespace {

constexpr std::array kRowCounts{1, 15, 16, 17, 31, 33};
// Below and above the four of a thread, the longest of a warp, several turns of a block.
constexpr std::array kColumnCounts{1, 37, 64, 512, 513, 2051};
constexpr std::array kPrecisions{Precision::float32, Precision::bfloat16};

// body(rows, columns)
void each_shape(const std::function<void(int, int)>& body) {
  for (const int rows : kRowCounts) {
    for (const int columns : kColumnCounts) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << columns << " columns");
      body(rows, columns);
    }
  }
}

// ---- On the host

TEST(RowTree, EveryLaneHasItsColumnsOnce) {
  for (const int columns : {1, 4, 5, 127, 128, 129, 512, 513, 1024, 1029, 4096}) {
    const int lanes = row_lanes(columns);
    std::vector<int> seen(static_cast<size_t>(columns), 0);
    for (int lane = 0; lane < lanes; ++lane) {
      for (int column = first_of(lane); column < columns; column += lane_step(lanes)) {
        for (int i = column; i < std::min(column + 4, columns); ++i) {
          EXPECT_EQ(i / 4 % lanes, lane);
          ++seen[static_cast<size_t>(i)];
        }
      }
    }
    EXPECT_EQ(seen, std::vector<int>(static_cast<size_t>(columns), 1)) << columns;
  }
}

TEST(ActivationFunctions, AgreeWithFloat64) {
  const HostRows values = random_rows(2, 500, 3, 8.0F);
  for (const Activation activation : kAllActivations) {
    for (size_t i = 0; i < 500; ++i) {
      const ExactActivation exact = exact_activation(activation, values[0][i], values[1][i]);
      EXPECT_NEAR(activated_gate(activation, values[0][i], values[1][i]), exact.value, exact.bound);
    }
    const bool bounded = activation == Activation::tanh;
    EXPECT_NEAR(activated_gate(activation, -200.0F, 1.0F), bounded ? -1.0F : 0.0F, 1e-30F);
    EXPECT_NEAR(activated_gate(activation, 200.0F, 1.0F),
                bounded                                   ? 1.0F
                : activation == Activation::clamped_swish ? 14.0F
                                                          : 200.0F,
                1e-3F);
    EXPECT_TRUE(std::isnan(activated_gate(activation, std::nanf(""), 1.0F)));
    EXPECT_TRUE(std::isnan(activated_gate(activation, 1.0F, std::nanf(""))));
  }
}

// ---- On a GPU

class RowOperations : public OnGpu {};

TEST_F(RowOperations, ClearScaleAndAddAreTheReferences) {
  each_shape([](int rows, int columns) {
    HostRows expected = random_rows(rows, columns, 1);
    const HostRows in = random_rows(rows, columns, 2);
    const DeviceRows found(expected);
    add(DeviceRows(in).in(), -0.7F, found.values(), nullptr);
    scale(found.values(), 0.6F, nullptr);
    for (size_t r = 0; r < expected.size(); ++r) {
      add_in_place(expected[r].data(), -0.7F, in[r].data(), columns);
      for (float& value : expected[r]) value *= 0.6F;
    }
    expect_same(found.read(), expected);
    clear(found.values(), nullptr);
    expect_same(found.read(), HostRows(expected.size(), std::vector<float>(expected[0].size(), 0.0F)));
  });
}

TEST_F(RowOperations, CombineAddsAnyNumberOfTermsInOrder) {
  each_shape([](int rows, int columns) {
    for (const size_t count : {0u, 1u, 8u, 11u}) {
      std::vector<HostRows> terms;
      std::vector<std::unique_ptr<DeviceRows>> on_device;
      std::vector<ConstValueRows> in;
      for (size_t t = 0; t < count; ++t) {
        terms.push_back(random_rows(rows, columns, static_cast<unsigned>(10 + t)));
        on_device.push_back(std::make_unique<DeviceRows>(terms.back()));
        in.push_back(on_device.back()->in());
      }
      const HostRows weights = random_rows(rows, 13, 4);
      const HostRows base = random_rows(rows, columns, 5);
      HostRows expected = base;
      for (size_t r = 0; r < base.size(); ++r) {
        for (size_t t = 0; t < count; ++t)
          add_in_place(expected[r].data(), weights[r][2 + t], terms[t][r].data(), columns);
      }
      const DeviceRows weights_there(weights);
      const DeviceRows in_place(base);
      const DeviceRows elsewhere(rows, columns);
      combine(in_place.in(), in, weights_there.in(), 2, elsewhere.values(), nullptr);
      combine(in_place.in(), in, weights_there.in(), 2, in_place.values(), nullptr);
      expect_same(elsewhere.read(), expected);
      expect_same(in_place.read(), expected);
    }
  });
}

TEST_F(RowOperations, ActivationsAgreeWithFloat64InEveryPrecision) {
  each_shape([](int rows, int columns) {
    const HostRows in = random_rows(rows, columns, 1, 8.0F);
    const HostRows factors = random_rows(rows, columns + 5, 2, 4.0F);
    const DeviceRows in_there(in);
    const DeviceRows factors_there(factors);
    for (const Activation activation : kAllActivations) {
      std::array<HostRows, 2> gated;
      for (size_t p = 0; p < kPrecisions.size(); ++p) {
        const DeviceRows out(rows, columns, kPrecisions[p]);
        gate(in_there.in(), activation, factors_there.in(), 5, out.operand(), nullptr);
        gated[p] = out.read();
      }
      expect_same(gated[1], rounded_to_bfloat16(gated[0]));
      for (size_t r = 0; r < in.size(); ++r) {
        for (size_t c = 0; c < in[r].size(); ++c) {
          const ExactActivation exact = exact_activation(activation, in[r][c], factors[r][c + 5]);
          ASSERT_NEAR(gated[0][r][c], exact.value, exact.bound);
        }
      }
      if (activation == Activation::clamped_swish) continue;
      std::array<HostRows, 2> alone;
      for (size_t p = 0; p < kPrecisions.size(); ++p) {
        const DeviceRows out(rows, columns, kPrecisions[p]);
        activate(in_there.in(), activation, out.operand(), nullptr);
        alone[p] = out.read();
      }
      expect_same(alone[1], rounded_to_bfloat16(alone[0]));
      for (size_t r = 0; r < in.size(); ++r) {
        for (size_t c = 0; c < in[r].size(); ++c) {
          const ExactActivation exact = exact_activation(activation, in[r][c], 1.0);
          ASSERT_NEAR(alone[0][r][c], exact.value, exact.bound);
        }
      }
    }
  });
}

TEST_F(RowOperations, GatesAreSigmoidsOfOtherColumns) {
  each_shape([](int rows, int columns) {
    const HostRows in = random_rows(rows, columns, 1);
    const HostRows gates = random_rows(rows, columns + 3, 2, 6.0F);
    const DeviceRows in_there(in);
    const DeviceRows gates_there(gates);
    std::array<HostRows, 2> found;
    for (size_t p = 0; p < kPrecisions.size(); ++p) {
      const DeviceRows out(rows, columns, kPrecisions[p]);
      apply_gate(in_there.in(), gates_there.in(), 3, out.operand(), nullptr);
      found[p] = out.read();
    }
    expect_same(found[1], rounded_to_bfloat16(found[0]));
    for (size_t r = 0; r < in.size(); ++r) {
      for (size_t c = 0; c < in[r].size(); ++c) {
        const double exact = double{in[r][c]} / (1.0 + std::exp(-double{gates[r][c + 3]}));
        // Three roundings and two units of e^x, whose argument is exact.
        ASSERT_NEAR(found[0][r][c], exact, 8 * 0x1p-24 * std::abs(exact));
      }
    }
  });
}

TEST_F(RowOperations, RowsAreChosenAndRounded) {
  const HostRows in = random_rows(9, 37, 1);
  const DeviceRows in_there(in);
  const std::vector<int32_t> chosen = {8, 0, 3, 3};
  const DeviceArray<int32_t> chosen_there(chosen);
  const DeviceRows out(4, 37);
  select_rows(in_there.in(), chosen_there.data(), out.values(), nullptr);
  HostRows expected;
  for (const int32_t row : chosen) expected.push_back(in[static_cast<size_t>(row)]);
  expect_same(out.read(), expected);
  select_rows(in_there.in(), chosen_there.data(), {}, nullptr);  // no row

  for (const size_t columns : {37u, 38u, 48u}) {
    const DeviceRows rounded(9, static_cast<int>(columns), Precision::bfloat16);
    convert(in_there.in(), rounded.operand(), nullptr);
    HostRows with_zeros = rounded_to_bfloat16(in);
    for (std::vector<float>& row : with_zeros) row.resize(columns, 0.0F);
    expect_same(rounded.read(), with_zeros);
  }
}

// ---- Sums over rows

// A sum of a row has at most so many roundings: those of a lane, of the distances and of the warps.
double sum_roundings(int columns) {
  const int lanes = row_lanes(columns);
  return (columns + lanes - 1) / lanes + 4 + 5 + (lanes == kBlockLanes ? 8 : 0);
}

struct HostNorm {
  Norm norm;
  DeviceArray<float> weight;
  DeviceArray<float> bias;

  HostNorm(NormKind kind, int columns, bool biased)
      : norm{.kind = kind,
             .epsilon = 1e-5F,
             .weight = random_rows(1, columns, 2)[0],
             .bias = biased ? random_rows(1, columns, 3)[0] : std::vector<float>{}},
        weight(norm.weight),
        bias(norm.bias) {}
  NormView view() const {
    return {norm.kind, norm.epsilon, weight.data(), norm.bias.empty() ? nullptr : bias.data(),
            static_cast<int>(norm.weight.size())};
  }
};

// The reference has sums in float64. Half of a sum's error reaches its root; a mean's error is as large as
// its roundings of the values' mean magnitude.
void expect_normed(const Norm& norm, const float* in, const float* found) {
  const int columns = static_cast<int>(norm.weight.size());
  const double roundings = sum_roundings(columns);
  std::vector<float> expected(norm.weight.size());
  apply_norm(norm, in, expected.data());
  double magnitude = 0.0;
  double square = 0.0;
  double mean = 0.0;
  for (int i = 0; i < columns; ++i) {
    magnitude += std::abs(double{in[i]}) / columns;
    mean += norm.kind == NormKind::layer ? double{in[i]} / columns : 0.0;
  }
  for (int i = 0; i < columns; ++i) square += std::pow(double{in[i]} - mean, 2.0) / columns;
  const double scale = norm.kind == NormKind::none ? 1.0 : 1.0 / std::sqrt(square + double{norm.epsilon});
  for (size_t i = 0; i < expected.size(); ++i) {
    const double bias = norm.bias.empty() ? 0.0 : double{norm.bias[i]};
    const double product = std::abs(double{expected[i]} - bias);
    double bound = (roundings / 2 + 8) * 0x1p-24 * product + 0x1p-23 * std::abs(double{expected[i]}) +
                   0x1p-23 * std::abs(bias);
    if (norm.kind == NormKind::layer)
      bound += (roundings + 4) * 0x1p-24 * magnitude * scale * std::abs(double{norm.weight[i]});
    ASSERT_NEAR(found[i], expected[i], bound) << "column " << i;
  }
}

constexpr std::array kNormKinds{NormKind::none, NormKind::root_mean_square, NormKind::layer};

TEST_F(RowOperations, NormsAgreeWithTheReference) {
  each_shape([](int rows, int columns) {
    const HostRows in = random_rows(rows, columns, 1, 3.0F);
    const DeviceRows in_there(in);
    for (const NormKind kind : kNormKinds) {
      for (const bool biased : {false, true}) {
        const HostNorm host(kind, columns, biased);
        std::array<HostRows, 2> found;
        for (size_t p = 0; p < kPrecisions.size(); ++p) {
          const DeviceRows out(rows, columns, kPrecisions[p]);
          norm(in_there.in(), host.view(), out.operand(), nullptr);
          found[p] = out.read();
        }
        expect_same(found[1], rounded_to_bfloat16(found[0]));
        for (size_t r = 0; r < in.size(); ++r) expect_normed(host.norm, in[r].data(), found[0][r].data());

        HostRows sums = random_rows(rows, columns, 7);
        const DeviceRows sums_there(sums);
        norm_add(in_there.in(), host.view(), sums_there.values(), nullptr);
        for (size_t r = 0; r < in.size(); ++r) add_in_place(sums[r].data(), found[0][r].data(), columns);
        expect_same(sums_there.read(), sums);
      }
    }
  });
}

TEST_F(RowOperations, NormsOfPartsAreNormsOfRows) {
  for (const int rows : kRowCounts) {
    for (const int size : {1, 6, 64, 513}) {
      constexpr int kParts = 3;
      constexpr int kFirst = 5;
      const HostRows in = random_rows(rows, kFirst + kParts * size + 2, 1, 3.0F);
      const HostNorm host(NormKind::root_mean_square, size, false);
      const DeviceRows there(in);
      norm_parts(there.values(), kFirst, kParts, host.view(), nullptr);
      const HostRows found = there.read();
      for (size_t r = 0; r < in.size(); ++r) {
        HostRows parts;
        for (int p = 0; p < kParts; ++p) {
          const auto begin = in[r].begin() + kFirst + p * size;
          parts.emplace_back(begin, begin + size);
        }
        const DeviceRows alone(parts);
        norm(alone.in(), host.view(), alone.operand(), nullptr);
        const HostRows normed = alone.read();
        std::vector<float> expected = in[r];
        for (int p = 0; p < kParts; ++p)
          std::ranges::copy(normed[static_cast<size_t>(p)], expected.begin() + kFirst + p * size);
        expect_same({found[r]}, {expected});
      }
    }
  }
}

TEST_F(RowOperations, MagnitudesAndDeviationsAgreeWithTheReference) {
  each_shape([](int rows, int columns) {
    HostRows expected = random_rows(rows, columns, 1, 3.0F);
    for (float& value : expected[0]) value *= 1e-4F;  // smaller than what counts
    const HostRows like = random_rows(rows, columns, 2, 0.5F);
    const DeviceRows found(expected);
    match_magnitude(found.values(), DeviceRows(like).in(), nullptr);
    const HostRows matched = found.read();
    const double roundings = sum_roundings(columns);
    for (size_t r = 0; r < expected.size(); ++r) {
      sizeup::match_magnitude(expected[r].data(), like[r].data(), columns);
      for (size_t c = 0; c < expected[r].size(); ++c) {
        ASSERT_NEAR(matched[r][c], expected[r][c],
                    (roundings + 6) * 0x1p-24 * std::abs(double{expected[r][c]}));
      }
    }
    if (columns < 3) return;
    HostRows kept = random_rows(rows, columns, 4, 2.0F);
    const DeviceRows kept_there(kept);
    keep_above(kept_there.values(), columns - 2, 0.8F, nullptr);
    const HostRows above = kept_there.read();
    for (size_t r = 0; r < kept.size(); ++r) {
      sizeup::keep_above(0.8F, kept[r].data(), columns - 2);
      for (size_t c = 0; c < kept[r].size(); ++c) {
        // The cutoff's error: a mean and a deviation of values of about 2; then a value's rounding.
        ASSERT_NEAR(above[r][c], kept[r][c], (2 * roundings + 16) * 0x1p-24 * 4.0);
      }
    }
  });
}

TEST_F(RowOperations, ARowsBitsAreThoseOfTheRowAlone) {
  for (const int columns : kColumnCounts) {
    const HostRows in = random_rows(33, columns, 1, 3.0F);
    const HostRows other = random_rows(33, columns, 2);
    const HostNorm host(NormKind::layer, columns, true);
    const auto compute = [&](const HostRows& rows, const HostRows& others) {
      const DeviceRows first(rows);
      const DeviceRows second(others);
      match_magnitude(first.values(), second.in(), nullptr);
      norm_add(first.in(), host.view(), second.values(), nullptr);
      gate(first.in(), Activation::gelu_tanh, second.in(), 0, first.operand(), nullptr);
      keep_above(first.values(), columns, -0.5F, nullptr);
      norm(first.in(), host.view(), first.operand(), nullptr);
      return first.read();
    };
    const HostRows together = compute(in, other);
    for (const size_t row : {0u, 14u, 32u}) {
      SCOPED_TRACE(testing::Message() << columns << " columns, row " << row);
      expect_same(compute({in[row]}, {other[row]}), {together[row]});
    }
  }
}

}  // namespace
}  // namespace sizeup::cuda
