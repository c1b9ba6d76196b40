#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <utility>

#include "backends/cpu/attention.h"

namespace sizeup::cpu {
namespace {

// Costs in lanes that visit a page: a tile's visit costs kLanes. Gathering a compact tile's queries and
// scattering its outputs costs about as much as two visits; a lone row has fewer of them, and however few
// heads it has, a page must come from memory, in about the time of four heads' arithmetic.
constexpr int kCompactCost = 2 * kLanes;
constexpr int kLoneCost = kLanes;
constexpr int kLoneHeads = 4;

// Where rows may be alone, n pages of k stacked rows cost kLanes each if they are common, and k times kLanes
// if they are not; alone, k times kLoneHeads or a little more. Stacking pays from 73 % (one head) to 92 %
// (four heads) of common pages on.
constexpr int kCommonOfEight = 7;

// Rows of a block's lanes, -1 for empty ones.
using BlockRows = std::array<int32_t, kBlockLanes>;

// Lanes of a block whose rows have the same page table.
struct Run {
  int32_t table = 0;
  std::span<const int32_t> pages;
  uint32_t lanes = 0;
  int32_t least = 0;  // position
  int32_t greatest = 0;
  // Pages [first_page, end_page) may be seen by some of its lanes.
  int32_t first_page = 0;
  int32_t end_page = 0;
  int leader = -1;  // a run that sees the same page; itself if it was the first to see it

  bool sees(int page) const { return first_page <= page && page < end_page; }
};

class BlockRuns {
 public:
  BlockRuns(const Step& step, int window, const BlockRows& rows) : window_(window) {
    for (int lane = 0; lane < kBlockLanes; ++lane) {
      const int32_t row = rows[static_cast<size_t>(lane)];
      if (row < 0) continue;
      const int32_t position = step.positions[static_cast<size_t>(row)];
      positions_[lane] = position;
      Run& run = run_of(step, step.tables[static_cast<size_t>(row)], position);
      run_of_lane_[lane] = static_cast<int8_t>(&run - runs_.data());
      run.lanes |= 1U << lane;
      run.least = std::min(run.least, position);
      run.greatest = std::max(run.greatest, position);
      occupied_ |= 1U << lane;
    }
    for (Run& run : runs()) {
      run.first_page = window == 0 ? 0 : std::max(0, run.least - window + 1) / kPagePositions;
      run.end_page = run.greatest / kPagePositions + 1;
    }
  }

  // body(index, leader) for each distinct page, in the order of positions; `index` is its place in the
  // tables.
  template <typename Body>
  void for_each_page(const Body& body) {
    int begin = runs_[0].first_page;
    int end = 0;
    for (const Run& run : runs()) {
      begin = std::min(begin, run.first_page);
      end = std::max(end, run.end_page);
    }
    for (int index = begin; index < end; ++index) {
      for (int i = 0; i < count_; ++i) find_leader(i, index);
      for (int i = 0; i < count_; ++i) {
        if (runs_[static_cast<size_t>(i)].leader == i) body(index, i);
      }
    }
  }

  int count_pages() {
    int pages = 0;
    for_each_page([&](int, int) { ++pages; });
    return pages;
  }

  // The usual case: all lanes see the whole page.
  bool all_see(int index, int leader) const {
    const int begin = index * kPagePositions;
    for (int i = 0; i < count_; ++i) {
      const Run& run = runs_[static_cast<size_t>(i)];
      if (run.leader != leader || run.least < begin + kPagePositions - 1) return false;
      if (window_ != 0 && run.greatest - window_ >= begin) return false;
    }
    return true;
  }

