// Attention of the CPU device: every family of the tiers this machine has, against float64 and against
// itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include "backends/cpu/kernels.h"
#include "tests/support/attention_problem.h"
#include "tests/support/vector_tiers.h"

namespace sizeup::cpu {
namespace {

constexpr int kP = kPagePositions;

struct TestedFamily {
  const AttentionFamily* family;
  bool rounded;  // keys and values are bfloat16
};

std::vector<TestedFamily> families() {
  std::vector<TestedFamily> all;
  for (const CpuTierEntry& entry : vector_tiers()) {
    if (why_unsupported(entry.tier)) continue;
    const Kernels& kernels = kernels_of(entry.tier);
    all.push_back({kernels.attention(Precision::float32).back(), false});
    all.push_back({kernels.attention(Precision::bfloat16).back(), true});
  }
  return all;
}

AttentionShape shape_of(int heads, int kv_heads, int head_size, int window = 0, float cap = 0.0F) {
  return {.heads = heads,
          .kv_heads = kv_heads,
          .head_size = head_size,
          .scale = 1.0F / std::sqrt(static_cast<float>(head_size)),
          .cap = cap,
          .window = window};
}

// Odd and awkward head sizes, groups that fill tiles and that do not, more heads than lanes, windows and
// caps.
std::vector<AttentionShape> shapes() {
  return {shape_of(2, 2, 6),
          shape_of(3, 1, 5),
          shape_of(6, 2, 16),
          shape_of(4, 1, 64),
          shape_of(2, 2, 80),
          shape_of(4, 1, 128),
          shape_of(9, 3, 64),
          shape_of(20, 1, 7),
          shape_of(4, 2, 16, 20),
          shape_of(3, 1, 6, kP + 1),
          shape_of(4, 1, 16, 0, 3),
          shape_of(3, 3, 9, 0, 2),
          shape_of(8, 2, 80, 30, 5.0F),
          shape_of(2, 1, 24, 1)};
}

std::string name_of(const TestedFamily& tested, const AttentionShape& shape) {
  return std::string(tested.family->name) + ", " + std::to_string(shape.heads) + "/" +
         std::to_string(shape.kv_heads) + "/" + std::to_string(shape.head_size) + " window " +
         std::to_string(shape.window) + " cap " + std::to_string(shape.cap);
}

// Three sequences that part within a page; rows at the edges of pages and in between.
AttentionProblem branching(const AttentionShape& shape) {
  return {.shape = shape, .prefix = kP + 5, .sequences = 3, .length = 3 * kP + 9, .element = scattered};
}
// Sinks below all scores, among them and above them.
AttentionProblem with_sinks(const AttentionShape& shape) {
  AttentionProblem problem = branching(shape);
  for (int head = 0; head < shape.heads; ++head)
    problem.sinks.push_back(static_cast<float>(head % 5) * 5.0F - 10.0F);
  return problem;
}
std::vector<AskingRow> edge_rows(size_t count) {
  std::vector<AskingRow> rows;
  for (const int position : {0, kP - 1, kP, kP + 1, 2 * kP - 1, 2 * kP, 3 * kP + 8})
    rows.push_back({0, position});
  for (int sequence : {1, 2}) {
    for (int position = 2 * kP - 9; position < 2 * kP + 9; ++position) rows.push_back({sequence, position});
  }
  rows.resize(count);
  return rows;
}

// [row][head]
using ExactRows = std::vector<std::vector<ExactHead>>;

ExactRows exact_rows(const AttentionProblem& problem, std::span<const AskingRow> rows, bool rounded) {
  ExactRows exact;
  for (const AskingRow& row : rows) {
    std::vector<ExactHead>& heads = exact.emplace_back();
    for (int head = 0; head < problem.shape.heads; ++head) {
      heads.push_back(exact_head(problem, row, head, rounded));
    }
  }
  return exact;
}

// The output of the first rows of `exact`.
void expect_near(const ExactRows& exact, const std::vector<std::vector<float>>& out, const std::string& name,
                 double relative = 0.0) {
  for (size_t r = 0; r < out.size(); ++r) {
    size_t column = 0;
    for (const ExactHead& head : exact[r]) {
      for (size_t d = 0; d < head.out.size(); ++d, ++column) {
        ASSERT_NEAR(out[r][column], head.out[d], head.bound[d] + relative * std::abs(head.out[d]))
            << name << ", row " << r << ", column " << column;
      }
    }
  }
}

std::vector<PlanOptions> placements() {
  return {{.placement = TilePlacement::cheapest},
          {.placement = TilePlacement::cheapest, .lone_rows = true},
          {.placement = TilePlacement::aligned},
          {.placement = TilePlacement::compact},
          {.placement = TilePlacement::compact, .lone_rows = true}};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Attention, AgreesWithFloat64AtEveryRowCount) {
  for (const AttentionShape& shape : shapes()) {
    const AttentionProblem problem = branching(shape);
    const ExactRows exact[] = {exact_rows(problem, edge_rows(33), false),
                               exact_rows(problem, edge_rows(33), true)};
    for (const TestedFamily& tested : families()) {
      const FilledPages pages(*tested.family, problem, true);
      for (const size_t count : {1U, 15U, 16U, 17U, 31U, 33U}) {
        expect_near(exact[tested.rounded], attend(*tested.family, problem, edge_rows(count), pages),
                    name_of(tested, shape));
      }
    }
  }
}

TEST(Attention, SinksTakeTheirShareOfTheWeight) {
  for (const AttentionShape& shape : {shape_of(6, 2, 16), shape_of(3, 1, 5), shape_of(9, 3, 64),
                                      shape_of(20, 1, 7), shape_of(4, 2, 16, 20)}) {
    const AttentionProblem problem = with_sinks(shape);
    const ExactRows exact[] = {exact_rows(problem, edge_rows(33), false),
                               exact_rows(problem, edge_rows(33), true)};
    for (const TestedFamily& tested : families()) {
      const FilledPages pages(*tested.family, problem, true);
      const auto expected = attend(*tested.family, problem, edge_rows(33), pages);
      for (const size_t count : {1U, 15U, 33U}) {
        for (const PlanOptions& options : placements()) {
          const auto out = attend(*tested.family, problem, edge_rows(count), pages, options);
          expect_near(exact[tested.rounded], out, name_of(tested, shape));
          for (size_t r = 0; r < count; ++r) EXPECT_TRUE(same_bits(out[r], expected[r])) << r;
        }
      }
    }
  }
}

TEST(Attention, AgreesWithFloat64OnAWholePrompt) {
  const AttentionProblem problem{.shape = shape_of(3, 1, 16), .length = 4 * kP - 3, .element = scattered};
  std::vector<AskingRow> rows;
  for (int position = 0; position < problem.length; ++position) rows.push_back({0, position});
  const ExactRows exact[] = {exact_rows(problem, rows, false), exact_rows(problem, rows, true)};
  for (const TestedFamily& tested : families()) {
    const FilledPages pages(*tested.family, problem, true);
    expect_near(exact[tested.rounded], attend(*tested.family, problem, rows, pages),
                name_of(tested, problem.shape));
  }
}

// bfloat16 is off by half a unit in the last of 8 bits, three of them by that of 24.
TEST(Attention, WritesEveryFormatOfOperands) {
  const struct {
    OperandFormat format;
    double relative;
  } formats[] = {{OperandFormat::floats, 0.0},
                 {OperandFormat::rounded_floats, 0x1p-8},
                 {OperandFormat::pairs, 0x1p-8},
                 {OperandFormat::split_pairs, 0x1p-23}};
  for (const AttentionShape& shape : {shape_of(4, 2, 16), shape_of(3, 1, 5), shape_of(3, 3, 7)}) {
    const AttentionProblem problem = branching(shape);
    const ExactRows exact[] = {exact_rows(problem, edge_rows(33), false),
                               exact_rows(problem, edge_rows(33), true)};
    for (const TestedFamily& tested : families()) {
      const FilledPages pages(*tested.family, problem, true);
      for (const auto& [format, relative] : formats) {
        for (const size_t count : {1U, 15U, 33U}) {
          for (const PlanOptions& options : placements()) {
            expect_near(exact[tested.rounded],
                        attend(*tested.family, problem, edge_rows(count), pages, options, format),
                        name_of(tested, shape), relative);
          }
        }
      }
    }
  }
}

// Aligned tiles store vectors where compact ones store values: the rounding is the same.
TEST(Attention, RoundsTheSameInAlignedAndCompactTiles) {
  for (const TestedFamily& tested : families()) {
    const AttentionProblem problem = branching(shape_of(3, 1, 5));
    const FilledPages pages(*tested.family, problem, true);
    const auto rows = edge_rows(33);
    for (const OperandFormat format :
         {OperandFormat::rounded_floats, OperandFormat::pairs, OperandFormat::split_pairs}) {
      const auto aligned =
          attend(*tested.family, problem, rows, pages, {.placement = TilePlacement::aligned}, format);
      const auto compact =
          attend(*tested.family, problem, rows, pages, {.placement = TilePlacement::compact}, format);
      for (size_t r = 0; r < rows.size(); ++r) EXPECT_TRUE(same_bits(aligned[r], compact[r])) << r;
    }
  }
}

// One element carries the score exactly, so that it may be anything.
AttentionProblem with_scores(std::function<float(int position)> score) {
  AttentionShape shape = shape_of(4, 1, 16);
  shape.scale = 1.0F;
  return {.shape = shape,
          .length = 3 * kP + 5,
          .element = [score = std::move(score)](Part part, int sequence, int position, int column) {
            if (part == Part::value) return scattered(part, sequence, position, column);
            if (column % 16 != 3) return 0.0F;
            return part == Part::query ? 1.0F : score(position);
          }};
}

TEST(Attention, KeepsTrackOfAnyMaximum) {
  const std::vector<std::function<float(int)>> scores = {
      [](int p) { return 128.0F * static_cast<float>(p); },                    // grows beyond what e^x holds
      [](int p) { return -128.0F * static_cast<float>(p); },                   // all weight on the first
      [](int) { return -60000.0F; },                                           // equal, far from zero
      [](int) { return 3.0F; },                                                // equal
      [](int p) { return p % kP == kP - 1 ? 0.0F : -100.0F; },                 // underflow within a page
      [](int p) { return p == 0 ? 80.0F : static_cast<float>(p % 7); },        // underflow of all later pages
      [](int p) { return p / kP == 1 ? 100.0F : static_cast<float>(p % 5); },  // up, then down
  };
  for (const auto& score : scores) {
    const AttentionProblem problem = with_scores(score);
    std::vector<AskingRow> rows;
    for (int position = problem.length - 1; position >= 0; position -= 5) rows.push_back({0, position});
    const ExactRows exact[] = {exact_rows(problem, rows, false), exact_rows(problem, rows, true)};
    for (const TestedFamily& tested : families()) {
      const FilledPages pages(*tested.family, problem, true);
      const std::string name = name_of(tested, problem.shape);
      expect_near(exact[tested.rounded], attend(*tested.family, problem, rows, pages), name);
      const auto alone =
          attend(*tested.family, problem, std::span(rows).first(1), pages, {.lone_rows = true});
      expect_near(exact[tested.rounded], alone, name);
    }
  }
}

TEST(Attention, GivesTheSameBitsHoweverRowsAreStacked) {
  for (const TestedFamily& tested : families()) {
    for (const AttentionShape& shape : shapes()) {
      const AttentionProblem problem = branching(shape);
      const FilledPages shared(*tested.family, problem, true);
      const FilledPages copied(*tested.family, problem, false);
      const auto rows = edge_rows(43);
      const auto expected =
          attend(*tested.family, problem, rows, shared, {.placement = TilePlacement::aligned});
      std::mt19937 random(1);
      for (int round = 0; round < 4; ++round) {
        std::vector<size_t> order(rows.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        if (round > 0) std::shuffle(order.begin(), order.end(), random);
        if (round > 2) order.resize(1 + random() % order.size());
        std::vector<AskingRow> picked;
        for (const size_t i : order) picked.push_back(rows[i]);
        for (const FilledPages* pages : {&shared, &copied}) {
          for (const PlanOptions& options : placements()) {
            const auto out = attend(*tested.family, problem, picked, *pages, options);
            for (size_t i = 0; i < order.size(); ++i) {
              ASSERT_TRUE(same_bits(out[i], expected[order[i]]))
                  << name_of(tested, shape) << ", row " << order[i];
            }
          }
        }
      }
      for (size_t i = 0; i < rows.size(); i += 7) {
        for (const PlanOptions& options : placements()) {
          const auto alone = attend(*tested.family, problem, std::span(rows).subspan(i, 1), copied, options);
          ASSERT_TRUE(same_bits(alone[0], expected[i]))
              << name_of(tested, shape) << ", row " << i << " alone";
        }
      }
    }
  }
}

// What lies behind a row's position, or in a sequence that shares its tile, may be infinite or no number.
TEST(Attention, LeavesRowsAloneThatDoNotSeeAKey) {
  for (const TestedFamily& tested : families()) {
    AttentionProblem problem = branching(shape_of(4, 1, 16));
    const AttentionProblem sound = problem;
    problem.element = [](Part part, int sequence, int position, int column) {
      if (part != Part::query && position == 2 * kP + 3) return std::numeric_limits<float>::infinity();
      if (part != Part::query && sequence == 2 && position > kP + 5)
        return std::numeric_limits<float>::quiet_NaN();
      return scattered(part, sequence, position, column);
    };
    std::vector<AskingRow> rows;
    for (const int sequence : {0, 2, 1}) {
      for (int position = 2 * kP - 2; position < 2 * kP + 6; ++position) rows.push_back({sequence, position});
    }
    const FilledPages pages(*tested.family, problem, true);
    const FilledPages sound_pages(*tested.family, sound, true);
    const auto expected = attend(*tested.family, sound, rows, sound_pages);
    for (const PlanOptions& options : placements()) {
      const auto out = attend(*tested.family, problem, rows, pages, options);
      for (size_t r = 0; r < rows.size(); ++r) {
        if (rows[r].sequence == 2 || rows[r].position >= 2 * kP + 3) {
          EXPECT_FALSE(std::isfinite(out[r][0])) << r;
        } else {
          EXPECT_TRUE(same_bits(out[r], expected[r])) << tested.family->name << ", row " << r;
        }
      }
    }
  }
}

TEST(AttentionPages, CopiesTheFirstPositions) {
  for (const TestedFamily& tested : families()) {
    const AttentionProblem problem{.shape = shape_of(4, 2, 7), .length = kP, .element = scattered};
    const FilledPages from(*tested.family, problem, true);
    AttentionProblem other = problem;
    other.element = [](Part part, int sequence, int position, int column) {
      return part == Part::query ? scattered(part, sequence, position, column) : 77.0F;
    };
    FilledPages to(*tested.family, other, true);
    const AskingRow row{0, 4};
    const auto expected = attend(*tested.family, problem, {&row, 1}, from);
    tested.family->copy(problem.shape, from.pages()[0], 5, to.pages()[0]);
    EXPECT_TRUE(same_bits(attend(*tested.family, problem, {&row, 1}, to)[0], expected[0]));
    // Positions behind them stay.
    AttentionProblem mixed = problem;
    mixed.element = [&](Part part, int sequence, int position, int column) {
      return (position < 5 ? problem : other).element(part, sequence, position, column);
    };
    const AskingRow last{0, kP - 1};
    const FilledPages mixed_pages(*tested.family, mixed, true);
    EXPECT_TRUE(same_bits(attend(*tested.family, other, {&last, 1}, to)[0],
                          attend(*tested.family, other, {&last, 1}, mixed_pages)[0]));
  }
}

// Rows in any order, several places for one row: as if each were written alone.
TEST(AttentionPages, WritesRowsWhereTheStepSays) {
  for (const TestedFamily& tested : families()) {
    const AttentionShape shape = shape_of(2, 2, 5);
    const int width = shape.kv_heads * shape.head_size;
    LaneValues values(40, 2 * width);
    for (int row = 0; row < 40; ++row) {
      for (int c = 0; c < 2 * width; ++c) values.at(row, c) = scattered(Part::key, 0, row, c);
    }
    std::vector<KeyValueWrite> writes;
    for (int i = 0; i < 25; ++i) writes.push_back({i + 7, 0, i % kP});         // over three groups of rows
    for (int i = 0; i < 5; ++i) writes.push_back({39 - i, 1, i});              // against the order
    for (int i = 0; i < 5; ++i) writes.push_back({20, i % 2, 30 + i});         // one row, several places
    for (int i = 0; i < 4; ++i) writes.push_back({i, i < 2 ? 0 : 1, 40 + i});  // to another page in mid-run
    for (int i = 0; i < 4; ++i) writes.push_back({i + 8, 1, 50 + 2 * i});      // with gaps
    for (KeyValueWrite& write : writes) write.offset %= kP;

    const size_t bytes = tested.family->page_bytes(shape);
    std::vector<std::vector<std::byte>> together(2, std::vector<std::byte>(bytes));
    auto alone = together;
    const std::vector<std::byte*> places = {together[0].data(), together[1].data()};
    const std::vector<std::byte*> alone_places = {alone[0].data(), alone[1].data()};
    tested.family->write(shape, values.view(), 0, width, writes, places);
    for (const KeyValueWrite& write : writes) {
      tested.family->write(shape, values.view(), 0, width, {&write, 1}, alone_places);
    }
    EXPECT_EQ(together, alone) << tested.family->name;
  }
}

}  // namespace
}  // namespace sizeup::cpu
