// The plan of attention: what lanes see, and what is visited once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "tests/support/attention_problem.h"

namespace sizeup::cpu {
namespace {

constexpr int kP = kPagePositions;

AttentionShape heads_of(int heads, int kv_heads, int window = 0) {
  return {.heads = heads, .kv_heads = kv_heads, .head_size = 8, .window = window};
}

// Tables of `count` sequences: `shared` pages in common, then `own` each.
std::vector<std::vector<int32_t>> tables_of(int count, int shared, int own) {
  std::vector<std::vector<int32_t>> tables;
  int32_t next = shared;
  for (int t = 0; t < count; ++t) {
    std::vector<int32_t>& table = tables.emplace_back();
    for (int i = 0; i < shared; ++i) table.push_back(i);
    for (int i = 0; i < own; ++i) table.push_back(next++);
  }
  return tables;
}

int64_t tile_visits(const AttentionPlan& plan) {
  int64_t visits = 0;
  for (const AttentionBlock& block : plan.blocks) {
    for (int v = block.first_visit; v < block.end_visit; ++v)
      visits += plan.visits[static_cast<size_t>(v)].tiles;
  }
  return visits;
}

// Checks all that a kernel relies on.
class PlanCheck {
 public:
  PlanCheck(const Step& step, const AttentionShape& shape, const AttentionPlan& plan)
      : step_(step), shape_(shape), plan_(plan) {}

  void run() {
    for (const AttentionBlock& block : plan_.blocks) check_block(block);
    EXPECT_EQ(done_.size(), static_cast<size_t>(step_.rows() * shape_.group()));
  }

 private:
  void check_block(const AttentionBlock& block) {
    ASSERT_GE(block.tiles, 1);
    ASSERT_LE(block.tiles, kBlockTiles);
    for (int t = 0; t < block.tiles; ++t) {
      const AttentionTile& tile = plan_.tiles[static_cast<size_t>(block.first_tile + t)];
      for (int i = 0; i < kLanes; ++i) {
        if (tile.aligned) {
          const int row = tile.group * kLanes + i;
          ASSERT_EQ(tile.rows[i], row < step_.rows() ? row : -1);
          ASSERT_EQ(tile.heads[i], tile.head);
        }
        if (tile.rows[i] < 0) continue;
        ASSERT_TRUE(done_.insert({tile.rows[i], tile.heads[i]}).second) << "a lane is done twice";
        check_lane(block, t, i, tile.rows[i]);
      }
    }
    for (int v = block.first_visit; v < block.end_visit; ++v)
      check_visit(plan_.visits[static_cast<size_t>(v)]);
  }

  // The lane sees its row's positions, in order, and nothing else.
  void check_lane(const AttentionBlock& block, int tile, int lane, int row) {
    const auto table = step_.table(step_.tables[static_cast<size_t>(row)]);
    const int position = step_.positions[static_cast<size_t>(row)];
    int next = shape_.window == 0 ? 0 : std::max(0, position - shape_.window + 1);
    for (int v = block.first_visit; v < block.end_visit; ++v) {
      const PageVisit& visit = plan_.visits[static_cast<size_t>(v)];
      const int at = tile * kLanes + lane;
      if (tile < visit.first_tile || tile >= visit.first_tile + visit.tiles) {
        ASSERT_TRUE(visit.bounds < 0 || plan_.bounds[static_cast<size_t>(visit.bounds)].to[at] == 0);
        continue;
      }
      const LaneBounds* bounds =
          visit.bounds < 0 ? nullptr : &plan_.bounds[static_cast<size_t>(visit.bounds)];
      const int from = bounds == nullptr ? 0 : bounds->from[at];
      const int to = bounds == nullptr ? visit.keys : std::min(bounds->to[at], visit.keys);
      ASSERT_EQ(from < to, (visit.lanes >> at & 1) != 0);
      if (from >= to) continue;
      ASSERT_EQ(visit.page, table[static_cast<size_t>(next / kP)]);
      ASSERT_EQ(from, next % kP);
      if (visit.common_from < visit.common_to) {
        ASSERT_LE(from, visit.common_from);
        ASSERT_GE(to, visit.common_to);
      }
      next += to - from;
    }
    ASSERT_EQ(next, position + 1);
  }

