// The operations on rows that extensions of the decoder need, on every tier this machine has: within a few
// roundings of the reference's, which are held against float64 here, too.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/engine/device.h"
#include "backends/reference/row_operations.h"
#include "core/memory/huge_buffer.h"
#include "tests/support/vector_tiers.h"

namespace sizeup::cpu {
namespace {

using Rows = std::vector<std::vector<float>>;

Rows random_rows(int rows, int columns, unsigned seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  Rows all(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(columns)));
  for (std::vector<float>& row : all) {
    for (float& value : row) value = normal(random);
  }
  return all;
}

// Padding lanes are NaN: nobody may look at them.
struct Lanes {
  HugeBuffer buffer;
  LaneRows rows;

  explicit Lanes(const Rows& from) {
    rows = {.rows = static_cast<int>(from.size()), .columns = static_cast<int>(from.front().size())};
    buffer = HugeBuffer(sizeof(float) * kLanes * static_cast<size_t>(rows.groups() * rows.columns));
    rows.data = reinterpret_cast<float*>(buffer.data());
    for (int i = 0; i < rows.groups() * kLanes; ++i) {
      for (int c = 0; c < rows.columns; ++c) {
        rows.at(i / kLanes, c)[i % kLanes] = i < rows.rows
                                                 ? from[static_cast<size_t>(i)][static_cast<size_t>(c)]
                                                 : std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
  float at(size_t row, size_t column) const {
    return rows.at(static_cast<int>(row) / kLanes, static_cast<int>(column))[row % kLanes];
  }
};

void expect_near(const Lanes& found, const Rows& expected, float roundings) {
  for (size_t r = 0; r < expected.size(); ++r) {
    for (size_t c = 0; c < expected[r].size(); ++c) {
      const float bound = roundings * 0x1p-24F * std::max(1.0F, std::abs(expected[r][c]));
      ASSERT_NEAR(found.at(r, c), expected[r][c], bound) << "row " << r << ", column " << c;
    }
  }
}

class ExtensionRows : public testing::TestWithParam<CpuTierEntry> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam().tier)) GTEST_SKIP() << *reason;
  }
  static const RowKernels& kernels() { return kernels_of(GetParam().tier).rows; }
};

constexpr std::array kRowCounts{1, 15, 16, 17, 33};
constexpr int kColumns = 37;

TEST_P(ExtensionRows, AddAndScale) {
  for (const int count : kRowCounts) {
    Rows sums = random_rows(count, kColumns, 1);
    const Rows in = random_rows(count, kColumns, 2);
    const Lanes found(sums);
    const int groups = found.rows.groups();
    kernels().add(Lanes(in).rows, -0.7F, found.rows, 0, groups);
    kernels().scale(found.rows, 0.6F, 0, groups);
    for (size_t r = 0; r < sums.size(); ++r) {
      add_in_place(sums[r].data(), -0.7F, in[r].data(), kColumns);
      for (float& value : sums[r]) value *= 0.6F;
    }
    expect_near(found, sums, 8.0F);
  }
}

TEST_P(ExtensionRows, CombineAddsTermsByTheirOwnRowsWeights) {
  for (const int count : kRowCounts) {
    const std::array terms{random_rows(count, kColumns, 1), random_rows(count, kColumns, 2),
                           random_rows(count, kColumns, 3)};
    const std::array lanes{Lanes(terms[0]), Lanes(terms[1]), Lanes(terms[2])};
    const std::array rows{lanes[0].rows, lanes[1].rows, lanes[2].rows};
    const Rows weights = random_rows(count, 7, 4);
    const Lanes weight_lanes(weights);
    const Rows base = random_rows(count, kColumns, 5);
    Rows expected = base;
    for (size_t r = 0; r < base.size(); ++r) {
      for (size_t i = 0; i < terms.size(); ++i)
        add_in_place(expected[r].data(), weights[r][2 + i], terms[i][r].data(), kColumns);
    }
    const WeightedRows weighted{
        .rows = rows.data(), .count = 3, .weights = weight_lanes.rows, .first_column = 2};
    const Lanes in_place(base);
    const Lanes elsewhere(Rows(base.size(), std::vector<float>(kColumns, 9.0F)));
    const int groups = in_place.rows.groups();
    kernels().combine(Lanes(base).rows, weighted, elsewhere.rows, 0, groups);
    kernels().combine(in_place.rows, weighted, in_place.rows, 0, groups);
    expect_near(elsewhere, expected, 48.0F);
    expect_near(in_place, expected, 48.0F);
  }
}

