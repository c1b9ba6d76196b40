// Attention in float32 over keys and values of float32 or bfloat16, included after a vector_*.h,
// exponential.inl and operand.inl, and after the constants
//   kSideTiles:        tiles that go through the products together
//   kProductRows[n]:   keys (or elements of a value) that a product of n tiles keeps in registers; divides 16
//
// A head's part of a page is its keys, then its values, both [head_size][kPagePositions]: as rows lie in
// lanes, so that consecutive rows are written as they stand, and with the factors that a product needs next
// side by side. Pages of bfloat16 are widened into scratch when they are visited, once for both tiles of a
// block: 9 % of the arithmetic, where widening in the product would take 50 %.
//
// The reference of a lane is the greatest score so far, so that p is at most 1. Following it on every page
// costs one exponential a page (of 64) and, where it rises, one multiplication for each value element;
// waiting until it has risen by some slack would save less than that.
namespace {

using sizeup::KeyValueWrite;
using sizeup::kPagePositions;
using sizeup::cpu::AttentionBlock;
using sizeup::cpu::AttentionPlan;
using sizeup::cpu::AttentionShape;
using sizeup::cpu::AttentionTile;
using sizeup::cpu::AttentionWork;
using sizeup::cpu::kBlockTiles;
using sizeup::cpu::kLanes;
using sizeup::cpu::LaneBounds;
using sizeup::cpu::LaneRows;
using sizeup::cpu::PageVisit;

static_assert(kPagePositions % 16 == 0);

constexpr float kLowest = -3.402823466e38F;  // finite, so that lowest - lowest is no NaN

struct BfloatElement {
  uint16_t bits;
};

// ---- Pages

static inline size_t half_elements(const AttentionShape& shape) {  // keys (or values) of a head
  return static_cast<size_t>(shape.head_size) * kPagePositions;
}

template <typename Element>
static size_t float_page_bytes(const AttentionShape& shape) {
  return 2 * sizeof(Element) * half_elements(shape) * static_cast<size_t>(shape.kv_heads);
}

static inline void store_elements(float* to, Lanes a, int n) {
  store_some(to, a, n);
}
static inline void store_elements(BfloatElement* to, Lanes a, int n) {
  store_bfloats(to, a, n);
}

// Rows of one group from `lane` on, `count` of them, to consecutive places of a page.
template <typename Element>
static inline void write_run(const AttentionShape& shape, const LaneRows& rows, int column, int row,
                             int count, Element* to) {
  const int size = shape.head_size;
  for (int head = 0; head < shape.kv_heads; ++head) {
    const float* from = rows.at(row / kLanes, column + head * size) + row % kLanes;
    Element* place = to + static_cast<size_t>(head) * 2 * half_elements(shape);
    for (int d = 0; d < size; ++d) {
      store_elements(place + d * kPagePositions, load_some(from + d * kLanes, count), count);
    }
  }
}

template <typename Element>
static void write_pages(const AttentionShape& shape, const LaneRows& rows, int key_column, int value_column,
                        std::span<const KeyValueWrite> writes, std::span<std::byte* const> pages) {
  for (size_t i = 0; i < writes.size();) {
    const KeyValueWrite& first = writes[i];
    const int room = kLanes - first.row % kLanes;
    int count = 1;
    for (++i; i < writes.size() && count < room; ++i, ++count) {
      if (writes[i].page != first.page || writes[i].row != first.row + count ||
          writes[i].offset != first.offset + count) {
        break;
      }
    }
    auto* page = reinterpret_cast<Element*>(pages[static_cast<size_t>(first.page)]) + first.offset;
    write_run(shape, rows, key_column, first.row, count, page);
    write_run(shape, rows, value_column, first.row, count, page + half_elements(shape));
  }
}

template <typename Element>
static void copy_page(const AttentionShape& shape, const std::byte* from, int positions, std::byte* to) {
  const size_t bytes = sizeof(Element) * static_cast<size_t>(positions);
  const size_t end = float_page_bytes<Element>(shape);
  for (size_t row = 0; row < end; row += sizeof(Element) * kPagePositions) {
    __builtin_memcpy(to + row, from + row, bytes);
  }
}

// ---- One visit

// A thread's scratch; tile by tile.
struct AttentionScratch {
  float* scores;     // [tile][key][kLanes]; then e^(score - reference)
  float* out;        // [tile][head_size][kLanes]
  float* reference;  // [tile][kLanes]
  float* sum;        // [tile][kLanes]
  float* query;      // [tile][head_size][kLanes], of compact tiles
  float* widened;    // [head_size][kPagePositions], of bfloat16 pages

