// Attention over pages on the CPU device: a host plan that stacks all lanes that see the same page, and a
// kernel that does one block of lanes for one key/value head.
//
// A lane is one (row, query head); sixteen lanes are a tile, up to kBlockTiles tiles a block. Arithmetic of
// one lane, whatever its neighbours: page after page from position 0,
//   s = scores of the page's keys [s = cap tanh(s / cap)]; masked keys do not count
//   t = greatest s of the page; where t exceeds the lane's reference (or it has none yet) the lane's output
//   and
//       sum are rescaled; p = e^(s - reference); sum += p in key order; output += p v in key order
// so that stacking, sharing and the order of rows change no bit. With a sink the reference is that before the
// first page, and sum is 1. A lane that does not see a key is left
// alone, whatever lies there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "backends/cpu/lanes.h"
#include "backends/engine/step.h"

namespace sizeup::cpu {

struct AttentionShape {
  int heads = 0;
  int kv_heads = 0;  // divides heads
  int head_size = 0;
  float scale = 1.0F;  // of query * key
  float cap = 0.0F;    // scores become cap * tanh(score / cap); 0: none
  int window = 0;      // a row sees at most this many positions, its own included; 0: all

  int group() const { return heads / kv_heads; }
};

inline constexpr int kBlockTiles = 2;
inline constexpr int kBlockLanes = kBlockTiles * kLanes;

// Sixteen lanes. Lane i is row rows[i] (-1: empty) with query head heads[i] of its key/value head. Aligned:
// row 16 * group + i and head `head` for all lanes, as the rows lie in memory; compact: anything.
struct AttentionTile {
  bool aligned = false;
  int32_t group = 0;
  int32_t head = 0;
  int32_t rows[kLanes] = {};
  int32_t heads[kLanes] = {};
};

// A page that some lanes of the block see.
struct PageVisit {
  int32_t page = 0;
  int32_t keys = 0;        // the first `keys` positions of the page are seen by at least one lane
  int32_t first_tile = 0;  // tiles [first_tile, first_tile + tiles) have lanes that see it
  int32_t tiles = 0;
  int32_t bounds = -1;  // index into AttentionPlan::bounds; -1: every lane of these tiles sees all `keys`
  // Lane l of the block sees some key if bit l is set (of empty lanes: set). Those of rows see at least the
  // keys [common_from, common_to), which may be none.
  uint32_t lanes = ~0U;
  int32_t common_from = 0;
  int32_t common_to = 0;
};

// Lane l sees keys from[l] <= key < to[l] of the page; empty lanes all, lanes that do not see the page none.
struct LaneBounds {
  int32_t from[kBlockLanes];
  int32_t to[kBlockLanes];
};

// Several blocks may have the same visits.
struct AttentionBlock {
  int32_t first_tile = 0;  // index into AttentionPlan::tiles
  int32_t tiles = 0;
  int32_t first_visit = 0;
  int32_t end_visit = 0;
};

// Made once for a step; the same for all layers and key/value heads. Longest blocks first, so that threads
// taking blocks one by one end together.
struct AttentionPlan {
  std::vector<AttentionTile> tiles;
  std::vector<AttentionBlock> blocks;
  std::vector<PageVisit> visits;
  std::vector<LaneBounds> bounds;
};

// Which tiles rows go to. All give the same bits.
enum class TilePlacement : uint8_t {
  cheapest,  // by the number of tiles that visit pages
  aligned,
  compact,
};
struct PlanOptions {
  TilePlacement placement = TilePlacement::cheapest;
  bool lone_rows = false;  // AttentionFamily::lone_rows
};
// Page tables are taken to be branches of a tree: tables that differ at one page share none after it. Of
// others a page may be visited more than once.
AttentionPlan plan_attention(const Step& step, const AttentionShape& shape, const PlanOptions& options = {});

// The same where rows see ranges of positions, those of each row in order: none is stacked with another, and
// a page is visited once for each range in it.
AttentionPlan plan_ranges(const Step& step, const AttentionShape& shape,
                          std::span<const PositionRanges> seen);

struct AttentionWork {
  const AttentionPlan* plan = nullptr;
  AttentionShape shape;
  LaneRows query;                     // columns [0, heads * head_size): rotated queries, head by head
  Operand out;                        // heads * head_size columns are written, padding beyond them is not
  std::span<std::byte* const> pages;  // by page number: one layer's keys and values
  const float* sinks = nullptr;       // of each head a score without a value; nullptr: none
};

// A way to attend and the page layout it reads; one for each tier and element of keys and values.
struct AttentionFamily {
  std::string_view name;  // "avx512 bfloat16"
  bool (*supports)(const AttentionShape& shape) = nullptr;
  // Whether a row alone in its block costs as its heads do, not as sixteen lanes: stacking rows then gains
  // little more than their common pages' way to the cache.
  bool (*lone_rows)(const AttentionShape& shape) = nullptr;
  size_t (*page_bytes)(const AttentionShape& shape) = nullptr;  // one layer's part of a page
  // Keys and values of rows go to their pages: columns [key_column, ...) and [value_column, ...) of `rows`.
  void (*write)(const AttentionShape& shape, const LaneRows& rows, int key_column, int value_column,
                std::span<const KeyValueWrite> writes, std::span<std::byte* const> pages) = nullptr;
  // The first `positions` keys and values.
  void (*copy)(const AttentionShape& shape, const std::byte* from, int positions, std::byte* to) = nullptr;
  // One block for one key/value head; `scratch` is the thread's own, 64-byte aligned.
  void (*attend)(const AttentionWork& work, int block, int kv_head, std::byte* scratch) = nullptr;
  size_t (*scratch_bytes)(const AttentionShape& shape) = nullptr;
};

}  // namespace sizeup::cpu
