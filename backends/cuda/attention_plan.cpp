#include "backends/cuda/attention_plan.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace sizeup::cuda {
namespace {

// Runs of fewer lanes than so many narrow blocks share the blocks of chunks that they have in common. Each of
// their lanes then writes and reads a state for every chunk, 8 bytes a column, where a run alone reads 1024
// for each key/value head: with more lanes the states cost more than they save.
constexpr int kStackedBlocks = 2;

// So many blocks keep a multiprocessor busy from the first to the last: several at a time, and several one
// after the other, so that it matters little who ends last.
constexpr int kBlocksEach = 6;

// Neighbouring rows with the same page table.
struct Run {
  int first_row = 0;
  int rows = 0;
  int least = 0;  // position
  int greatest = 0;
  int page_begin = 0;  // Step::pages

  int end_row() const { return first_row + rows; }
};

// Rows that see the same pages of some chunks.
struct Segment {
  int first_row = 0;
  int rows = 0;
  int chunk_begin = 0;
  int chunk_end = 0;
  int page_begin = 0;    // Step::pages: a table that has all these pages
  bool stacked = false;  // the rows' chunks lie in several segments

  bool operator==(const Segment&) const = default;
};

class Planner {
 public:
  Planner(const Step& step, const PlanShape& shape, const PlanLimits& limits)
      : step_(step), shape_(shape), limits_(limits), states_(static_cast<size_t>(step.rows())) {
    find_runs();
  }

  // Without sharing there are no states.
  void plan(bool sharing) {
    items_.clear();
    segments_.clear();
    std::ranges::fill(states_, RowStates{});
    slots_ = 0;
    find_segments(sharing);
    const double piece_chunks = sharing ? chunks_of_a_piece() : kWhole;
    for (const Segment& segment : segments_) cut(segment, piece_chunks);
    number_states();
  }

  int64_t slots() const { return slots_; }

  PlanParts write(std::vector<int32_t>& words) {
    const auto is_narrow = [&](const AttentionItem& item) { return item.lanes <= shape_.narrow_lanes; };
    std::ranges::stable_sort(items_, [&](const AttentionItem& a, const AttentionItem& b) {
      if (is_narrow(a) != is_narrow(b)) return is_narrow(a);
      return a.pages > b.pages;
    });
    PlanParts parts{.slots = slots_};
    parts.narrow_items = static_cast<int>(std::ranges::count_if(items_, is_narrow));
    parts.wide_items = static_cast<int>(items_.size()) - parts.narrow_items;
    append(words, std::span<const AttentionItem>(items_));
    if (slots_ == 0) return parts;
    append(words, std::span<const RowStates>(states_));
    for (int row = 0; row < step_.rows(); ++row) {
      if (states(row).slots == 0) continue;
      words.push_back(row);
      ++parts.merged_rows;
    }
    return parts;
  }

 private:
  static constexpr double kWhole = 1e9;  // chunks, more than any text has

  template <typename Part>
  static void append(std::vector<int32_t>& words, std::span<const Part> parts) {
    static_assert(sizeof(Part) % sizeof(int32_t) == 0);
    const size_t begin = words.size();
    words.resize(begin + parts.size_bytes() / sizeof(int32_t));
    if (!parts.empty()) std::memcpy(words.data() + begin, parts.data(), parts.size_bytes());
  }

  int position(int row) const { return step_.positions[static_cast<size_t>(row)]; }
  RowStates& states(int row) { return states_[static_cast<size_t>(row)]; }
  int first_chunk(int position) const {
    return chunk_of_page(first_seen(position, shape_.window) / kPagePositions);
  }
  static int last_chunk(int position) { return chunk_of_page(position / kPagePositions); }

  void find_runs() {
    for (int row = 0; row < step_.rows(); ++row) {
      const int32_t table = step_.tables[static_cast<size_t>(row)];
      if (row == 0 || step_.tables[static_cast<size_t>(row - 1)] != table) {
        runs_.push_back({.first_row = row,
                         .least = position(row),
                         .greatest = position(row),
                         .page_begin = step_.table_begin[static_cast<size_t>(table)]});
      }
      Run& run = runs_.back();
      ++run.rows;
      run.least = std::min(run.least, position(row));
      run.greatest = std::max(run.greatest, position(row));
    }
  }