  static size_t floats(const AttentionShape& shape) {
    const auto size = static_cast<size_t>(shape.head_size);
    return kBlockTiles * kLanes * (kPagePositions + 2 * size + 2) + size * kPagePositions;
  }
  AttentionScratch(const AttentionShape& shape, std::byte* memory) {
    const size_t columns = static_cast<size_t>(shape.head_size) * kBlockTiles * kLanes;
    scores = reinterpret_cast<float*>(memory);
    out = scores + kBlockTiles * kPagePositions * kLanes;
    reference = out + columns;
    sum = reference + kBlockTiles * kLanes;
    query = sum + kBlockTiles * kLanes;
    widened = query + columns;
  }
};

static size_t float_scratch_bytes(const AttentionShape& shape) {
  return sizeof(float) * AttentionScratch::floats(shape);
}

// Asks for the next part of the page while the present one is multiplied, a share for each block of the
// product: all at once would hold up the arithmetic behind the queue of the memory.
struct Ahead {
  const char* next;
  const char* end;

  void ask(size_t bytes) {
    for (const char* stop = next + bytes < end ? next + bytes : end; next < stop; next += 64) {
      _mm_prefetch(next, _MM_HINT_T0);
    }
  }
};

// scores[tile][key] = scale * sum over d of key[d] * query[d], for kKeys keys from `keys` on.
template <int kKeys, int kTiles>
static inline void score_keys(const float* keys, int head_size, const float* const* query, float scale,
                              float* scores) {
  Lanes sums[kKeys][kTiles];
#pragma GCC unroll 16
  for (int k = 0; k < kKeys; ++k) {
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) sums[k][t] = zero();
  }
  for (int d = 0; d < head_size; ++d) {
    Lanes q[kTiles];
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) q[t] = load(query[t] + d * kLanes);
#pragma GCC unroll 16
    for (int k = 0; k < kKeys; ++k) {
      const Lanes key = broadcast(keys[d * kPagePositions + k]);
#pragma GCC unroll 2
      for (int t = 0; t < kTiles; ++t) sums[k][t] = fused(key, q[t], sums[k][t]);
    }
  }
#pragma GCC unroll 16
  for (int k = 0; k < kKeys; ++k) {
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) {
      store(scores + (t * kPagePositions + k) * kLanes, sums[k][t] * broadcast(scale));
    }
  }
}

template <int kTiles>
static inline void score_page(const float* keys, int count, int head_size, const float* const* query,
                              float scale, float* scores, Ahead& ahead) {
  constexpr int kKeys = kProductRows[kTiles];
  for (int k = 0; k < count; k += kKeys) {  // the last ones may be beyond `count`, yet in the page
    ahead.ask(static_cast<size_t>(head_size) * sizeof(float) * kKeys);
    score_keys<kKeys, kTiles>(keys + k, head_size, query, scale, scores + k * kLanes);
  }
}

// cap tanh(s / cap) = cap (1 - 2 / (1 + e^(2 s / cap))): off by a few units in the last place of cap.
static inline Lanes capped(Lanes s, float cap) {
  const Lanes e = exponential(s * broadcast(2.0F / cap));
  return broadcast(cap) * (broadcast(1.0F) - broadcast(2.0F) / (broadcast(1.0F) + e));
}

