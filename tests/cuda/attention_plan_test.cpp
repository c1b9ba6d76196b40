// The plan of attention: what items see, and where states go.
#include "backends/cuda/attention_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "tests/support/attention_problem.h"

namespace sizeup::cuda {
namespace {

using cpu::AskingRow;
using cpu::step_of;

constexpr int kP = kPagePositions;
constexpr int kChunk = kChunkPages * kP;

// A tree of texts: each shares some pages with the one before it.
std::vector<std::vector<int32_t>> random_tables(std::mt19937& random, int count, int pages) {
  std::vector<std::vector<int32_t>> tables;
  int32_t next = 0;
  for (int t = 0; t < count; ++t) {
    std::vector<int32_t> table;
    if (t > 0) {
      table = tables.back();
      table.resize(random() % (table.size() + 1));
    }
    while (static_cast<int>(table.size()) < pages) table.push_back(next++);
    tables.push_back(table);
  }
  return tables;
}

// Checks all that kernels rely on.
class PlanCheck {
 public:
  PlanCheck(const Step& step, const PlanShape& shape, const PlanLimits& limits)
      : step_(step), shape_(shape), plan_(step, shape, limits), view_(plan_.view(plan_.words().data())) {
    EXPECT_LE(plan_.parts().slots, limits.slots);
  }

  const PlanView& view() const { return view_; }
  int items() const { return view_.parts.narrow_items + view_.parts.wide_items; }

  void run() {
    for (int i = 0; i < items(); ++i) check_item(i);
    for (int row = 0; row < step_.rows(); ++row) check_row(row);
    check_slots();
  }

 private:
  int position(int row) const { return step_.positions[static_cast<size_t>(row)]; }
  int first_of(int row) const { return first_seen(position(row), shape_.window); }

  void check_item(int index) {
    const AttentionItem& item = view_.items[index];
    const bool is_narrow = index < view_.parts.narrow_items;
    ASSERT_GE(item.lanes, 1);
    ASSERT_LE(item.lanes, is_narrow ? shape_.narrow_lanes : shape_.wide_lanes);
    ASSERT_GE(item.pages, 1);
    if (index > 0 && index != view_.parts.narrow_items) {
      ASSERT_GE(view_.items[index - 1].pages, item.pages) << "the longest come first";
    }
    const int begin = item.first_page * kP;
    const int end = begin + item.pages * kP;
    ASSERT_LE(begin, item.key_begin);
    ASSERT_LE(item.key_end, end);
    for (int lane = 0; lane < item.lanes; ++lane) check_lane(item, lane, begin, end);
  }

  void check_lane(const AttentionItem& item, int lane, int begin, int end) {
    const int row = lane_row(item, lane, shape_.group());
    const int head = lane_head(item, lane, shape_.group());
    ASSERT_LT(row, step_.rows());
    const auto table = step_.table(step_.tables[static_cast<size_t>(row)]);
    const int from = std::max(begin, first_of(row));
    const int to = std::min(end, position(row) + 1);
    if (item.common_begin < item.common_end) {
      ASSERT_LE(first_of(row), item.common_begin);
      ASSERT_LE(item.common_end, position(row) + 1);
    }
    if (from < to) {
      ASSERT_LE(item.key_begin, from);
      ASSERT_LE(to, item.key_end);
      seen_[{row, head}].emplace_back(from, to);
    }
    for (int page = from / kP; page * kP < to; ++page) {
      ASSERT_EQ(step_.pages[static_cast<size_t>(item.page_begin + page - item.first_page)],
                table[static_cast<size_t>(page)]);
    }
    if (item.result == ItemResult::output) {
      ASSERT_EQ(states_of(row).slots, 0);
      ASSERT_EQ(from, first_of(row));
      ASSERT_EQ(to, position(row) + 1);
    } else if (item.result == ItemResult::folded) {
      ASSERT_EQ(from, first_of(row));
      ASSERT_TRUE(end % kChunk == 0 || to == position(row) + 1) << "a chunk is whole";
      written_[{row, head}].push_back(states_of(row).first_slot);
    } else {
      for (int chunk = begin / kChunk; chunk * kChunk < end; ++chunk) {
        const int first = std::max(from, chunk * kChunk);
        const int last = std::min(to, (chunk + 1) * kChunk);
        if (first >= last) continue;
        // One item has all that the row sees of the chunk.
        ASSERT_TRUE(first == chunk * kChunk || first == first_of(row));
        ASSERT_TRUE(last == (chunk + 1) * kChunk || last == position(row) + 1);
        written_[{row, head}].push_back(state_slot(states_of(row), chunk));
      }
    }
  }

  RowStates states_of(int row) const { return view_.states == nullptr ? RowStates{} : view_.states[row]; }

  // Every head of the row sees all of its positions once, and fills its slots in the order of chunks.
  void check_row(int row) {
    const std::set<int32_t> merged(view_.merged_rows, view_.merged_rows + view_.parts.merged_rows);
    ASSERT_EQ(merged.contains(row), states_of(row).slots > 0);
    for (int head = 0; head < shape_.group(); ++head) {
      auto& seen = seen_[{row, head}];
      std::ranges::sort(seen);
      int next = first_of(row);
      for (const auto& [from, to] : seen) {
        ASSERT_EQ(from, next);
        next = to;
      }
      ASSERT_EQ(next, position(row) + 1);
      std::vector<int>& written = written_[{row, head}];
      std::ranges::sort(written);
      ASSERT_EQ(static_cast<int>(written.size()), states_of(row).slots);
      for (size_t i = 0; i < written.size(); ++i) {
        ASSERT_EQ(written[i], states_of(row).first_slot + static_cast<int>(i));
      }
    }
  }