  void find_segments(bool sharing) {
    const int stacked_lanes = kStackedBlocks * shape_.narrow_lanes;
    for (size_t i = 0; i < runs_.size();) {
      size_t end = i;
      while (end < runs_.size() && runs_[end].rows * shape_.group() <= stacked_lanes) ++end;
      if (sharing && end > i + 1) {
        stack(std::span(runs_).subspan(i, end - i));
      } else {
        end = i + 1;
        const Run& run = runs_[i];
        segments_.push_back({.first_row = run.first_row,
                             .rows = run.rows,
                             .chunk_begin = first_chunk(run.least),
                             .chunk_end = last_chunk(run.greatest) + 1,
                             .page_begin = run.page_begin});
      }
      i = end;
    }
  }

  // Chunk after chunk, neighbours that see the same pages of it become a segment, which goes on while they
  // do.
  void stack(std::span<const Run> runs) {
    int begin = first_chunk(runs.front().least);
    int end = 0;
    for (const Run& run : runs) {
      begin = std::min(begin, first_chunk(run.least));
      end = std::max(end, last_chunk(run.greatest) + 1);
    }
    std::vector<Segment> open;  // those that reach the chunk before, in the order of rows
    std::vector<Segment> found;
    for (int chunk = begin; chunk < end; ++chunk) {
      found.clear();
      const Run* leader = nullptr;  // sees most pages of the segment found last
      for (const Run& run : runs) {
        if (chunk < first_chunk(run.least) || last_chunk(run.greatest) < chunk) {
          leader = nullptr;
          continue;
        }
        if (leader != nullptr && share(*leader, run, chunk)) {
          found.back().rows += run.rows;
          if (run.greatest > leader->greatest) leader = &run;
        } else {
          leader = &run;
          found.push_back({.first_row = run.first_row, .rows = run.rows});
        }
        found.back().page_begin = leader->page_begin;
      }
      join(chunk, open, found);
    }
    for (const Segment& segment : open) close(segment);
  }

  // `found` becomes `open`: segments of the same rows as before reach over this chunk, too.
  void join(int chunk, std::vector<Segment>& open, std::vector<Segment>& found) {
    auto before = open.begin();
    for (Segment& segment : found) {
      segment.chunk_begin = chunk;
      segment.chunk_end = chunk + 1;
      for (; before != open.end() && before->first_row <= segment.first_row; ++before) {
        if (before->first_row == segment.first_row && before->rows == segment.rows) {
          segment.chunk_begin = before->chunk_begin;
        } else {
          close(*before);
        }
      }
    }
    for (; before != open.end(); ++before) close(*before);
    open = found;
  }

  void close(Segment segment) {
    segment.stacked = false;
    for (int row = segment.first_row; row < segment.first_row + segment.rows; ++row) {
      segment.stacked |= first_chunk(position(row)) < segment.chunk_begin;
      segment.stacked |= last_chunk(position(row)) >= segment.chunk_end;
    }
    segments_.push_back(segment);
  }

  // Whether two runs have the pages of a chunk that both see in common.
  bool share(const Run& a, const Run& b, int chunk) const {
    const int first = chunk * kChunkPages;
    const int end = std::min({first + kChunkPages, pages_for(a.greatest + 1), pages_for(b.greatest + 1)});
    for (int page = first; page < end; ++page) {
      if (step_.pages[static_cast<size_t>(a.page_begin + page)] !=
          step_.pages[static_cast<size_t>(b.page_begin + page)]) {
        return false;
      }
    }
    return true;
  }

  // Blocks of a few chunks keep all multiprocessors busy where there are few rows; where there are many, one
  // block does all of a row.
  double chunks_of_a_piece() const {
    int64_t visits = 0;
    for (const Segment& segment : segments_) {
      const int64_t blocks = (segment.rows * shape_.group() + shape_.wide_lanes - 1) / shape_.wide_lanes;
      visits += blocks * (segment.chunk_end - segment.chunk_begin);
    }
    const int64_t wanted = int64_t{limits_.multiprocessors} * kBlocksEach;
    return std::max(1.0, static_cast<double>(visits * shape_.kv_heads) / static_cast<double>(wanted));
  }

  void cut(const Segment& segment, double piece_chunks) {
    const int chunks = segment.chunk_end - segment.chunk_begin;
    const int pieces = std::clamp(static_cast<int>(chunks / piece_chunks + 0.5), 1, chunks);
    const int length = (chunks + pieces - 1) / pieces;
    const ItemResult result = result_of(segment, length < chunks);
    if (result != ItemResult::output) note_states(segment, result);
    for (int begin = segment.chunk_begin; begin < segment.chunk_end; begin += length) {
      add_items(segment, begin, std::min(begin + length, segment.chunk_end), result);
    }
  }

