// Attention in bfloat16 tiles against float64 and against itself: with emulated tiles everywhere,
// with the instructions where the machine has them.
#include "backends/cpu/tile_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/operations/emulated_tile_attention.h"
#include "tests/support/attention_problem.h"
#include "tests/support/tested_tiles.h"

namespace sizeup::cpu {
namespace {

constexpr int kP = kPagePositions;

AttentionShape shape_of(int heads, int kv_heads, int head_size, int window = 0, float cap = 0.0F) {
  return {.heads = heads,
          .kv_heads = kv_heads,
          .head_size = head_size,
          .scale = 1.0F / std::sqrt(static_cast<float>(head_size)),
          .cap = cap,
          .window = window};
}

// Groups that fill tiles and that do not, more heads than lanes, windows within a page and beyond it, caps.
std::vector<AttentionShape> shapes() {
  return {shape_of(2, 2, 32),     shape_of(3, 1, 64),         shape_of(4, 1, 128),
          shape_of(6, 2, 96),     shape_of(20, 1, 32),        shape_of(4, 2, 32, 20),
          shape_of(3, 1, 64, 70), shape_of(4, 1, 64, 0, 3),   shape_of(8, 2, 32, 30, 5.0F),
          shape_of(2, 1, 32, 1),  shape_of(2, 1, 256, kP + 1)};
}

// Three sequences that part within a page.
AttentionProblem branching(const AttentionShape& shape) {
  return {.shape = shape, .prefix = kP + 5, .sequences = 3, .length = 3 * kP + 9, .element = scattered};
}

// Rows at the edges of pages and in between.
std::vector<AskingRow> edge_rows(size_t count) {
  std::vector<AskingRow> rows;
  for (const int position : {0, kP / 2 - 1, kP / 2, kP - 1, kP, kP + 1, 2 * kP - 1, 2 * kP, 3 * kP + 8}) {
    rows.push_back({0, position});
  }
  for (int sequence : {1, 2}) {
    for (int position = 2 * kP - 9; position < 2 * kP + 9; ++position) rows.push_back({sequence, position});
  }
  rows.resize(count);
  return rows;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<PlanOptions> placements() {
  return {{.placement = TilePlacement::cheapest},
          {.placement = TilePlacement::aligned},
          {.placement = TilePlacement::compact}};
}

class TileAttention : public testing::TestWithParam<Tiles> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam())) GTEST_SKIP() << *reason;
  }
  const AttentionFamily& family() const {
    if (GetParam() == Tiles::instructions) return kTileAttentionAmx;
    return GetParam() == Tiles::emulated_avx2 ? kEmulatedTileAttentionAvx2 : kEmulatedTileAttentionAvx512;
  }

  // `greatest_value`: of magnitudes. `relative`: of the operand's format.
  void expect_near_exact(const AttentionProblem& given, std::span<const AskingRow> rows,
                         const std::vector<std::vector<float>>& out, double greatest_value = 2.0,
                         double relative = 0.0) const {
    AttentionProblem problem = given;
    problem.element = [&](Part part, int sequence, int position, int column) {
      const float x = given.element(part, sequence, position, column);
      return part == Part::query ? rounded_to_bfloat(x) : x;
    };
    // A weight is off by 2^-8 of itself after rounding, and by the error of 2^x before.
    const double weights = (0x1p-8 + 6e-6) * greatest_value;
    const int size = problem.shape.head_size;
    for (size_t r = 0; r < rows.size(); ++r) {
      for (int head = 0; head < problem.shape.heads; ++head) {
        const ExactHead exact = exact_head(problem, rows[r], head, true);
        for (size_t d = 0; d < static_cast<size_t>(size); ++d) {
          const double bound = exact.bound[d] + weights + relative * std::abs(exact.out[d]);
          ASSERT_NEAR(out[r][static_cast<size_t>(head * size) + d], exact.out[d], bound)
              << problem.shape.heads << "/" << problem.shape.kv_heads << "/" << size << " row " << r
              << ", head " << head << ", element " << d;
        }
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Tiles, TileAttention,
                         testing::Values(Tiles::emulated_avx2, Tiles::emulated_avx512, Tiles::instructions),
                         [](const auto& instance) { return tiles_name(instance.param); });

TEST_P(TileAttention, SupportsHeadSizesOfWholeTiles) {
  EXPECT_TRUE(family().supports(shape_of(1, 1, 32)));
  EXPECT_TRUE(family().supports(shape_of(9, 3, 96)));
  EXPECT_FALSE(family().supports(shape_of(1, 1, 80)));
}

TEST_P(TileAttention, AgreesWithFloat64AtEveryRowCount) {
  for (const AttentionShape& shape : shapes()) {
    const AttentionProblem problem = branching(shape);
    const FilledPages pages(family(), problem, true);
    const auto all = attend(family(), problem, edge_rows(33), pages);
    expect_near_exact(problem, edge_rows(33), all);
    for (const size_t count : {1U, 15U, 16U, 17U, 31U}) {
      const auto out = attend(family(), problem, edge_rows(count), pages);
      for (size_t r = 0; r < count; ++r) EXPECT_TRUE(same_bits(out[r], all[r])) << r << " of " << count;
    }
  }
}

TEST_P(TileAttention, SinksTakeTheirShareOfTheWeight) {
  for (const AttentionShape& shape : shapes()) {
    AttentionProblem problem = branching(shape);
    for (int head = 0; head < shape.heads; ++head)
      problem.sinks.push_back(static_cast<float>(head % 5) * 5.0F - 10.0F);
    const FilledPages pages(family(), problem, true);
    const auto all = attend(family(), problem, edge_rows(33), pages);
    expect_near_exact(problem, edge_rows(33), all);
    for (const size_t count : {1U, 15U, 17U}) {
      const auto out = attend(family(), problem, edge_rows(count), pages);
      for (size_t r = 0; r < count; ++r) EXPECT_TRUE(same_bits(out[r], all[r])) << r << " of " << count;
    }
  }
}

TEST_P(TileAttention, AgreesWithFloat64OnAWholePrompt) {
  const AttentionProblem problem{.shape = shape_of(3, 1, 32), .length = 4 * kP - 3, .element = scattered};
  const FilledPages pages(family(), problem, true);
  std::vector<AskingRow> rows;
  for (int position = 0; position < problem.length; ++position) rows.push_back({0, position});
  expect_near_exact(problem, rows, attend(family(), problem, rows, pages));
}

// All scores are 0, so that all weights are 1 and the output is the mean of the values that are seen.
TEST_P(TileAttention, SeesExactlyItsKeys) {
  for (const int window : {0, 70}) {
    AttentionProblem problem{.shape = shape_of(2, 1, 32, window),
                             .length = 3 * kP + 9,
                             .element = [](Part part, int, int position, int) {
                               return part == Part::value ? static_cast<float>(position % 8) : 0.0F;
                             }};
    const FilledPages pages(family(), problem, true);
    std::vector<AskingRow> rows;
    for (int position = 0; position < problem.length; ++position) rows.push_back({0, position});
    const auto out = attend(family(), problem, rows, pages);
    for (const AskingRow& row : rows) {
      const int first = window == 0 ? 0 : std::max(0, row.position - window + 1);
      float sum = 0.0F;
      for (int position = first; position <= row.position; ++position)
        sum += static_cast<float>(position % 8);
      const float mean = sum / static_cast<float>(row.position - first + 1);
      EXPECT_NEAR(out[static_cast<size_t>(row.position)][5], mean, 1e-6F * (1.0F + mean)) << row.position;
    }
  }
}

// bfloat16 is off by half a unit in the last of 8 bits, three of them by that of 24.
TEST_P(TileAttention, WritesEveryFormatOfOperands) {
  const struct {
    OperandFormat format;
    double relative;
  } formats[] = {{OperandFormat::floats, 0.0},
                 {OperandFormat::rounded_floats, 0x1p-8},
                 {OperandFormat::pairs, 0x1p-8},
                 {OperandFormat::split_pairs, 0x1p-23}};
  const AttentionProblem problem = branching(shape_of(6, 2, 32));
  const FilledPages pages(family(), problem, true);
  for (const auto& [format, relative] : formats) {
    for (const size_t count : {1U, 15U, 33U}) {
      const auto rows = edge_rows(count);
      const auto aligned =
          attend(family(), problem, rows, pages, {.placement = TilePlacement::aligned}, format);
      const auto compact =
          attend(family(), problem, rows, pages, {.placement = TilePlacement::compact}, format);
      expect_near_exact(problem, rows, aligned, 2.0, relative);
      for (size_t r = 0; r < rows.size(); ++r) EXPECT_TRUE(same_bits(aligned[r], compact[r])) << r;
    }
  }
}

// One element carries the score exactly, so that it may be anything.
TEST_P(TileAttention, KeepsTrackOfAnyMaximum) {
  const std::vector<std::function<float(int)>> scores = {
      [](int p) { return 128.0F * static_cast<float>(p); },                    // grows beyond what 2^x holds
      [](int p) { return -128.0F * static_cast<float>(p); },                   // all weight on the first
      [](int p) { return 0.0625F * static_cast<float>(p); },                   // grows within the slack
      [](int) { return -60000.0F; },                                           // equal, far from zero
      [](int p) { return p % kP == kP - 1 ? 0.0F : -100.0F; },                 // underflow within a page
      [](int p) { return p == 0 ? 80.0F : static_cast<float>(p % 7); },        // underflow of all later pages
      [](int p) { return p / kP == 1 ? 100.0F : static_cast<float>(p % 5); },  // up, then down
  };
  AttentionShape shape = shape_of(4, 1, 32);
  shape.scale = 1.0F;
  for (const auto& score : scores) {
    const AttentionProblem problem{.shape = shape,
                                   .length = 3 * kP + 5,
                                   .element = [&](Part part, int sequence, int position, int column) {
                                     if (part == Part::value)
                                       return scattered(part, sequence, position, column);
                                     if (column % 32 != 3) return 0.0F;
                                     return part == Part::query ? 1.0F : score(position);
                                   }};
    const FilledPages pages(family(), problem, true);
    std::vector<AskingRow> rows;
    for (int position = 0; position < problem.length; position += 3) rows.push_back({0, position});
    expect_near_exact(problem, rows, attend(family(), problem, rows, pages));
  }
}

// Every row as it is in one step with all, whatever stands beside it and wherever its pages are.
void expect_same_bits(const AttentionFamily& family, const AttentionProblem& problem,
                      const std::vector<AskingRow>& rows) {
  const FilledPages shared(family, problem, true);
  const FilledPages copied(family, problem, false);
  const auto expected = attend(family, problem, rows, shared, {.placement = TilePlacement::aligned});
  std::mt19937 random(1);
  for (int round = 0; round < 4; ++round) {
    std::vector<size_t> order(rows.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (round > 0) std::shuffle(order.begin(), order.end(), random);
    if (round > 1) order.resize(1 + random() % order.size());
    std::vector<AskingRow> picked;
    for (const size_t i : order) picked.push_back(rows[i]);
    for (const FilledPages* pages : {&shared, &copied}) {
      for (const PlanOptions& options : placements()) {
        const auto out = attend(family, problem, picked, *pages, options);
        for (size_t i = 0; i < order.size(); ++i) {
          ASSERT_TRUE(same_bits(out[i], expected[order[i]])) << "row " << order[i];
        }
      }
    }
  }
  for (size_t i = 0; i < rows.size(); i += 5) {
    const auto alone = attend(family, problem, std::span(rows).subspan(i, 1), copied);
    ASSERT_TRUE(same_bits(alone[0], expected[i])) << "row " << i << " alone";
  }
}

TEST_P(TileAttention, GivesTheSameBitsHoweverRowsAreStacked) {
  for (const AttentionShape& shape : shapes()) expect_same_bits(family(), branching(shape), edge_rows(45));
}

// Tile products flush denormal sums and turn negative zeros positive, in lanes that merely stand by as well.
TEST_P(TileAttention, GivesTheSameBitsNearZero) {
  AttentionProblem problem = branching(shape_of(3, 1, 32));
  problem.element = [](Part part, int sequence, int position, int column) {
    const float x = scattered(part, sequence, position, column);
    if (part != Part::value) return 8.0F * x;
    return (column % 3 == 0 ? -0.0F : 0x1p-126F) * std::copysign(1.0F, x);
  };
  expect_same_bits(family(), problem, edge_rows(45));
}

// What lies behind a row's position, or in a sequence that shares its tile, may be infinite or no number.
TEST_P(TileAttention, LeavesRowsAloneThatDoNotSeeAKey) {
  const AttentionProblem sound = branching(shape_of(4, 1, 32));
  AttentionProblem problem = sound;
  problem.element = [](Part part, int sequence, int position, int column) {
    if (part != Part::query && position == 2 * kP + 3) return std::numeric_limits<float>::infinity();
    if (part != Part::query && sequence == 2 && position > kP + 5) {
      return std::numeric_limits<float>::quiet_NaN();
    }
    return scattered(part, sequence, position, column);
  };
  std::vector<AskingRow> rows;
  for (const int sequence : {0, 2, 1}) {
    for (int position = 2 * kP - 2; position < 2 * kP + 6; ++position) rows.push_back({sequence, position});
  }
  const FilledPages pages(family(), problem, true);
  const FilledPages sound_pages(family(), sound, true);
  const auto expected = attend(family(), sound, rows, sound_pages);
  for (const PlanOptions& options : placements()) {
    const auto out = attend(family(), problem, rows, pages, options);
    for (size_t r = 0; r < rows.size(); ++r) {
      if (rows[r].sequence == 2 || rows[r].position >= 2 * kP + 3) {
        EXPECT_FALSE(std::isfinite(out[r][0])) << r;
      } else {
        EXPECT_TRUE(same_bits(out[r], expected[r])) << "row " << r;
      }
    }
  }
}

// Infinite values alone, so that weights are finite: they reach those who see them, in the element they are
// of.
TEST_P(TileAttention, InfiniteValuesReachTheRowsThatSeeThem) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr int kPlace = kP + 10;
  for (const int window : {0, 6}) {
    const AttentionProblem sound = branching(shape_of(4, 1, 32, window));
    AttentionProblem problem = sound;
    problem.element = [](Part part, int sequence, int position, int column) {
      if (part == Part::value && position == kPlace && column == 7) return -kInfinity;
      return scattered(part, sequence, position, column);
    };
    std::vector<AskingRow> rows;
    for (int position = kP; position < kP + 20; ++position) rows.push_back({0, position});
    const FilledPages pages(family(), problem, true);
    const FilledPages sound_pages(family(), sound, true);
    const auto expected = attend(family(), sound, rows, sound_pages);
    const auto out = attend(family(), problem, rows, pages);
    for (size_t r = 0; r < rows.size(); ++r) {
      const int position = rows[r].position;
      const bool sees = position >= kPlace && (window == 0 || position - window < kPlace);
      for (size_t c = 0; c < out[r].size(); ++c) {
        EXPECT_EQ(out[r][c], sees && c % 32 == 7 ? -kInfinity : expected[r][c]) << r << ", " << c;
      }
    }
  }
}

TEST_P(TileAttention, CopiesTheFirstPositions) {
  const AttentionProblem problem{.shape = shape_of(4, 2, 64), .length = kP, .element = scattered};
  AttentionProblem other = problem;
  other.element = [](Part part, int sequence, int position, int column) {
    return part == Part::query ? scattered(part, sequence, position, column) : 77.0F;
  };
  for (const int copies : {1, 5, 16, 33, kP}) {
    AttentionProblem mixed = problem;
    mixed.element = [&](Part part, int sequence, int position, int column) {
      return (position < copies ? problem : other).element(part, sequence, position, column);
    };
    const FilledPages from(family(), problem, true);
    FilledPages to(family(), other, true);
    const FilledPages expected(family(), mixed, true);
    family().copy(problem.shape, from.pages()[0], copies, to.pages()[0]);
    EXPECT_EQ(std::memcmp(to.pages()[0], expected.pages()[0], family().page_bytes(problem.shape)), 0)
        << copies;
  }
}

// Rows in any order, several places for one row: as if each were written alone.
TEST_P(TileAttention, WritesRowsWhereTheStepSays) {
  const AttentionShape shape = shape_of(2, 2, 32);
  const int width = shape.kv_heads * shape.head_size;
  LaneValues values(40, 2 * width);
  for (int row = 0; row < 40; ++row) {
    for (int c = 0; c < 2 * width; ++c) values.at(row, c) = scattered(Part::key, 0, row, c);
  }
  std::vector<KeyValueWrite> writes;
  for (int i = 0; i < 25; ++i) writes.push_back({i + 7, 0, i + 20});         // over groups of rows and tiles
  for (int i = 0; i < 5; ++i) writes.push_back({39 - i, 1, i});              // against the order
  for (int i = 0; i < 5; ++i) writes.push_back({20, i % 2, 10 + i});         // one row, several places
  for (int i = 0; i < 4; ++i) writes.push_back({i, i < 2 ? 0 : 1, 40 + i});  // to another page in mid-run
  for (int i = 0; i < 4; ++i) writes.push_back({i + 8, 1, 50 + 2 * i});      // with gaps
  const size_t bytes = family().page_bytes(shape);
  std::vector<std::vector<std::byte>> together(2, std::vector<std::byte>(bytes));
  auto alone = together;
  const std::vector<std::byte*> places = {together[0].data(), together[1].data()};
  const std::vector<std::byte*> alone_places = {alone[0].data(), alone[1].data()};
  family().write(shape, values.view(), 0, width, writes, places);
  for (const KeyValueWrite& write : writes) {
    family().write(shape, values.view(), 0, width, {&write, 1}, alone_places);
  }
  EXPECT_EQ(together, alone);
}

}  // namespace
}  // namespace sizeup::cpu