TEST_P(ExtensionRows, MatchMagnitudeGivesTheOthersRootMeanSquare) {
  for (const int count : kRowCounts) {
    Rows rows = random_rows(count, kColumns, 1, 3.0F);
    for (float& value : rows[0]) value *= 1e-4F;  // smaller than what counts
    const Rows like = random_rows(count, kColumns, 2, 0.5F);
    const Lanes found(rows);
    kernels().match_magnitude(found.rows, Lanes(like).rows, 0, found.rows.groups());
    for (size_t r = 0; r < rows.size(); ++r) {
      double own = 0.0;
      double other = 0.0;
      for (size_t c = 0; c < kColumns; ++c) {
        own += std::pow(static_cast<double>(rows[r][c]), 2.0) / kColumns;
        other += std::pow(static_cast<double>(like[r][c]), 2.0) / kColumns;
      }
      const double factor = std::sqrt(other / std::max(own, 1e-5));
      std::vector<float> exact;
      for (const float value : rows[r])
        exact.push_back(static_cast<float>(static_cast<double>(value) * factor));
      match_magnitude(rows[r].data(), like[r].data(), kColumns);
      for (size_t c = 0; c < kColumns; ++c) EXPECT_NEAR(rows[r][c], exact[c], 1e-6);
    }
    expect_near(found, rows, 12.0F);
  }
}

TEST_P(ExtensionRows, KeepAboveLeavesWhatStandsOut) {
  for (const int count : kRowCounts) {
    constexpr int kKept = 23;  // of the columns
    Rows rows = random_rows(count, kColumns, 1, 2.0F);
    const Lanes found(rows);
    kernels().keep_above(found.rows, kKept, 0.8F, 0, found.rows.groups());
    for (std::vector<float>& row : rows) {
      double mean = 0.0;
      double variance = 0.0;
      for (size_t c = 0; c < kKept; ++c) mean += static_cast<double>(row[c]) / kKept;
      for (size_t c = 0; c < kKept; ++c)
        variance += std::pow(static_cast<double>(row[c]) - mean, 2.0) / kKept;
      std::vector<float> exact = row;
      for (size_t c = 0; c < kKept; ++c) {
        const double above = static_cast<double>(row[c]) - (mean + 0.8 * std::sqrt(variance));
        exact[c] = static_cast<float>(std::max(above, 0.0));
      }
      keep_above(0.8F, row.data(), kKept);
      for (size_t c = 0; c < kColumns; ++c) EXPECT_NEAR(row[c], exact[c], 1e-6);
    }
    expect_near(found, rows, 32.0F);
  }
}

TEST_P(ExtensionRows, GateMultipliesWithColumnsOfOtherRows) {
  for (const int count : kRowCounts) {
    constexpr int kOut = 11;
    const Rows in = random_rows(count, 2 * kOut, 1, 2.0F);
    const Rows factors = random_rows(count, kColumns, 2);
    Operand out{.data = nullptr, .format = OperandFormat::floats, .rows = count, .columns = kStepColumns};
    HugeBuffer buffer(out.bytes());
    out.data = buffer.data();
    const Lanes lanes(in);
    kernels().gate(lanes.rows, Activation::gelu_tanh, Lanes(factors).rows, 5, kOut, out, 0,
                   lanes.rows.groups());
    for (int r = 0; r < count; ++r) {
      const auto row = static_cast<size_t>(r);
      std::vector<float> expected(kStepColumns, 0.0F);
      activate_gated(Activation::gelu_tanh, in[row].data(), factors[row].data() + 5, kOut, expected.data());
      for (int c = 0; c < kStepColumns; ++c) {
        EXPECT_NEAR(out.floats_at(r / kLanes, c)[r % kLanes], expected[static_cast<size_t>(c)], 4e-6)
            << "row " << r << ", column " << c;
      }
    }
  }
}