  void check_slots() {
    int64_t slots = 0;
    for (int row = 0; row < step_.rows() && view_.states != nullptr; ++row) {
      ASSERT_EQ(states_of(row).first_slot, slots);
      slots += states_of(row).slots;
    }
    ASSERT_EQ(slots, view_.parts.slots);
  }

  const Step& step_;
  const PlanShape& shape_;
  AttentionPlan plan_;
  PlanView view_;
  // Of a row's head.
  std::map<std::pair<int, int>, std::vector<std::pair<int, int>>> seen_;  // positions [from, to) of each item
  std::map<std::pair<int, int>, std::vector<int>> written_;               // slots
};

PlanShape heads_of(int heads, int kv_heads, int window = 0, int wide_lanes = 128) {
  return {
      .heads = heads, .kv_heads = kv_heads, .window = window, .narrow_lanes = 16, .wide_lanes = wide_lanes};
}

TEST(CudaAttentionPlan, EveryLaneSeesItsPositionsOnce) {
  std::mt19937 random(5);
  for (const PlanShape& shape : {heads_of(1, 1), heads_of(6, 2), heads_of(4, 1), heads_of(40, 1),
                                 heads_of(15, 3, 5), heads_of(2, 1, kP), heads_of(3, 3, 2 * kChunk + 2),
                                 heads_of(4, 1, 3 * kP), heads_of(8, 2, 0, 16), heads_of(8, 1, 0, 64)}) {
    for (int round = 0; round < 12; ++round) {
      const auto tables = random_tables(random, 8, 14);
      std::vector<AskingRow> rows;
      const int runs = 1 + static_cast<int>(random() % 9);
      int sequence = 0;
      for (int run = 0; run < runs; ++run) {
        // Neighbours in the tree, or any.
        sequence = round % 3 == 0 ? static_cast<int>(random() % 8) : std::min(sequence + 1, 7);
        const int count = 1 + static_cast<int>(random() % (round % 2 == 0 ? 90 : 3));
        const int first = static_cast<int>(random() % static_cast<unsigned>(13 * kP));
        for (int i = 0; i < count; ++i) rows.push_back({sequence, std::min(first + i, 14 * kP - 1)});
      }
      const Step step = step_of(rows, tables);
      for (const int processors : {1, 132}) {
        for (const int64_t slots : {0, 20, 100'000}) {
          PlanCheck(step, shape, {.multiprocessors = processors, .slots = slots}).run();
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Streams that go on from one prompt: its whole chunks are read once for all of them.
TEST(CudaAttentionPlan, RowsOfManyTextsShareTheChunksOfTheirPrompt) {
  constexpr int kStreams = 40;
  std::vector<std::vector<int32_t>> tables;
  for (int t = 0; t < kStreams; ++t) {
    std::vector<int32_t> table = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    table.push_back(9 + t);
    tables.push_back(table);
  }
  std::vector<AskingRow> rows;
  for (int t = 0; t < kStreams; ++t) rows.push_back({t, 9 * kP + t});
  const Step step = step_of(rows, tables);
  const PlanShape shape = heads_of(4, 1);
  PlanCheck check(step, shape, {.multiprocessors = 1, .slots = 1000});
  check.run();
  int prompt_items = 0;
  int lanes = 0;
  for (int i = 0; i < check.items(); ++i) {
    const AttentionItem& item = check.view().items[i];
    if (item.first_page > 0) continue;
    ++prompt_items;
    lanes += item.lanes;
    EXPECT_EQ(item.pages, 8);
    EXPECT_EQ(item.result, ItemResult::folded);
  }
  EXPECT_EQ(prompt_items, 2);  // of 128 and 32 lanes
  EXPECT_EQ(lanes, 4 * kStreams);
  EXPECT_EQ(check.view().parts.slots, 2 * kStreams);
}

// One stream keeps many multiprocessors busy; many streams need no states.
TEST(CudaAttentionPlan, FewRowsAreCutAndManyAreNot) {
  const PlanShape shape = heads_of(4, 1);
  const std::vector<AskingRow> one = {{0, 8 * kChunk - 1}};
  std::mt19937 random(1);
  const auto tables = random_tables(random, 1, 8 * kChunkPages);
  const Step alone = step_of(one, tables);
  const PlanCheck cut(alone, shape, {.multiprocessors = 100, .slots = 1000});
  EXPECT_EQ(cut.items(), 8);
  EXPECT_EQ(cut.view().parts.slots, 8);

  std::vector<std::vector<int32_t>> apart;
  std::vector<AskingRow> rows;
  for (int t = 0; t < 200; ++t) {
    std::vector<int32_t>& table = apart.emplace_back();
    for (int i = 0; i < 8 * kChunkPages; ++i) table.push_back(8 * kChunkPages * t + i);
    rows.push_back({t, 8 * kChunk - 1});
  }
  const Step many = step_of(rows, apart);
  const PlanCheck whole(many, shape, {.multiprocessors = 10, .slots = 100'000});
  EXPECT_EQ(whole.items(), 200);
  EXPECT_EQ(whole.view().parts.slots, 0);
}

}  // namespace
}  // namespace sizeup::cuda
