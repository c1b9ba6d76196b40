// Attention in float32 over keys and values of float32 or bfloat16, included after lone_row.inl, what that
// needs, and the constants
//   kSideTiles:        tiles that go through the products together
//   kProductRows[n]:   keys (or elements of a value) that a product of n tiles keeps in registers
//
// Pages of bfloat16 are widened into scratch when they are visited, once for both tiles of a
// block: 9 % of the arithmetic, where widening in the product would take 50 %.
//
// The reference of a lane is the greatest score so far, so that p is at most 1. Following it on every page
// costs one exponential a page (of 64) and, where it rises, one multiplication for each value element;
// waiting until it has risen by some slack would save less than that.
namespace {

using sizeup::cpu::LaneBounds;

// ---- One visit

// A thread's scratch; tile by tile.
struct AttentionScratch {
  float* scores;     // [tile][key][kLanes]; then e^(score - reference)
  float* out;        // [tile][head_size][kLanes]
  float* reference;  // [tile][kLanes]
  float* sum;        // [tile][kLanes]
  float* query;      // [tile][head_size][kLanes], of compact tiles
  float* widened;    // keys or values of a bfloat16 page's head

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

// Keys [key, count), kKeys at a time, the last ones of the page in smaller numbers; some may be beyond
// `count`, yet in the page.
template <int kKeys, int kTiles>
static inline void score_range(const float* keys, int key, int count, int head_size,
                               const float* const* query, float scale, float* scores, Ahead& ahead) {
  for (; key < count && key + kKeys <= kPagePositions; key += kKeys) {
    ahead.ask(static_cast<size_t>(head_size) * sizeof(float) * kKeys);
    score_keys<kKeys, kTiles>(keys + key, head_size, query, scale, scores + key * kLanes);
  }
  if constexpr (kKeys > 1) {
    if (key < count) score_range<kKeys / 2, kTiles>(keys, key, count, head_size, query, scale, scores, ahead);
  }
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
      const Lanes value = broadcast(values[k * head_size + i]);
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
    add_elements<kElements, kTiles, kBounded>(values + element, weights, range, first_tile, head_size,
                                              out + element * kLanes);
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
  if (const int heads = lone_heads(shape, block, tiles[0]); heads > 0) {
    attend_lone<Element>(work, block, kv_head, heads, scratch.scores);
    return;
  }

  const float* query[kBlockTiles] = {};
  for (int t = 0; t < block.tiles; ++t) {
    begin_lanes(work, tiles[t], kv_head, kLowest, 1.0F, scratch.reference + t * kLanes,
                scratch.sum + t * kLanes);
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
  for (int index = block.first_visit; index < block.end_visit; ++index) {
    const PageVisit& visit = plan.visits[static_cast<size_t>(index)];
    const LaneBounds* bounds = visit.bounds < 0 ? nullptr : plan.bounds.data() + visit.bounds;
    const Element* page = head_of(index);

    const float* keys = as_floats(page, size, scratch.widened);
    Ahead values_ahead = ahead_of(page + half, half);
    for_tiles<kSideTiles>(visit, visit.first_tile, [&]<int kTiles>(int tile) {
      score_range<kProductRows[kTiles], kTiles>(keys, 0, visit.keys, size, query + tile, shape.scale,
                                                scratch.scores + tile * kPagePositions * kLanes,
                                                values_ahead);
    });
    for (int tile = visit.first_tile; tile < visit.first_tile + visit.tiles; ++tile) {
      weigh(shape, visit.keys, bounds == nullptr ? nullptr : bounds->from + tile * kLanes,
            bounds == nullptr ? nullptr : bounds->to + tile * kLanes,
            scratch.scores + tile * kPagePositions * kLanes, scratch.reference + tile * kLanes,
            scratch.sum + tile * kLanes, scratch.out + tile * size * kLanes);
    }
    const float* values = as_floats(page + half, size, scratch.widened);
    Ahead keys_ahead = index + 1 < block.end_visit ? ahead_of(head_of(index + 1), half) : Ahead{};
    for_tiles<kSideTiles>(visit, visit.first_tile, [&]<int kTiles>(int tile) {
      add_page<kTiles>(values, visit, bounds, tile, size, scratch.scores + tile * kPagePositions * kLanes,
                       scratch.out + tile * size * kLanes, keys_ahead);
    });
  }

  for (int t = 0; t < block.tiles; ++t) {
    const Lanes sum = load(scratch.sum + t * kLanes);
    float* out = scratch.out + t * size * kLanes;
    for (int d = 0; d < size; ++d) store(out + d * kLanes, load(out + d * kLanes) / sum);
    store_heads(work, tiles[t], kv_head, out);
  }
}

static bool supports_any(const AttentionShape& shape) {
  return shape.head_size > 0;
}

template <typename Element>
static constexpr sizeup::cpu::AttentionFamily float_attention(std::string_view name) {
  return {.name = name,
          .supports = supports_any,
          .lone_rows = lone_rows,
          .page_bytes = float_page_bytes<Element>,
          .write = write_pages<Element>,
          .copy = copy_page<Element>,
          .attend = attend_block<Element>,
          .scratch_bytes = float_scratch_bytes};
}

}  // namespace