// Scores become weights; sum and output so far are rescaled where the reference rises.
static inline void weigh(const AttentionShape& shape, int keys, const int32_t* from, const int32_t* to,
                         float* scores, float* reference, float* sum, float* out) {
  constexpr int kChains = 4;  // as many as hide the latency of a maximum
  Lanes greatest[kChains] = {broadcast(kLowest), broadcast(kLowest), broadcast(kLowest), broadcast(kLowest)};
  if (from == nullptr && shape.cap == 0.0F) {
    for (int k = 0; k < keys; ++k)
      greatest[k % kChains] = maximum(greatest[k % kChains], load(scores + k * kLanes));
  } else {
    const Lanes unseen = broadcast(-__builtin_inff());
    for (int k = 0; k < keys; ++k) {
      Lanes s = load(scores + k * kLanes);
      if (shape.cap != 0.0F) s = capped(s, shape.cap);
      if (from != nullptr) s = select(between(from, k, to), s, unseen);
      store(scores + k * kLanes, s);
      greatest[k % kChains] = maximum(greatest[k % kChains], s);
    }
  }
  const Lanes before = load(reference);
  const Lanes highest = maximum(maximum(greatest[0], greatest[1]), maximum(greatest[2], greatest[3]));
  const LaneMask rises = greater(highest, before);
  const Lanes after = select(rises, highest, before);
  Lanes total = load(sum);
  if (bits(rises) != 0) {
    const Lanes factor = select(rises, exponential(before - after), broadcast(1.0F));
    total = total * factor;
    for (int d = 0; d < shape.head_size; ++d) store(out + d * kLanes, load(out + d * kLanes) * factor);
    store(reference, after);
  }
  for (int k = 0; k < keys; ++k) {
    const Lanes p = exponential(load(scores + k * kLanes) - after);
    store(scores + k * kLanes, p);
    total = total + p;
  }
  store(sum, total);
}

// Keys of a page that are added to the output, and the lanes that see them.
struct KeyRange {
  int begin = 0;
  int end = 0;
  uint32_t lanes = 0;                  // of the block, for all keys of the range, unless there are
  const LaneBounds* bounds = nullptr;  // for each key
};