  // What each lane sees of the page of `leader`, and the visit that follows from it; no keys: nobody sees it.
  PageVisit visit(int index, int leader, LaneBounds& bounds) const {
    PageVisit visit{.common_to = kPagePositions};
    uint32_t seeing = 0;
    for (int lane = 0; lane < kBlockLanes; ++lane) {
      bounds.from[lane] = 0;
      bounds.to[lane] = kPagePositions;
      if ((occupied_ >> lane & 1) == 0) continue;
      const Run& run = runs_[static_cast<size_t>(run_of_lane_[lane])];
      const int end = run.leader == leader ? positions_[lane] - index * kPagePositions + 1 : 0;
      bounds.to[lane] = std::clamp(end, 0, kPagePositions);
      if (window_ != 0) bounds.from[lane] = std::clamp(end - window_, 0, bounds.to[lane]);
      if (bounds.from[lane] == bounds.to[lane]) {
        bounds.from[lane] = bounds.to[lane] = 0;
        continue;
      }
      seeing |= 1U << lane;
      visit.keys = std::max(visit.keys, bounds.to[lane]);
      visit.common_from = std::max(visit.common_from, bounds.from[lane]);
      visit.common_to = std::min(visit.common_to, bounds.to[lane]);
    }
    visit.page = page(index, leader);
    if (visit.common_from >= visit.common_to) visit.common_from = visit.common_to = visit.keys;
    visit.lanes = seeing | ~occupied_;
    place(visit, seeing);
    return visit;
  }

  // Tiles from the first to the last with a lane of `seeing`.
  static void place(PageVisit& visit, uint32_t seeing) {
    if (seeing == 0) return;
    visit.first_tile = std::countr_zero(seeing) / kLanes;
    visit.tiles = (kBlockLanes - 1 - std::countl_zero(seeing)) / kLanes - visit.first_tile + 1;
  }

  uint32_t occupied() const { return occupied_; }
  int32_t page(int index, int leader) const {
    return runs_[static_cast<size_t>(leader)].pages[static_cast<size_t>(index)];
  }

 private:
  std::span<Run> runs() { return std::span(runs_).first(static_cast<size_t>(count_)); }

  Run& run_of(const Step& step, int32_t table, int32_t position) {
    for (int i = count_ - 1; i >= 0; --i) {  // rows of a table are neighbours
      if (runs_[static_cast<size_t>(i)].table == table) return runs_[static_cast<size_t>(i)];
    }
    Run& run = runs_[static_cast<size_t>(count_++)];
    run = {.table = table, .pages = step.table(table), .least = position, .greatest = position};
    return run;
  }

  // Tables are a tree: a run that leads goes on leading as long as it sees pages; one that follows does so
  // until their tables part or its leader sees no more.
  void find_leader(int i, int index) {
    Run& run = runs_[static_cast<size_t>(i)];
    if (!run.sees(index)) {
      run.leader = -1;
      return;
    }
    if (run.leader == i) return;
    const auto same_page = [&](int other) {
      const Run& leader = runs_[static_cast<size_t>(other)];
      return leader.leader == other && leader.sees(index) &&
             leader.pages[static_cast<size_t>(index)] == run.pages[static_cast<size_t>(index)];
    };
    if (run.leader >= 0 && same_page(run.leader)) return;
    for (int other = 0; other < count_; ++other) {  // those after i lead if they led at the page before
      if (same_page(other)) {
        run.leader = other;
        return;
      }
    }
    run.leader = i;
  }

  int window_;
  std::array<Run, kBlockLanes> runs_;
  int count_ = 0;
  uint32_t occupied_ = 0;
  int32_t positions_[kBlockLanes] = {};
  int8_t run_of_lane_[kBlockLanes] = {};
};

class Planner {
 public:
  Planner(const Step& step, const AttentionShape& shape, bool lone_rows)
      : step_(step),
        shape_(shape),
        lone_rows_(lone_rows && shape.group() < kLanes),
        compact_rows_(std::max(1, kLanes / shape.group())) {}

  AttentionPlan plan(TilePlacement placement) {
    for (int group = 0; group < groups_of(step_.rows()); ++group) {
      if (placement == TilePlacement::compact ||
          (placement == TilePlacement::cheapest && compact_is_cheaper(group))) {
        for (int row = group * kLanes; row < end_row(group); ++row) add_compact_row(row);
      } else {
        add_aligned(group);
      }
    }
    flush_compact();
    flush_tile();
    sort_blocks();
    return std::move(plan_);
  }

 private:
  struct Visits {
    int32_t first = 0;
    int32_t end = 0;
    int64_t work = 0;  // keys x tiles
  };