  static void check_visit(const PageVisit& visit) {
    ASSERT_GE(visit.keys, 1);
    ASSERT_LE(visit.keys, kP);
    ASSERT_GE(visit.tiles, 1);
    ASSERT_LE(0, visit.common_from);
    ASSERT_LE(visit.common_from, visit.common_to);
    ASSERT_LE(visit.common_to, visit.keys);
  }

  const Step& step_;
  const AttentionShape& shape_;
  const AttentionPlan& plan_;
  std::set<std::pair<int, int>> done_;
};

TEST(AttentionPlan, EveryLaneSeesItsPositions) {
  std::mt19937 random(3);
  for (const AttentionShape& shape :
       {heads_of(1, 1), heads_of(6, 2), heads_of(4, 1), heads_of(40, 1), heads_of(15, 3, 5),
        heads_of(2, 1, kP), heads_of(3, 3, kP + 2), heads_of(4, 1, 3 * kP)}) {
    for (int round = 0; round < 12; ++round) {
      const auto tables = tables_of(6, round % 3, 5);
      std::vector<AskingRow> rows;
      const int runs = 1 + static_cast<int>(random() % 9);
      for (int run = 0; run < runs; ++run) {
        const int sequence = static_cast<int>(random() % 6);
        const int count = 1 + static_cast<int>(random() % (round % 2 == 0 ? 30 : 3));
        const int first = static_cast<int>(random() % static_cast<unsigned>(4 * kP));
        for (int i = 0; i < count; ++i) rows.push_back({sequence, std::min(first + i, 5 * kP - 1)});
      }
      const Step step = step_of(rows, tables);
      for (const bool lone_rows : {false, true}) {
        for (const TilePlacement placement :
             {TilePlacement::cheapest, TilePlacement::aligned, TilePlacement::compact}) {
          const AttentionPlan plan =
              plan_attention(step, shape, {.placement = placement, .lone_rows = lone_rows});
          PlanCheck(step, shape, plan).run();
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(AttentionPlan, VisitsASharedPageOnce) {
  // Sequences 0 and 2 share more than either shares with 1, which comes between or before.
  const std::vector<std::vector<int32_t>> tables = {{9, 8, 7}, {9, 4, 5}, {9, 8, 6}};
  for (const std::vector<int>& order : {std::vector{0, 1, 2}, std::vector{1, 0, 2}, std::vector{2, 0, 1}}) {
    std::vector<AskingRow> rows;
    for (const int sequence : order) {
      for (int i = 0; i < 5; ++i) rows.push_back({sequence, 3 * kP - 1 - i});
    }
    const AttentionPlan plan =
        plan_attention(step_of(rows, tables), heads_of(1, 1), {.placement = TilePlacement::aligned});
    std::map<int32_t, int> visits;
    for (const PageVisit& visit : plan.visits) ++visits[visit.page];
    EXPECT_THAT(visits,
                testing::UnorderedElementsAre(testing::Pair(9, 1), testing::Pair(8, 1), testing::Pair(7, 1),
                                              testing::Pair(6, 1), testing::Pair(5, 1), testing::Pair(4, 1)));
  }
}

TEST(AttentionPlan, VisitsASharedPageOnceWhereWindowsBeginApart) {
  const std::vector<std::vector<int32_t>> tables = {{1, 2, 3, 4}, {1, 2, 3, 5}, {1, 2, 3, 6}};
  const std::vector<AskingRow> rows = {{0, 3 * kP}, {1, 2 * kP}, {2, 3 * kP}};
  const AttentionPlan plan =
      plan_attention(step_of(rows, tables), heads_of(1, 1, kP + 1), {.placement = TilePlacement::aligned});
  std::vector<int32_t> visited;
  for (const PageVisit& visit : plan.visits) visited.push_back(visit.page);
  EXPECT_THAT(visited, testing::ElementsAre(2, 3, 4, 6));
}

TEST(AttentionPlan, NeedsNoBoundsWhereAllLanesSeeAllKeys) {
  std::vector<AskingRow> rows;
  for (int i = 0; i < 16; ++i) rows.push_back({0, 3 * kP + i});
  const AttentionPlan plan = plan_attention(step_of(rows, tables_of(1, 0, 4)), heads_of(2, 1));
  ASSERT_EQ(plan.visits.size(), 4U);
  for (size_t v = 0; v < 3; ++v) {
    EXPECT_EQ(plan.visits[v].bounds, -1);
    EXPECT_EQ(plan.visits[v].keys, kP);
    EXPECT_EQ(plan.visits[v].tiles, 2);
  }
  EXPECT_EQ(plan.visits[3].keys, 16);
  EXPECT_NE(plan.visits[3].bounds, -1);
  EXPECT_EQ(plan.visits[3].common_to, 1);  // the first row sees its own key alone

  rows.resize(5);
  rows.erase(rows.begin(), rows.begin() + 4);  // one row, which sees five keys of its last page
  const AttentionPlan alone = plan_attention(step_of(rows, tables_of(1, 0, 4)), heads_of(2, 1));
  EXPECT_EQ(alone.visits.back().keys, 5);
  EXPECT_TRUE(alone.bounds.empty());
}

TEST(AttentionPlan, TakesTheTilesThatVisitFewerPages) {
  // A prompt: as rows lie in memory. Its blocks share visits, so that heads cost nothing.
  std::vector<AskingRow> prompt;
  for (int i = 0; i < 64; ++i) prompt.push_back({0, i});
  const AttentionPlan aligned = plan_attention(step_of(prompt, tables_of(1, 0, 64 / kP + 1)), heads_of(4, 1));
  EXPECT_EQ(aligned.tiles.size(), 16U);
  for (const AttentionTile& tile : aligned.tiles) EXPECT_TRUE(tile.aligned);
  EXPECT_EQ(tile_visits(aligned), static_cast<int64_t>(2 * 2 * aligned.visits.size()));

  // Generation on pages of their own: one tile for each row, instead of one for each of its heads.
  std::vector<AskingRow> apart;
  for (int s = 0; s < 8; ++s) apart.push_back({s, 10 * kP - 1});
  EXPECT_EQ(tile_visits(plan_attention(step_of(apart, tables_of(8, 0, 10)), heads_of(4, 1))), 80);

  // Generation on a common prompt: four rows in a tile, two tiles in a block.
  const AttentionPlan stacked = plan_attention(step_of(apart, tables_of(8, 9, 1)), heads_of(4, 1));
  EXPECT_EQ(stacked.blocks.size(), 1U);
  EXPECT_EQ(stacked.visits.size(), 9U + 8U);
  EXPECT_EQ(tile_visits(stacked), 2 * 9 + 8);
}

TEST(AttentionPlan, LeavesRowsAloneUnlessMostPagesAreCommon) {
  std::vector<AskingRow> rows;
  for (int s = 0; s < 8; ++s) rows.push_back({s, 10 * kP - 1});
  const auto blocks = [&](int common, int group) {
    return plan_attention(step_of(rows, tables_of(8, common, 10 - common)), heads_of(group, 1),
                          {.lone_rows = true})
        .blocks.size();
  };
  EXPECT_EQ(blocks(9, 4), 1U);
  EXPECT_EQ(blocks(5, 4), 8U);
  EXPECT_EQ(blocks(9, 1), 1U);
  EXPECT_EQ(blocks(5, 1), 8U);
  EXPECT_EQ(blocks(0, 16), 8U);  // nothing is gained where a row fills a tile
}

TEST(AttentionPlan, SortsBlocksLongestFirst) {
  std::vector<AskingRow> rows;
  for (int i = 0; i < 6 * kP; ++i) rows.push_back({0, i});
  const AttentionPlan plan = plan_attention(step_of(rows, tables_of(1, 0, 6)), heads_of(3, 1));
  std::vector<int> keys;
  for (const AttentionBlock& block : plan.blocks) {
    int sum = 0;
    for (int v = block.first_visit; v < block.end_visit; ++v) {
      sum += plan.visits[static_cast<size_t>(v)].keys * plan.visits[static_cast<size_t>(v)].tiles;
    }
    keys.push_back(sum);
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end(), std::greater<>()));
}

}  // namespace
}  // namespace sizeup::cpu