// out[tile][element] += value[element] * p for kElements elements from `values` on; weights: [tile][key].
template <int kElements, int kTiles, bool kBounded>
static inline void add_elements(const float* values, const float* weights, const KeyRange& range,
                                int first_tile, int head_size, float* out) {
  Lanes sums[kElements][kTiles];
#pragma GCC unroll 16
  for (int i = 0; i < kElements; ++i) {
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) sums[i][t] = load(out + (t * head_size + i) * kLanes);
  }
  for (int k = range.begin; k < range.end; ++k) {
    Lanes p[kTiles];
    LaneMask seen[kTiles];
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) {
      p[t] = load(weights + (t * kPagePositions + k) * kLanes);
      const int lane = (first_tile + t) * kLanes;
      if constexpr (kBounded) seen[t] = between(range.bounds->from + lane, k, range.bounds->to + lane);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kElements; ++i) {
      const Lanes value = broadcast(values[i * kPagePositions + k]);
#pragma GCC unroll 2
      for (int t = 0; t < kTiles; ++t) {
        if constexpr (kBounded) {
          sums[i][t] = fused_where(seen[t], value, p[t], sums[i][t]);
        } else {
          sums[i][t] = fused(value, p[t], sums[i][t]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int t = 0; t < kTiles; ++t) {
    const LaneMask seen = mask_of(range.lanes >> ((first_tile + t) * kLanes) & 0xFFFF);
#pragma GCC unroll 16
    for (int i = 0; i < kElements; ++i) {
      float* place = out + (t * head_size + i) * kLanes;
      store(place, kBounded ? sums[i][t] : select(seen, sums[i][t], load(place)));
    }
  }
}

// As many elements as possible kElements at a time, the rest in smaller numbers.
template <int kElements, int kTiles, bool kBounded>
static inline void add_range(const float* values, const float* weights, const KeyRange& range, int first_tile,
                             int head_size, int element, float* out, Ahead& ahead) {
  for (; element + kElements <= head_size; element += kElements) {
    ahead.ask(kElements * kPagePositions * sizeof(float));
    add_elements<kElements, kTiles, kBounded>(values + element * kPagePositions, weights, range, first_tile,
                                              head_size, out + element * kLanes);
  }
  if constexpr (kElements > 1) {
    add_range<kElements / 2, kTiles, kBounded>(values, weights, range, first_tile, head_size, element, out,
                                               ahead);
  }
}

template <int kTiles>
static inline void add_page(const float* values, const PageVisit& visit, const LaneBounds* bounds,
                            int first_tile, int head_size, const float* weights, float* out, Ahead& ahead) {
  constexpr int kElements = kProductRows[kTiles];
  const auto bounded = [&](int begin, int end) {
    if (begin == end) return;
    add_range<kElements, kTiles, true>(values, weights, {.begin = begin, .end = end, .bounds = bounds},
                                       first_tile, head_size, 0, out, ahead);
  };
  // Bounds for each key are dear (a third of the speed on AVX2); most keys are seen by all lanes of the
  // visit.
  if (bounds != nullptr) bounded(0, visit.common_from);
  const int begin = bounds == nullptr ? 0 : visit.common_from;
  const int end = bounds == nullptr ? visit.keys : visit.common_to;
  if (begin < end) {
    add_range<kElements, kTiles, false>(values, weights, {.begin = begin, .end = end, .lanes = visit.lanes},
                                        first_tile, head_size, 0, out, ahead);
  }
  if (bounds != nullptr) bounded(visit.common_to, visit.keys);
}

// ---- One block

// Queries of a compact tile, lane by lane.
static inline void gather_queries(const AttentionWork& work, const AttentionTile& tile, int kv_head,
                                  float* query) {
  const int size = work.shape.head_size;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (tile.rows[lane] < 0) {
      for (int d = 0; d < size; ++d) query[d * kLanes + lane] = 0.0F;
      continue;
    }
    const int column = (kv_head * work.shape.group() + tile.heads[lane]) * size;
    const float* from = work.query.at(tile.rows[lane] / kLanes, column) + tile.rows[lane] % kLanes;
    for (int d = 0; d < size; ++d) query[d * kLanes + lane] = from[d * kLanes];
  }
}

static inline void finish_aligned(const AttentionWork& work, const AttentionTile& tile, int kv_head,
                                  Lanes sum, const float* out) {
  const int size = work.shape.head_size;
  const int column = (kv_head * work.shape.group() + tile.head) * size;
  const auto value = [&](int d) { return load(out + d * kLanes) / sum; };
  int d = column % 2;  // of an odd head size: pairs of columns may belong to two heads
  if (d != 0) store_column(work.out, tile.group, column, value(0));
  for (; d + 1 < size; d += 2) store_columns(work.out, tile.group, column + d, value(d), value(d + 1));
  if (d < size) store_column(work.out, tile.group, column + d, value(d));
}

static inline void finish_compact(const AttentionWork& work, const AttentionTile& tile, int kv_head,
                                  Lanes sum, float* out) {
  const int size = work.shape.head_size;
  for (int d = 0; d < size; ++d) store(out + d * kLanes, load(out + d * kLanes) / sum);
  for (int lane = 0; lane < kLanes; ++lane) {
    if (tile.rows[lane] < 0) continue;
    const int column = (kv_head * work.shape.group() + tile.heads[lane]) * size;
    for (int d = 0; d < size; ++d) store_value(work.out, tile.rows[lane], column + d, out[d * kLanes + lane]);
  }
}

static inline const float* as_floats(const float* from, int, float*) {
  return from;
}
static inline const float* as_floats(const BfloatElement* from, int head_size, float* widened) {
  for (int i = 0; i < head_size * kPagePositions; i += kLanes) store(widened + i, load_bfloats(from + i));
  return widened;
}

// The visit's tiles from `tile` on, kTiles of them.
template <int kTiles, typename Body>
static inline void for_tiles(const PageVisit& visit, int tile, const Body& body) {
  for (; tile + kTiles <= visit.first_tile + visit.tiles; tile += kTiles)
    body.template operator()<kTiles>(tile);
  if constexpr (kTiles > 1) for_tiles<kTiles - 1>(visit, tile, body);
}

template <typename Element>
static void attend_block(const AttentionWork& work, int block_index, int kv_head, std::byte* memory) {
  const AttentionShape& shape = work.shape;
  const AttentionPlan& plan = *work.plan;
  const AttentionBlock block = plan.blocks[static_cast<size_t>(block_index)];
  const AttentionTile* tiles = plan.tiles.data() + block.first_tile;
  const int size = shape.head_size;
  const AttentionScratch scratch(shape, memory);

  const float* query[kBlockTiles] = {};
  for (int t = 0; t < block.tiles; ++t) {
    store(scratch.reference + t * kLanes, broadcast(kLowest));
    store(scratch.sum + t * kLanes, zero());
    for (int d = 0; d < size; ++d) store(scratch.out + (t * size + d) * kLanes, zero());
    if (tiles[t].aligned) {
      query[t] = work.query.at(tiles[t].group, (kv_head * shape.group() + tiles[t].head) * size);
    } else {
      gather_queries(work, tiles[t], kv_head, scratch.query + t * size * kLanes);
      query[t] = scratch.query + t * size * kLanes;
    }
  }

  const size_t half = half_elements(shape);
  const auto head_of = [&](int visit) {
    const auto page = static_cast<size_t>(plan.visits[static_cast<size_t>(visit)].page);
    return reinterpret_cast<const Element*>(work.pages[page]) + static_cast<size_t>(kv_head) * 2 * half;
  };
  const auto ahead_of = [&](const Element* part) {
    const char* begin = reinterpret_cast<const char*>(part);
    return Ahead{begin, part == nullptr ? begin : begin + half * sizeof(Element)};
  };
  for (int index = block.first_visit; index < block.end_visit; ++index) {
    const PageVisit& visit = plan.visits[static_cast<size_t>(index)];
    const LaneBounds* bounds = visit.bounds < 0 ? nullptr : plan.bounds.data() + visit.bounds;
    const Element* page = head_of(index);

    const float* keys = as_floats(page, size, scratch.widened);
    Ahead values_ahead = ahead_of(page + half);
    for_tiles<kSideTiles>(visit, visit.first_tile, [&]<int kTiles>(int tile) {
      score_page<kTiles>(keys, visit.keys, size, query + tile, shape.scale,
                         scratch.scores + tile * kPagePositions * kLanes, values_ahead);
    });
    for (int tile = visit.first_tile; tile < visit.first_tile + visit.tiles; ++tile) {
      weigh(shape, visit.keys, bounds == nullptr ? nullptr : bounds->from + tile * kLanes,
            bounds == nullptr ? nullptr : bounds->to + tile * kLanes,
            scratch.scores + tile * kPagePositions * kLanes, scratch.reference + tile * kLanes,
            scratch.sum + tile * kLanes, scratch.out + tile * size * kLanes);
    }
    const float* values = as_floats(page + half, size, scratch.widened);
    Ahead keys_ahead = ahead_of(index + 1 < block.end_visit ? head_of(index + 1) : nullptr);
    for_tiles<kSideTiles>(visit, visit.first_tile, [&]<int kTiles>(int tile) {
      add_page<kTiles>(values, visit, bounds, tile, size, scratch.scores + tile * kPagePositions * kLanes,
                       scratch.out + tile * size * kLanes, keys_ahead);
    });
  }

  for (int t = 0; t < block.tiles; ++t) {
    const Lanes sum = load(scratch.sum + t * kLanes);
    float* out = scratch.out + t * size * kLanes;
    if (tiles[t].aligned) {
      finish_aligned(work, tiles[t], kv_head, sum, out);
    } else {
      finish_compact(work, tiles[t], kv_head, sum, out);
    }
  }
}

static bool supports_any(const AttentionShape& shape) {
  return shape.head_size > 0;
}

template <typename Element>
static constexpr sizeup::cpu::AttentionFamily float_attention(std::string_view name) {
  return {.name = name,
          .supports = supports_any,
          .page_bytes = float_page_bytes<Element>,
          .write = write_pages<Element>,
          .copy = copy_page<Element>,
          .attend = attend_block<Element>,
          .scratch_bytes = float_scratch_bytes};
}

}  // namespace