  int end_row(int group) const { return std::min((group + 1) * kLanes, step_.rows()); }

  int first_page(int32_t row) const {
    return shape_.window == 0 ? 0 : std::max(0, position(row) - shape_.window + 1) / kPagePositions;
  }
  int end_page(int32_t row) const { return position(row) / kPagePositions + 1; }
  // Pages that two rows see together. Tables are a tree: they have the same pages up to some place.
  int common_pages(int32_t a, int32_t b) const {
    const int first = std::max(first_page(a), first_page(b));
    int same = first;
    int end = std::max(first, std::min(end_page(a), end_page(b)));
    if (step_.tables[static_cast<size_t>(a)] == step_.tables[static_cast<size_t>(b)]) return end - first;
    while (same < end) {
      const int middle = same + (end - same) / 2;
      if (table(a)[static_cast<size_t>(middle)] == table(b)[static_cast<size_t>(middle)]) {
        same = middle + 1;
      } else {
        end = middle;
      }
    }
    return same - first;
  }
  // Whether a row goes into the tile of the row before.
  bool stacks(int32_t before, int32_t row) const {
    const int common = common_pages(before, row);
    if (!lone_rows_) return common > 0;
    return 8 * common >= kCommonOfEight * (end_page(row) - first_page(row));
  }
  int32_t position(int32_t row) const { return step_.positions[static_cast<size_t>(row)]; }
  std::span<const int32_t> table(int32_t row) const {
    return step_.table(step_.tables[static_cast<size_t>(row)]);
  }

  bool compact_is_cheaper(int group) const {
    const int begin = group * kLanes;
    const int end = end_row(group);
    const int aligned = kLanes * shape_.group() * count_pages(begin, end);
    const int head_tiles = (shape_.group() + kLanes - 1) / kLanes;
    int compact = 0;
    for (int row = begin; row < end && compact < aligned;) {
      int next = row + 1;
      while (next < end && next < row + compact_rows_ && stacks(next - 1, next)) ++next;
      if (lone_rows_ && next == row + 1) {
        compact += kLoneCost + std::max(shape_.group(), kLoneHeads) * (end_page(row) - first_page(row));
      } else {
        compact += head_tiles * (kCompactCost + kLanes * count_pages(row, next));
      }
      row = next;
    }
    return compact < aligned;
  }
  int count_pages(int begin, int end) const {
    BlockRows rows;
    rows.fill(-1);
    std::iota(rows.begin(), rows.begin() + (end - begin), begin);
    return BlockRuns(step_, shape_.window, rows).count_pages();
  }

  // All heads of sixteen rows. Heads go in pairs, which see the same pages; the last of an odd number waits
  // for that of the next rows.
  void add_aligned(int group) {
    AttentionTile tile{.aligned = true, .group = group};
    for (int lane = 0; lane < kLanes; ++lane) {
      const int row = group * kLanes + lane;
      tile.rows[lane] = row < step_.rows() ? row : -1;
    }
    const auto of_head = [&](int head) {
      tile.head = head;
      std::fill_n(tile.heads, kLanes, head);
      return tile;
    };
    const int paired = shape_.group() / 2 * 2;
    if (paired > 0) {
      const Visits visits = visits_of(rows_of(tile, &tile));
      for (int head = 0; head < paired; head += 2) {
        const AttentionTile first = of_head(head);
        const AttentionTile second = of_head(head + 1);
        add_block(first, &second, visits);
      }
    }
    if (paired < shape_.group()) pair_up(of_head(paired));
  }

  void add_compact_row(int32_t row) {
    if (!rows_.empty() && (static_cast<int>(rows_.size()) == compact_rows_ || !stacks(rows_.back(), row))) {
      flush_compact();
    }
    rows_.push_back(row);
  }
  void flush_compact() {
    if (rows_.empty()) return;
    for (int head = 0; head < shape_.group(); head += kLanes) {
      AttentionTile tile;
      std::fill_n(tile.rows, kLanes, -1);
      int lane = 0;
      for (const int32_t row : rows_) {
        for (int h = head; h < std::min(head + kLanes, shape_.group()); ++h, ++lane) {
          tile.rows[lane] = row;
          tile.heads[lane] = h;
        }
      }
      if (lone_rows_ && rows_.size() == 1) {
        add_block(tile, nullptr, visits_of(rows_of(tile, nullptr)));
      } else {
        pair_up(tile);
      }
    }
    rows_.clear();
  }

