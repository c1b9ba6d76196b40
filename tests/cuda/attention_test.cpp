// Attention on a GPU: against float64 and against itself.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "tests/cuda/attention_run.h"

namespace sizeup::cuda {
namespace {

using cpu::exact_head;
using cpu::ExactHead;
using cpu::rounded_to_bfloat;
using cpu::scattered;
using Rows = std::vector<std::vector<float>>;

constexpr int kP = kPagePositions;
constexpr Precision kPrecisions[] = {Precision::float32, Precision::bfloat16};

cpu::AttentionShape shape_of(int heads, int kv_heads, int head_size, int window = 0, float cap = 0.0F) {
  return {.heads = heads,
          .kv_heads = kv_heads,
          .head_size = head_size,
          .scale = 1.0F / std::sqrt(static_cast<float>(head_size)),
          .cap = cap,
          .window = window};
}

// Every kernel, head sizes that need padding, groups that fill tiles and that do not, windows that begin
// within pages and chunks, caps.
std::vector<cpu::AttentionShape> shapes() {
  return {shape_of(2, 2, 8),        shape_of(3, 1, 5),           shape_of(6, 2, 16),
          shape_of(2, 1, 32),       shape_of(4, 2, 40),          shape_of(4, 1, 64),
          shape_of(9, 3, 64),       shape_of(20, 1, 7),          shape_of(2, 2, 80),
          shape_of(2, 1, 96),       shape_of(1, 1, 112),         shape_of(4, 1, 128),
          shape_of(2, 1, 192),      shape_of(3, 1, 256),         shape_of(2, 2, 320),
          shape_of(4, 2, 16, 20),   shape_of(3, 1, 6, kP + 1),   shape_of(4, 1, 64, 5 * kP),
          shape_of(4, 1, 16, 0, 3), shape_of(2, 1, 256, 300, 2), shape_of(2, 1, 24, 1)};
}

std::string name_of(Precision precision, const cpu::AttentionShape& shape) {
  return std::string(precision_name(precision)) + ", " + std::to_string(shape.heads) + "/" +
         std::to_string(shape.kv_heads) + "/" + std::to_string(shape.head_size) + " window " +
         std::to_string(shape.window) + " cap " + std::to_string(shape.cap);
}

// Three sequences that part within a page of the second chunk.
AttentionProblem branching(const cpu::AttentionShape& shape) {
  return {.shape = shape, .prefix = 5 * kP + 5, .sequences = 3, .length = 9 * kP + 9, .element = scattered};
}
std::vector<AskingRow> edge_rows(size_t count) {
  std::vector<AskingRow> rows;
  for (const int position : {9 * kP + 8, 0, kP - 1, kP, 4 * kP - 1, 4 * kP, 8 * kP})
    rows.push_back({0, position});
  for (const int sequence : {1, 2}) {
    for (int position = 8 * kP - 9; position < 8 * kP + 9; ++position) rows.push_back({sequence, position});
  }
  rows.resize(count);
  return rows;
}

// Queries as kernels of bfloat16 read them.
AttentionProblem with_rounded_queries(AttentionProblem problem, Precision precision) {
  if (precision == Precision::float32) return problem;
  problem.element = [element = problem.element](Part part, int sequence, int position, int column) {
    const float x = element(part, sequence, position, column);
    return part == Part::query ? rounded_to_bfloat(x) : x;
  };
  return problem;
}

// Twice what exact_head() allows for sums in float32, as scores are multiplied by log2(e), too. In bfloat16
// tensor cores may cut where they should round, and a weight is off by 2^-9 of itself where values are summed
// and where weights are; `magnitude` is the greatest of a value.
double bound_of(const ExactHead& exact, size_t column, Precision precision, double magnitude) {
  if (precision == Precision::float32) return 2.0 * exact.bound[column];
  return 4.0 * exact.bound[column] + 0x1p-8 * magnitude;
}

void expect_near(const AttentionProblem& problem, std::span<const AskingRow> rows, Precision precision,
                 const Rows& out, double magnitude = 2.0) {
  const AttentionProblem rounded = with_rounded_queries(problem, precision);
  const auto size = static_cast<size_t>(problem.shape.head_size);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (int head = 0; head < problem.shape.heads; ++head) {
      const ExactHead exact = exact_head(rounded, rows[r], head, precision == Precision::bfloat16);
      for (size_t d = 0; d < size; ++d) {
        ASSERT_NEAR(out[r][static_cast<size_t>(head) * size + d], exact.out[d],
                    bound_of(exact, d, precision, magnitude))
            << name_of(precision, problem.shape) << ", row " << r << ", head " << head << ", column " << d;
      }
    }
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class CudaAttention : public OnGpu {};

TEST_F(CudaAttention, AgreesWithFloat64AtEveryRowCount) {
  for (const cpu::AttentionShape& shape : shapes()) {
    for (const Precision precision : kPrecisions) {
      const AttentionProblem problem = branching(shape);
      const DevicePages pages(problem, precision, true);
      const Rows all = attend(problem, edge_rows(33), pages);
      expect_near(problem, edge_rows(33), precision, all);
      for (const size_t count : {1U, 15U, 16U, 17U, 31U}) {
        const Rows some = attend(problem, edge_rows(count), pages);
        for (size_t r = 0; r < count; ++r) {
          ASSERT_TRUE(same_bits(some[r], all[r]))
              << name_of(precision, shape) << ", row " << r << " of " << count;
        }
      }
    }
  }
}

TEST_F(CudaAttention, AgreesWithFloat64OnAWholePrompt) {
  for (const Precision precision : kPrecisions) {
    const AttentionProblem problem{.shape = shape_of(6, 2, 16), .length = 5 * kP - 3, .element = scattered};
    std::vector<AskingRow> rows;
    for (int position = 0; position < problem.length; ++position) rows.push_back({0, position});
    expect_near(problem, rows, precision, attend(problem, rows, DevicePages(problem, precision, true)));
  }
}

// Sinks below all scores, among them and above them.
TEST_F(CudaAttention, SinksTakeTheirShareOfTheWeight) {
  for (const cpu::AttentionShape& shape : {shape_of(6, 2, 16), shape_of(10, 2, 64), shape_of(20, 1, 7),
                                           shape_of(4, 2, 128, 20), shape_of(5, 1, 256)}) {
    for (const Precision precision : kPrecisions) {
      AttentionProblem problem = branching(shape);
      for (int head = 0; head < shape.heads; ++head) {
        problem.sinks.push_back(static_cast<float>(head % 5) * 5.0F - 10.0F);
      }
      const DevicePages pages(problem, precision, true);
      const Rows out = attend(problem, edge_rows(20), pages);
      expect_near(problem, edge_rows(20), precision, out);
      const Rows alone = attend(problem, edge_rows(1), pages);
      EXPECT_TRUE(same_bits(alone[0], out[0])) << name_of(precision, shape);
    }
  }
}

// One element carries the score exactly, so that it may be anything.
TEST_F(CudaAttention, KeepsTrackOfAnyMaximum) {
  const std::vector<std::function<float(int)>> scores = {
      [](int p) { return 128.0F * static_cast<float>(p); },                    // grows beyond what e^x holds
      [](int p) { return -128.0F * static_cast<float>(p); },                   // all weight on the first
      [](int) { return -60416.0F; },                                           // equal, far from zero
      [](int p) { return p % kP == kP - 1 ? 0.0F : -100.0F; },                 // underflow within a page
      [](int p) { return p == 0 ? 80.0F : static_cast<float>(p % 7); },        // underflow of all later pages
      [](int p) { return p / kP == 5 ? 100.0F : static_cast<float>(p % 5); },  // up, then down
  };
  for (const auto& score : scores) {
    cpu::AttentionShape shape = shape_of(4, 1, 16);
    shape.scale = 1.0F;
    const AttentionProblem problem{.shape = shape,
                                   .length = 8 * kP + 5,
                                   .element = [&score](Part part, int sequence, int position, int column) {
                                     if (part == Part::value)
                                       return scattered(part, sequence, position, column);
                                     if (column % 16 != 3) return 0.0F;
                                     return part == Part::query ? 1.0F : score(position);
                                   }};
    std::vector<AskingRow> rows;
    for (int position = problem.length - 1; position >= 0; position -= 15) rows.push_back({0, position});
    for (const Precision precision : kPrecisions) {
      const DevicePages pages(problem, precision, true);
      expect_near(problem, rows, precision, attend(problem, rows, pages));
      for (size_t r = 0; r < rows.size(); r += 9) {
        const auto row = std::span(rows).subspan(r, 1);
        expect_near(problem, row, precision, attend(problem, row, pages));
      }
    }
  }
}

// Few and many multiprocessors, with and without room for states: whole rows, pieces, shared chunks.
TEST_F(CudaAttention, GivesTheSameBitsHoweverRowsAreSharedOut) {
  const PlanLimits limits[] = {{.multiprocessors = 1, .slots = 100'000},
                               {.multiprocessors = 8, .slots = 100'000},
                               {.multiprocessors = 1000, .slots = 100'000},
                               {.multiprocessors = 1000, .slots = 0}};
  for (const cpu::AttentionShape& shape : shapes()) {
    for (const Precision precision : kPrecisions) {
      const AttentionProblem problem = branching(shape);
      const DevicePages shared(problem, precision, true);
      const DevicePages copied(problem, precision, false);
      auto rows = edge_rows(43);
      for (int position = 100; position < 200; ++position) rows.push_back({2, position});
      const Rows expected = attend(problem, rows, copied, limits[3]);
      std::mt19937 random(1);
      for (int round = 0; round < 4; ++round) {
        std::vector<size_t> order(rows.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        if (round > 0) std::shuffle(order.begin(), order.end(), random);
        if (round > 2) order.resize(1 + random() % order.size());
        std::vector<AskingRow> picked;
        for (const size_t i : order) picked.push_back(rows[i]);
        const DevicePages& pages = round % 2 == 0 ? shared : copied;
        for (const PlanLimits& limit : limits) {
          const Rows out = attend(problem, picked, pages, limit);
          for (size_t i = 0; i < order.size(); ++i) {
            ASSERT_TRUE(same_bits(out[i], expected[order[i]]))
                << name_of(precision, shape) << ", row " << order[i] << ", round " << round << ", "
                << limit.multiprocessors << " multiprocessors";
          }
        }
      }
      for (size_t i = 0; i < rows.size(); i += 11) {
        const Rows alone = attend(problem, std::span(rows).subspan(i, 1), copied, limits[i % 4]);
        ASSERT_TRUE(same_bits(alone[0], expected[i]))
            << name_of(precision, shape) << ", row " << i << " alone";
      }
    }
  }
}

// What lies behind a row's position, or in a sequence that shares its tile, may be infinite or no number.
TEST_F(CudaAttention, LeavesRowsAloneThatDoNotSeeAKey) {
  for (const cpu::AttentionShape& shape : {shape_of(4, 1, 16), shape_of(4, 1, 128), shape_of(2, 2, 256)}) {
    for (const Precision precision : kPrecisions) {
      const AttentionProblem sound = branching(shape);
      AttentionProblem problem = sound;
      problem.element = [](Part part, int sequence, int position, int column) {
        if (part != Part::query && position == 6 * kP + 3) return std::numeric_limits<float>::infinity();
        if (part != Part::query && sequence == 2 && position > 5 * kP + 5)
          return std::numeric_limits<float>::quiet_NaN();
        return scattered(part, sequence, position, column);
      };
      std::vector<AskingRow> rows;
      for (const int sequence : {0, 2, 1}) {
        for (int position = 6 * kP - 2; position < 6 * kP + 6; ++position)
          rows.push_back({sequence, position});
      }
      const Rows out = attend(problem, rows, DevicePages(problem, precision, true));
      const Rows expected = attend(sound, rows, DevicePages(sound, precision, true));
      for (size_t r = 0; r < rows.size(); ++r) {
        if (rows[r].sequence == 2 || rows[r].position >= 6 * kP + 3) {
          EXPECT_FALSE(std::isfinite(out[r][0])) << name_of(precision, shape) << ", row " << r;
        } else {
          EXPECT_TRUE(same_bits(out[r], expected[r])) << name_of(precision, shape) << ", row " << r;
        }
      }
    }
  }
}

TEST_F(CudaAttention, RoundsOutputsForProducts) {
  for (const cpu::AttentionShape& shape : {shape_of(4, 1, 64), shape_of(3, 1, 7), shape_of(2, 2, 320)}) {
    const AttentionProblem problem = branching(shape);
    const DevicePages pages(problem, Precision::bfloat16, true);
    for (const PlanLimits& limits : {kRoomy, PlanLimits{.multiprocessors = 1, .slots = 0}}) {
      Rows expected = attend(problem, edge_rows(33), pages, limits);
      for (std::vector<float>& row : expected) std::ranges::transform(row, row.begin(), rounded_to_bfloat);
      EXPECT_EQ(attend(problem, edge_rows(33), pages, limits, true), expected) << shape.head_size;
    }
  }
}

TEST_F(CudaAttention, PagesAreCopiedUpToAPosition) {
  for (const Precision precision : kPrecisions) {
    const AttentionProblem problem{.shape = shape_of(4, 2, 40), .length = 2 * kP, .element = scattered};
    const DevicePages pages(problem, precision, true);
    AttentionProblem mixed = problem;
    mixed.element = [](Part part, int sequence, int position, int column) {
      const bool is_copied = part != Part::query && kP <= position && position < kP + 37;
      return scattered(part, sequence, is_copied ? position - kP : position, column);
    };
    const std::vector<AskingRow> rows = {{0, kP + 36}, {0, 2 * kP - 1}};
    const Rows expected = attend(problem, rows, DevicePages(mixed, precision, true));
    const PageCopy copy{.from = pages.tables()[0][0], .to = pages.tables()[0][1], .positions = 37};
    const GpuMemory<PageCopy> copies(std::span(&copy, 1));
    const GpuMemory<PageHalf> halves(pages.layout().halves());
    copy_pages({.memory = pages.memory(),
                .page_bytes = pages.layout().page_bytes(),
                .halves = halves.data(),
                .half_count = static_cast<int>(pages.layout().halves().size()),
                .copies = copies.data(),
                .copy_count = 1},
               nullptr);
    check(cudaDeviceSynchronize());
    EXPECT_EQ(attend(problem, rows, pages), expected);
  }
}

}  // namespace
}  // namespace sizeup::cuda