// Three parts; of scores one row that is nothing, one whose parts hardly agree, and one with a negative part.
TEST_P(ExtensionRows, Parts) {
  constexpr int kParts = 3;
  constexpr auto kAll = static_cast<size_t>(kParts * kColumns);
  for (const int count : kRowCounts) {
    Rows a = random_rows(count, kParts * kColumns, 1);
    const Rows b = random_rows(count, kParts * kColumns, 2);
    const Rows one = random_rows(count, kColumns, 3);
    const Rows gates = random_rows(count, kParts, 4, 2.0F);
    a[0].assign(kAll, count == 1 ? 1e-9F : 0.0F);
    const size_t rows = a.size();
    Rows mixed(rows, std::vector<float>(kColumns));
    Rows sums = a;
    Rows scores(rows, std::vector<float>(kParts));
    for (size_t r = 0; r < rows; ++r) {
      mix_parts(a[r].data(), b[r].data(), kParts, kColumns, mixed[r].data());
      add_to_parts(one[r].data(), gates[r].data(), 1.7F, kParts, kColumns, sums[r].data());
      for (size_t p = 0; p < kParts; ++p)
        scores[r][p] = part_score(a[r].data() + p * kColumns, b[r].data() + p * kColumns, kColumns);
      for (size_t c = 0; c < kColumns; ++c) {
        double exact = 0.0;
        for (size_t p = 0; p < kParts; ++p) {
          const auto gate = static_cast<double>(b[r][p * kColumns + c]);
          exact += static_cast<double>(a[r][p * kColumns + c]) / (1.0 + std::exp(-gate)) / kParts;
        }
        EXPECT_NEAR(mixed[r][c], exact, 1e-6);
      }
      for (size_t i = 0; i < kAll; ++i) {
        const auto gate = static_cast<double>(gates[r][i / kColumns]);
        const double added = 1.7 * static_cast<double>(one[r][i % kColumns]) / (1.0 + std::exp(-gate));
        EXPECT_NEAR(sums[r][i], static_cast<double>(a[r][i]) + added, 2e-6);
      }
      for (size_t p = 0; p < kParts; ++p) {
        double score = 0.0;
        for (size_t c = p * kColumns; c < (p + 1) * kColumns; ++c)
          score += static_cast<double>(a[r][c]) * static_cast<double>(b[r][c]) / std::sqrt(double{kColumns});
        const double root = std::sqrt(std::max(std::abs(score), 1e-6));
        EXPECT_NEAR(scores[r][p], score == 0.0 ? 0.0 : std::copysign(root, score), 1e-5);
      }
    }
    const Lanes found_mixed(Rows(rows, std::vector<float>(kColumns, 9.0F)));
    const Lanes found_sums(a);
    const Lanes found_scores(Rows(rows, std::vector<float>(kParts, 9.0F)));
    const int groups = found_mixed.rows.groups();
    kernels().mix_parts(Lanes(a).rows, Lanes(b).rows, found_mixed.rows, 0, groups);
    kernels().add_to_parts(Lanes(one).rows, Lanes(gates).rows, 1.7F, found_sums.rows, 0, groups);
    kernels().score_parts(Lanes(a).rows, Lanes(b).rows, found_scores.rows, 0, groups);
    expect_near(found_mixed, mixed, 16.0F);
    expect_near(found_sums, sums, 32.0F);
    // The root of a small sum is less exact than the sum.
    expect_near(found_scores, scores, 256.0F);
  }
}

INSTANTIATE_TEST_SUITE_P(Tiers, ExtensionRows, testing::ValuesIn(vector_tiers()),
                         [](const auto& tier) { return std::string(tier.param.name); });

}  // namespace
}  // namespace sizeup::cpu