  // A tile goes into a block with the one that waits if they share pages.
  void pair_up(const AttentionTile& tile) {
    if (tile_ && common_pages(last_row(*tile_), tile.rows[0]) > 0) {
      add_block(*tile_, &tile, visits_of(rows_of(*tile_, &tile)));
      tile_.reset();
      return;
    }
    flush_tile();
    tile_ = tile;
  }
  void flush_tile() {
    if (tile_) add_block(*tile_, nullptr, visits_of(rows_of(*tile_, nullptr)));
    tile_.reset();
  }

  static int32_t last_row(const AttentionTile& tile) {
    int32_t last = tile.rows[0];
    for (const int32_t row : tile.rows) last = row < 0 ? last : row;
    return last;
  }
  static BlockRows rows_of(const AttentionTile& first, const AttentionTile* second) {
    BlockRows rows;
    rows.fill(-1);
    std::copy_n(first.rows, kLanes, rows.begin());
    if (second != nullptr) std::copy_n(second->rows, kLanes, rows.begin() + kLanes);
    return rows;
  }

  Visits visits_of(const BlockRows& rows) {
    BlockRuns runs(step_, shape_.window, rows);
    PageVisit whole{.keys = kPagePositions, .common_to = kPagePositions};
    BlockRuns::place(whole, runs.occupied());
    Visits visits{.first = static_cast<int32_t>(plan_.visits.size())};
    LaneBounds bounds;
    runs.for_each_page([&](int index, int leader) {
      if (runs.all_see(index, leader)) {
        whole.page = runs.page(index, leader);
        plan_.visits.push_back(whole);
      } else {
        const PageVisit visit = runs.visit(index, leader, bounds);
        if (visit.keys == 0) return;
        plan_.visits.push_back(visit);
        if (needs_bounds(visit, bounds)) {
          plan_.visits.back().bounds = static_cast<int32_t>(plan_.bounds.size());
          plan_.bounds.push_back(bounds);
        }
      }
      visits.work += plan_.visits.back().keys * plan_.visits.back().tiles;
    });
    visits.end = static_cast<int32_t>(plan_.visits.size());
    return visits;
  }
  static bool needs_bounds(const PageVisit& visit, const LaneBounds& bounds) {
    const int begin = visit.first_tile * kLanes;
    for (int lane = begin; lane < begin + visit.tiles * kLanes; ++lane) {
      if (bounds.from[lane] > 0 || bounds.to[lane] < visit.keys) return true;
    }
    return false;
  }

  void add_block(const AttentionTile& first, const AttentionTile* second, const Visits& visits) {
    const auto first_tile = static_cast<int32_t>(plan_.tiles.size());
    plan_.tiles.push_back(first);
    if (second != nullptr) plan_.tiles.push_back(*second);
    plan_.blocks.push_back({first_tile, second == nullptr ? 1 : 2, visits.first, visits.end});
    work_.push_back(visits.work);
  }
  void sort_blocks() {
    std::vector<size_t> order(plan_.blocks.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return work_[a] > work_[b]; });
    std::vector<AttentionBlock> sorted;
    sorted.reserve(order.size());
    for (const size_t index : order) sorted.push_back(plan_.blocks[index]);
    plan_.blocks = std::move(sorted);
  }

  const Step& step_;
  const AttentionShape& shape_;
  const bool lone_rows_;
  const int compact_rows_;             // rows of a compact tile
  std::vector<int32_t> rows_;          // of the next compact tile
  std::optional<AttentionTile> tile_;  // waits for a second one
  std::vector<int64_t> work_;          // of each block
  AttentionPlan plan_;
};

}  // namespace

AttentionPlan plan_attention(const Step& step, const AttentionShape& shape, const PlanOptions& options) {
  return Planner(step, shape, options.lone_rows).plan(options.placement);
}

}  // namespace sizeup::cpu