  ItemResult result_of(const Segment& segment, bool is_cut) const {
    if (is_cut) return ItemResult::chunks;
    if (!segment.stacked) return ItemResult::output;
    for (int row = segment.first_row; row < segment.first_row + segment.rows; ++row) {
      if (first_chunk(position(row)) != segment.chunk_begin) return ItemResult::chunks;
    }
    return ItemResult::folded;
  }

  void note_states(const Segment& segment, ItemResult result) {
    for (int row = segment.first_row; row < segment.first_row + segment.rows; ++row) {
      const int last = last_chunk(position(row));
      const int first =
          result == ItemResult::folded ? std::min(segment.chunk_end - 1, last) : first_chunk(position(row));
      RowStates& of_row = states(row);
      of_row.first_chunk = std::max(of_row.first_chunk, first);
      of_row.slots = last - of_row.first_chunk + 1;
    }
  }

  void number_states() {
    for (RowStates& of_row : states_) {
      of_row.first_slot = static_cast<int32_t>(slots_);
      slots_ += of_row.slots;
    }
  }

  // Lanes in the fewest blocks: what a wide one would leave nearly empty is left to a narrow one.
  void add_items(const Segment& segment, int chunk_begin, int chunk_end, ItemResult result) {
    const int lanes = segment.rows * shape_.group();
    for (int lane = 0; lane < lanes;) {
      const int count = std::min(lanes - lane, shape_.wide_lanes);
      add_item(segment, lane, count, chunk_begin, chunk_end, result);
      lane += count;
    }
  }

  void add_item(const Segment& segment, int lane, int lanes, int chunk_begin, int chunk_end,
                ItemResult result) {
    AttentionItem item{.first_row = segment.first_row + lane / shape_.group(),
                       .first_lane = lane % shape_.group(),
                       .lanes = lanes,
                       .result = result};
    const int chunk_positions = kChunkPages * kPagePositions;
    item.key_begin = chunk_end * chunk_positions;
    item.common_end = chunk_end * chunk_positions;
    for (int row = item.first_row; row <= lane_row(item, lanes - 1, shape_.group()); ++row) {
      const int first = first_seen(position(row), shape_.window);
      item.key_begin = std::min(item.key_begin, first);
      item.key_end = std::max(item.key_end, position(row) + 1);
      item.common_begin = std::max(item.common_begin, first);
      item.common_end = std::min(item.common_end, position(row) + 1);
    }
    item.key_begin = std::max(item.key_begin, chunk_begin * chunk_positions);
    item.key_end = std::min(item.key_end, chunk_end * chunk_positions);
    if (item.key_begin >= item.key_end) return;  // these rows of the segment see other chunks
    item.first_page = item.key_begin / kPagePositions;
    item.pages = pages_for(item.key_end) - item.first_page;
    item.page_begin = segment.page_begin + item.first_page;
    items_.push_back(item);
  }

  const Step& step_;
  const PlanShape& shape_;
  const PlanLimits& limits_;
  std::vector<Run> runs_;
  std::vector<Segment> segments_;
  std::vector<AttentionItem> items_;
  std::vector<RowStates> states_;  // of each row
  int64_t slots_ = 0;
};

}  // namespace

AttentionPlan::AttentionPlan(const Step& step, const PlanShape& shape, const PlanLimits& limits) {
  Planner planner(step, shape, limits);
  planner.plan(true);
  if (planner.slots() > limits.slots) planner.plan(false);
  parts_ = planner.write(words_);
  rows_ = parts_.slots > 0 ? step.rows() : 0;
}

PlanView AttentionPlan::view(const int32_t* words) const {
  PlanView view{.parts = parts_, .items = reinterpret_cast<const AttentionItem*>(words)};
  const auto items = static_cast<size_t>(parts_.narrow_items + parts_.wide_items);
  const int32_t* end = words + items * (sizeof(AttentionItem) / sizeof(int32_t));
  if (rows_ > 0) {
    view.states = reinterpret_cast<const RowStates*>(end);
    view.merged_rows = end + static_cast<size_t>(rows_) * (sizeof(RowStates) / sizeof(int32_t));
  }
  return view;
}

}  // namespace sizeup::cuda
