// The product of bfloat16 tiles, included after a vector_*.h, exponential.inl, activation.inl, operand.inl,
// finish.inl, one of tiles_amx.h and tests/support/tiles_emulated.h, and what defines unpack_tiles.
//
// Weights are the left operand, activations the right one, so that a result tile is 16 outputs x 16 rows: the
// lane layout of everything else. Two loops, one arithmetic: up to 32 rows the weights are a stream that
// passes once, and the sums stay in tiles over all inputs; more rows pass over blocks of weights that stay in
// the second-level cache. Sums leave and re-enter tiles as float32, which is exact.
//
// Packed blocks become tiles first: those of the stream step by step in the first-level cache, those of a
// block of weights all at once in the second-level cache.
namespace {

using sizeup::cpu::kStepColumns;
using sizeup::cpu::kStepWeightBytes;
using sizeup::cpu::kTilePanelOutputs;
using sizeup::cpu::TileBlocking;

// Sums of a panel: [2 groups][kTilePanelOutputs][kLanes]. A result tile of fewer than 16 rows is stored with
// the same stride, which leaves each output in a line of its own.
constexpr size_t kGroupSums = size_t{kTilePanelOutputs} * kLanes;
constexpr size_t kPanelSums = 2 * kGroupSums;
constexpr size_t kSumsStride = sizeof(float) * kLanes;

// Bytes that a stream of weights is asked for ahead of its use. 8 KiB cost 10-15 % of the read rate, no
// prefetch 10-18 %.
constexpr size_t kStreamAhead = 2304;

// What is fetched while steps are multiplied: `step_bytes` of it in each step.
struct Ahead {
  const std::byte* from = nullptr;
  size_t step_bytes = 0;
};

// The activations of kHalves groups, from a step on.
struct RightOperand {
  const std::byte* x = nullptr;
  size_t row_stride = 0;
  size_t part_bytes = 0;  // of two groups where the operand has two, also if the second has no rows
};

constexpr int kToFirstLevel = 3;  // localities of __builtin_prefetch
constexpr int kToSecondLevel = 2;

// Tiles 0-3 += a panel times kHalves groups, over `steps` steps. Tile 0: outputs 0-15 of group 0, 1: the same
// of group 1, 2 and 3: outputs 16-31.
// Weights by streaming loads: plain ones evict the activations (2.55 instead of 3.55 TFLOP/s with nothing
// else in the loop).
template <int kParts, int kHalves, int kLocality>
static inline void multiply_steps(const std::byte* w, const RightOperand& right, int steps, Ahead ahead) {
  const size_t stride = right.row_stride;
  const size_t tile = 16 * stride;
  const size_t part_bytes = right.part_bytes;
  const std::byte* x = right.x;
  for (int s = 0; s < steps; ++s) {
    for (size_t i = 0; i < ahead.step_bytes; i += 64) __builtin_prefetch(ahead.from + i, 0, kLocality);
    ahead.from += ahead.step_bytes;
    tile_stream_load<4>(w, 64);
    tile_load<6>(x, stride);
    tile_product<0, 4, 6>();
    if constexpr (kHalves == 2) {
      tile_load<7>(x + tile, stride);
      tile_product<1, 4, 7>();
    }
    tile_stream_load<5>(w + kTileBytes, 64);
    tile_product<2, 5, 6>();
    if constexpr (kHalves == 2) tile_product<3, 5, 7>();
    for (int part = 1; part < kParts; ++part) {
      const std::byte* rest = x + static_cast<size_t>(part) * part_bytes;
      tile_load<6>(rest, stride);
      tile_product<0, 4, 6>();
      tile_product<2, 5, 6>();
      if constexpr (kHalves == 2) {
        tile_load<7>(rest + tile, stride);
        tile_product<1, 4, 7>();
        tile_product<3, 5, 7>();
      }
    }
    w += kStepWeightBytes;
    x += part_bytes * kParts;
  }
}

static inline void zero_sums() {
  tile_zero<0>();
  tile_zero<1>();
  tile_zero<2>();
  tile_zero<3>();
}

template <int kHalves>
static inline void load_sums(const float* sums) {
  tile_stream_load<0>(sums, kSumsStride);
  tile_stream_load<2>(sums + kGroupSums / 2, kSumsStride);
  if constexpr (kHalves == 2) {
    tile_stream_load<1>(sums + kGroupSums, kSumsStride);
    tile_stream_load<3>(sums + kGroupSums + kGroupSums / 2, kSumsStride);
  }
}

template <int kHalves>
static inline void store_sums(float* group_0, float* group_1) {
  tile_store<0>(group_0, kSumsStride);
  tile_store<2>(group_0 + kGroupSums / 2, kSumsStride);
  if constexpr (kHalves == 2) {
    tile_store<1>(group_1, kSumsStride);
    tile_store<3>(group_1 + kGroupSums / 2, kSumsStride);
  }
}

// A panel's sums are complete: they go to `sums` and are finished there, or right to their rows where nothing
// is to be done with them.
template <int kHalves>
static inline void finish_panel(const PackedLinear& weights, const ProductResult& result, int group,
                                int panel, float* sums) {
  const int first = panel * kTilePanelOutputs;
  if (result.kind == ProductResult::Kind::store && weights.bias.empty() &&
      first + kTilePanelOutputs <= result.outputs) {
    return store_sums<kHalves>(result.rows.at(group, first), result.rows.at(group + kHalves - 1, first));
  }
  store_sums<kHalves>(sums, sums + kGroupSums);
  for (int half = 0; half < kHalves; ++half) {
    finish(weights, result, group + half, panel, sums + static_cast<size_t>(half) * kGroupSums);
  }
}

// ---- Up to 32 rows

// Steps that are tiles at a time: a tile load waits until the stores to its lines have left the store buffer,
// so a step is unpacked while the one before is multiplied. 16 KiB instead of 8 cost 4-10 %, unpacking 2 or 4
// steps ahead 5-10 %.
constexpr int kRingSteps = 4;

// Tiles 0-3 += a panel of blocks times kHalves groups.
template <int kParts, int kHalves>
static inline void multiply_unpacked(const PackedLinear& weights, int panel, RightOperand right, int steps,
                                     std::byte* ring) {
  const std::byte* blocks = weights.panel(panel);
  const auto place = [ring](int step) { return ring + step % kRingSteps * kStepWeightBytes; };
  unpack_tiles(weights.type, blocks, 0, 1, place(0));
  for (int s = 0; s < steps; ++s, right.x += right.part_bytes * kParts) {
    if (s + 1 < steps) unpack_tiles(weights.type, blocks, s + 1, s + 2, place(s + 1));
    multiply_steps<kParts, kHalves, kToFirstLevel>(place(s), right, 1, Ahead());
  }
}

template <int kParts, int kHalves>
static void multiply_stream(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                            int first, int end, std::byte* tiles, float* sums) {
  __builtin_memset(sums, 0, sizeof(float) * kPanelSums);  // lanes without a row
  const RightOperand right{in.data, size_t{4} * static_cast<size_t>(in.width()), in.part_bytes()};
  for (int panel = first; panel < end; ++panel) {
    zero_sums();
    if (!weights.holds_tiles()) {
      multiply_unpacked<kParts, kHalves>(weights, panel, right, in.steps(), tiles);
    } else {
      const std::byte* w = weights.panel(panel);
      multiply_steps<kParts, kHalves, kToFirstLevel>(w, right, in.steps(),
                                                     Ahead{w + kStreamAhead, kStepWeightBytes});
    }
    finish_panel<kHalves>(weights, result, 0, panel, sums);
  }
}

// ---- More rows

// The largest of the equal parts of `total` that are at most `most`.
static inline int equal_part(int total, int most) {
  const int parts = (total + most - 1) / most;
  return (total + parts - 1) / parts;
}

static inline int least(int a, int b) {
  return a < b ? a : b;
}

struct TileBlock {
  const std::byte* tiles = nullptr;  // of the first panel and step
  size_t panel_bytes = 0;            // from the tiles of a panel to those of the next
  int first_panel = 0;
  int panels = 0;
  int first_step = 0;
  int steps = 0;
  int pass_steps = 0;
  int all_steps = 0;
};

// The operand of a double group, and of the one that comes after it.
struct GroupOperand {
  const std::byte* x = nullptr;
  const std::byte* next = nullptr;
};

// One double group times a block, onto `sums` ([panel][kPanelSums], or two of them in turn where a single
// pass makes complete ones, so that these stay in the first-level cache).
template <int kParts, int kHalves>
static inline void multiply_group(const PackedLinear& weights, const ProductResult& result, int group,
                                  const GroupOperand& operand, const TileBlock& block, float* sums) {
  constexpr size_t kPartBytes = size_t{2} * kTileBytes;
  constexpr size_t kStepBytes = kPartBytes * kParts;
  const int end_step = block.first_step + block.steps;
  const bool single_pass = block.pass_steps >= block.all_steps;
  // The activations of the next pass come to the second-level cache during this one (1.6 instead of 1.7-1.9
  // TFLOP/s without): its lines are divided among the panels.
  const size_t ahead_bytes = (kStepBytes / static_cast<size_t>(block.panels) + 63) / 64 * 64;
  for (int from = block.first_step; from < end_step; from += block.pass_steps) {
    const int steps = least(block.pass_steps, end_step - from);
    const std::byte* x = operand.x + static_cast<size_t>(from) * kStepBytes;
    const std::byte* next = from + steps < end_step
                                ? x + static_cast<size_t>(steps) * kStepBytes
                                : operand.next + static_cast<size_t>(block.first_step) * kStepBytes;
    for (int p = 0; p < block.panels; ++p) {
      const int panel = block.first_panel + p;
      float* place = sums + static_cast<size_t>(single_pass ? p % 2 : p) * kPanelSums;
      if (from == 0) {
        zero_sums();
      } else {
        load_sums<kHalves>(place);
      }
      const auto fetched = static_cast<size_t>(p) * static_cast<size_t>(steps) * ahead_bytes;
      multiply_steps<kParts, kHalves, kToSecondLevel>(
          block.tiles + static_cast<size_t>(p) * block.panel_bytes +
              static_cast<size_t>(from - block.first_step) * kStepWeightBytes,
          RightOperand{x, 64, kPartBytes}, steps, Ahead{next + fetched, ahead_bytes});
      if (from + steps == block.all_steps) {
        finish_panel<kHalves>(weights, result, group, panel, place);
      } else {
        store_sums<kHalves>(place, place + kGroupSums);
      }
    }
  }
}

// Double groups [first, end) times a block; `waiting`: floats between the sums of two of them.
template <int kParts>
static inline void multiply_groups(const PackedLinear& weights, const Operand& in,
                                   const ProductResult& result, int first, int end, const TileBlock& block,
                                   float* sums, size_t waiting) {
  const auto operand = [&](int double_group) {
    return in.data + static_cast<size_t>(double_group) * in.group_bytes();
  };
  for (int g = first; g < end; ++g) {
    const GroupOperand group{operand(g), operand(g + 1 < end ? g + 1 : first)};
    float* place = sums + static_cast<size_t>(g - first) * waiting;
    if (in.rows - 2 * kLanes * g > kLanes) {
      multiply_group<kParts, 2>(weights, result, 2 * g, group, block, place);
    } else {
      multiply_group<kParts, 1>(weights, result, 2 * g, group, block, place);
    }
  }
}

// Panels of a block.
static inline int most_panels(int block_steps, const TileBlocking& blocking) {
  const auto panels =
      static_cast<int>(blocking.block_bytes / (kStepWeightBytes * static_cast<size_t>(block_steps)));
  return panels < 1 ? 1 : panels;
}

// Where the tiles of a block of weights are, unpacked to `room` unless they are tiles as they stand.
static inline void provide_tiles(const PackedLinear& weights, TileBlock& block, std::byte* room) {
  if (weights.holds_tiles()) {
    block.tiles = weights.panel(block.first_panel) + static_cast<size_t>(block.first_step) * kStepWeightBytes;
    block.panel_bytes = weights.panel_bytes;
    return;
  }
  block.tiles = room;
  block.panel_bytes = static_cast<size_t>(block.steps) * kStepWeightBytes;
  for (int p = 0; p < block.panels; ++p) {
    unpack_tiles(weights.type, weights.panel(block.first_panel + p), block.first_step,
                 block.first_step + block.steps, room + static_cast<size_t>(p) * block.panel_bytes);
  }
}

template <int kParts>
static void multiply_blocks(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                            int first, int end, const TileBlocking& blocking, std::byte* tiles, float* sums) {
  const int steps = in.steps();
  const int block_steps = equal_part(steps, blocking.block_steps);
  const int block_panels = equal_part(end - first, most_panels(block_steps, blocking));
  const int groups = (in.rows + 2 * kLanes - 1) / (2 * kLanes);
  const bool waits = block_steps < steps;
  const int chunk = waits ? blocking.waiting_groups : groups;
  for (int panel = first; panel < end; panel += block_panels) {
    for (int group = 0; group < groups; group += chunk) {
      for (int step = 0; step < steps; step += block_steps) {
        TileBlock block{.tiles = nullptr,
                        .panel_bytes = 0,
                        .first_panel = panel,
                        .panels = least(block_panels, end - panel),
                        .first_step = step,
                        .steps = least(block_steps, steps - step),
                        .pass_steps = 0,
                        .all_steps = steps};
        // A quarter more than a pass is still one: 18 steps of 576 inputs in two passes gain nothing.
        block.pass_steps = block.steps <= blocking.pass_steps * 5 / 4
                               ? block.steps
                               : equal_part(block.steps, blocking.pass_steps);
        provide_tiles(weights, block, tiles);
        multiply_groups<kParts>(weights, in, result, group, least(group + chunk, groups), block, sums,
                                waits ? static_cast<size_t>(block_panels) * kPanelSums : 0);
      }
    }
  }
}

// ---- The family

// Panels of the largest block of these weights.
static inline int most_panels_of(const PackedLinear& weights, int block_steps, const TileBlocking& blocking) {
  return least(most_panels(block_steps, blocking), weights.panels());
}

// Room for what is unpacked, which is the first part of the scratch.
static inline size_t unpacked_bytes(const PackedLinear& weights, const TileBlocking& blocking) {
  if (weights.holds_tiles()) return 0;
  const int block_steps = equal_part(weights.padded_inputs / kStepColumns, blocking.block_steps);
  const int steps = block_steps * most_panels_of(weights, block_steps, blocking);
  return kStepWeightBytes * static_cast<size_t>(steps < kRingSteps ? kRingSteps : steps);
}

template <int kParts>
static void multiply_tiles(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                           int first, int end, const TileBlocking& blocking, std::byte* scratch) {
  if (first >= end || in.rows == 0) return;
  auto* sums = reinterpret_cast<float*>(scratch + unpacked_bytes(weights, blocking));
  configure_tiles(in.width());
  if (in.rows <= kLanes) {
    multiply_stream<kParts, 1>(weights, in, result, first, end, scratch, sums);
  } else if (in.rows <= 2 * kLanes) {
    multiply_stream<kParts, 2>(weights, in, result, first, end, scratch, sums);
  } else {
    multiply_blocks<kParts>(weights, in, result, first, end, blocking, scratch, sums);
  }
  release_tiles();
}

static inline size_t tiles_scratch_bytes(const PackedLinear& weights, const TileBlocking& blocking) {
  const int steps = weights.padded_inputs / kStepColumns;
  const int block_steps = equal_part(steps, blocking.block_steps);
  int panels = most_panels_of(weights, block_steps, blocking);
  if (panels < 2) panels = 2;
  const int groups = block_steps < steps ? blocking.waiting_groups : 1;
  return unpacked_bytes(weights, blocking) +
         sizeof(float) * kPanelSums * static_cast<size_t>(panels) * static_cast<size_t>(groups);
}

}  // namespace
