// Attention in bfloat16 tiles, included after a vector_*.h, exponential.inl, operand.inl,
// attention_lanes.inl, tile_pages.inl, one of tiles_amx.h and tests/support/tiles_emulated.h, and
//   store_weights(void* p, Lanes even, Lanes odd): 32 weights, 0 or normal numbers, as bfloat16 pairs
//
// What is stored is the left operand and lanes are the right one: scores are keys x lanes, the output is
// elements x lanes, so that maximum and sum over keys are vertical and weights need only pairing on their way
// to the next product.
//
// Arithmetic of a lane, page after page, in powers of two (c = scale log2 e; with a cap c = log2 e and scores
// are capped first):
//   t = greatest score of the page; where t c exceeds the lane's reference by more than kSlack it becomes the
//       reference, and output and sum are multiplied by 2^(old - new)
//   p = 2^(score c - reference), 0 for keys that are not seen; sum += p, each fourth key in a sum of its own;
//   output += bfloat16(p) value, 32 keys a tile product
// A sink times log2 e is the reference before the first page, with the sum 1.
// Keys that a lane does not see have weight 0, which adds exactly nothing: every visit is as if it had not
// happened for lanes that see nothing of it. This needs finite values (see ValueTiles), and an output that is
// free of what tile products do to it in passing (see settled).
namespace {

using sizeup::cpu::AttentionBlock;
using sizeup::cpu::kBlockTiles;
using sizeup::cpu::LaneBounds;
using sizeup::cpu::PageVisit;

// In powers of two. Rescaling the output costs a fifth of the instructions of a page's weights; with a slack
// it is rare after the first page of a lane, and weights up to 2^8 are as exact as those up to 1.
constexpr float kSlack = 8.0F;
constexpr float kNoReference = -1e30F;
constexpr float kUnseen = -1e37F;  // of a score: below every reference, and times c still finite
constexpr float kLog2E = 1.44269504F;

// ---- Scratch

struct TileScratch {
  float* scores;      // [tile][key][kLanes]
  float* out;         // [tile][head_size][kLanes]
  float* reference;   // [tile][kLanes]
  float* sum;         // [tile][kLanes]
  float* gathered;    // [head_size][kLanes]: queries of a compact tile
  uint16_t* query;    // [tile][head_size / 32] right operands
  uint16_t* weights;  // [tile][32 keys] right operands
  uint16_t* values;   // a head's values of a page

  static size_t bytes(const AttentionShape& shape) {
    const auto size = static_cast<size_t>(shape.head_size);
    const size_t floats = kBlockTiles * kLanes * (kPagePositions + size + 2) + size * kLanes;
    const size_t halves = kBlockTiles * kLanes * (size + kPagePositions) + size * kPagePositions;
    return sizeof(float) * floats + sizeof(uint16_t) * halves;
  }
  TileScratch(const AttentionShape& shape, std::byte* memory) {
    const auto size = static_cast<size_t>(shape.head_size);
    scores = reinterpret_cast<float*>(memory);
    out = scores + kBlockTiles * kPagePositions * kLanes;
    reference = out + kBlockTiles * size * kLanes;
    sum = reference + kBlockTiles * kLanes;
    gathered = sum + kBlockTiles * kLanes;
    query = reinterpret_cast<uint16_t*>(gathered + size * kLanes);
    weights = query + kBlockTiles * size * kLanes;
    values = weights + kBlockTiles * kPagePositions * kLanes;
  }
};

static size_t tile_scratch_bytes(const AttentionShape& shape) {
  return TileScratch::bytes(shape);
}

// ---- The products. Tiles 0 and 1 are of the first lane tile, 2 and 3 of the second.

template <int kTiles>
static inline void zero_tiles() {
  tile_zero<0>();
  tile_zero<1>();
  if constexpr (kTiles == 2) {
    tile_zero<2>();
    tile_zero<3>();
  }
}

// `second`: floats from the first lane tile to the second one.
template <int kTiles>
static inline void load_tiles(const float* from, size_t second) {
  tile_load<0>(from, 64);
  tile_load<1>(from + 16 * kLanes, 64);
  if constexpr (kTiles == 2) {
    tile_load<2>(from + second, 64);
    tile_load<3>(from + second + 16 * kLanes, 64);
  }
}

template <int kTiles>
static inline void store_tiles(float* to, size_t second) {
  tile_store<0>(to, 64);
  tile_store<1>(to + 16 * kLanes, 64);
  if constexpr (kTiles == 2) {
    tile_store<2>(to + second, 64);
    tile_store<3>(to + second + 16 * kLanes, 64);
  }
}

template <int kTiles>
static inline void multiply_tiles(const uint16_t* left, size_t left_second, const uint16_t* right,
                                  size_t right_second) {
  tile_load<4>(left, 64);
  tile_load<6>(right, 64);
  tile_product<0, 4, 6>();
  tile_load<5>(left + left_second, 64);
  tile_product<1, 5, 6>();
  if constexpr (kTiles == 2) {
    tile_load<7>(right + right_second, 64);
    tile_product<2, 4, 7>();
    tile_product<3, 5, 7>();
  }
}

// Scores of the keys below `keys`, 32 at a time, before the scale.
template <int kTiles>
static inline void score_tiles(const uint16_t* page, int head_size, int keys, const uint16_t* query,
                               float* scores) {
  const int depths = head_size / kTileDepth;
  for (int key = 0; key < keys; key += 2 * kTileKeys) {
    zero_tiles<kTiles>();
    for (int depth = 0; depth < depths; ++depth) {
      multiply_tiles<kTiles>(page + key_place(head_size, key, depth * kTileDepth),
                             static_cast<size_t>(depths) * kTileElements, query + depth * kTileElements,
                             static_cast<size_t>(depths) * kTileElements);
    }
    store_tiles<kTiles>(scores + key * kLanes, kPagePositions * kLanes);
  }
}

// output += values * weights over the keys below `keys`, 32 at a time.
template <int kTiles>
static inline void add_tiles(const uint16_t* values, int head_size, int keys, const uint16_t* weights,
                             float* out) {
  const size_t second = static_cast<size_t>(head_size) * kLanes;
  for (int d = 0; d < head_size; d += 2 * kTileKeys) {
    load_tiles<kTiles>(out + d * kLanes, second);
    for (int depth = 0; depth * kTileDepth < keys; ++depth) {
      multiply_tiles<kTiles>(values + value_place(depth * kTileDepth, d), kKeyDepths * kTileElements,
                             weights + depth * kTileElements, kKeyDepths * kTileElements);
    }
    store_tiles<kTiles>(out + d * kLanes, second);
  }
}

// ---- Weights

// 2^x for x <= kSlack, relative error 3e-6, far less than the rounding to bfloat16; 0 below 2^-125, so that
// no weight is denormal.
static inline Lanes power_of_two(Lanes x) {
  const Lanes lowest = broadcast(-125.0F);
  const Lanes n = rounded(maximum(lowest, x));  // NaN stays in x
  const Lanes f = x - n;
  Lanes p = fused(broadcast(9.5828278e-3F), f, broadcast(5.5906396e-2F));
  p = fused(p, f, broadcast(2.4024099e-1F));
  p = fused(p, f, broadcast(6.9312418e-1F));
  p = fused(p, f, broadcast(1.0F));
  return select(greater(lowest, x), zero(), scale_by_power(p, n));
}

// Asks for memory bit by bit while something else is computed.
struct PageAhead {
  const char* keys = nullptr;    // of the next page
  const char* values = nullptr;  // of this page
  int line = 0;
  int lines = 0;  // of each; 0: nothing is asked for

  void ask(int count) {
    for (int stop = line + count < lines ? line + count : lines; line < stop; ++line) {
      __builtin_prefetch(keys + line * 64, 0, 3);
      __builtin_prefetch(values + line * 64, 0, 3);
    }
  }
};

// The scores of a tile become weights; its sum, and its output where a lane's reference moves, follow.
// from, to: what each lane sees; nullptr: everything.
static inline void weigh_tile(const AttentionShape& shape, int keys, const int32_t* from, const int32_t* to,
                              float* scores, float* reference, float* sum, float* out, uint16_t* weights,
                              PageAhead& ahead) {
  constexpr int kChains = 4;  // as many as hide the latency of a maximum, and of an addition
  Lanes top[kChains] = {broadcast(kUnseen), broadcast(kUnseen), broadcast(kUnseen), broadcast(kUnseen)};
  const Lanes c = broadcast(shape.cap != 0.0F ? kLog2E : shape.scale * kLog2E);
  if (from == nullptr && shape.cap == 0.0F) {
    for (int key = 0; key < keys; ++key) {
      top[key % kChains] = maximum(top[key % kChains], load(scores + key * kLanes));
    }
  } else {
    for (int key = 0; key < keys; ++key) {
      Lanes s = load(scores + key * kLanes);
      if (shape.cap != 0.0F) s = capped(s * broadcast(shape.scale), shape.cap);
      if (from != nullptr) s = select(between(from, key, to), s, broadcast(kUnseen));
      store(scores + key * kLanes, s);
      top[key % kChains] = maximum(top[key % kChains], s);
    }
  }
  const Lanes highest = maximum(maximum(top[0], top[1]), maximum(top[2], top[3])) * c;
  Lanes base = load(reference);
  Lanes total = load(sum);
  const LaneMask rises = greater(highest - base, broadcast(kSlack));
  if (bits(rises) != 0) {
    const Lanes factor = select(rises, power_of_two(base - highest), broadcast(1.0F));
    base = select(rises, highest, base);
    total = total * factor;
    store(reference, base);
    for (int d = 0; d < shape.head_size; ++d) store(out + d * kLanes, load(out + d * kLanes) * factor);
  }
  const Lanes minus_base = zero() - base;
  const int lines_each = ahead.lines == 0 ? 0 : (2 * ahead.lines + keys - 1) / keys;
  Lanes sums[kChains] = {zero(), zero(), zero(), zero()};
  const auto weight = [&](int key) {
    if (key >= keys) return zero();
    const Lanes p = power_of_two(fused(load(scores + key * kLanes), c, minus_base));
    sums[key % kChains] = sums[key % kChains] + p;
    return p;
  };
  const int padded = (keys + kTileDepth - 1) / kTileDepth * kTileDepth;
  for (int key = 0; key < padded; key += 2) {
    ahead.ask(lines_each);
    const Lanes even = weight(key);
    const Lanes odd = weight(key + 1);
    store_weights(weights + key * kLanes, even, odd);
  }
  store(sum, total + ((sums[0] + sums[1]) + (sums[2] + sums[3])));
}

// ---- Values

// Values of a page as a product may read them. A weight of 0 only adds nothing to what is finite, so where
// some lane does not see all keys of a visit, and where places beyond its keys have not been written, the
// tiles are copied with zeros for what lies beyond and for what is infinite or no number.
struct ValueTiles {
  const uint16_t* tiles = nullptr;
  bool finite = true;

  ValueTiles(const uint16_t* values, const PageVisit& visit, int head_size, uint16_t* copy) : tiles(values) {
    if (visit.bounds < 0 && visit.keys == kPagePositions) return;
    tiles = copy;
    uint16_t worst = 0;
    for (int key = 0; key < visit.keys; key += kTileDepth) {
      for (int d = 0; d < head_size; ++d) {
        const size_t place = value_place(key, d);
        for (int i = 0; i < kTileDepth; ++i) {
          const uint16_t value = key + i < visit.keys ? values[place + static_cast<size_t>(i)] : uint16_t{0};
          const auto exponent = static_cast<uint16_t>(value & kExponent);
          copy[place + static_cast<size_t>(i)] = exponent == kExponent ? uint16_t{0} : value;
          worst = exponent > worst ? exponent : worst;
        }
      }
    }
    finite = worst != kExponent;
  }

  // The lanes that do see what was left out get it: it makes their output infinite or no number.
  static void add_left_out(const uint16_t* values, const PageVisit& visit, const LaneBounds* bounds,
                           int head_size, const uint16_t* weights, float* out) {
    for (int d = 0; d < head_size; ++d) {
      for (int key = 0; key < visit.keys; ++key) {
        const uint16_t value = values[value_place(key, d)];
        if ((value & kExponent) != kExponent) continue;
        for (int lane = visit.first_tile * kLanes; lane < (visit.first_tile + visit.tiles) * kLanes; ++lane) {
          if (bounds != nullptr && (key < bounds->from[lane] || key >= bounds->to[lane])) continue;
          const int tile = lane / kLanes;
          const int place = (tile * kPagePositions + key / 2 * 2) * kLanes + lane % kLanes * 2 + key % 2;
          out[(tile * head_size + d) * kLanes + lane % kLanes] += widened(value) * widened(weights[place]);
        }
      }
    }
  }

 private:
  static constexpr uint16_t kExponent = 0x7F80;

  static float widened(uint16_t bfloat) {
    const uint32_t word = static_cast<uint32_t>(bfloat) << 16;
    float value;
    __builtin_memcpy(&value, &word, sizeof value);
    return value;
  }
};

// ---- One block

// Denormal output becomes zero, and zero positive: tile products do both to lanes of weight 0, so that it
// must not matter whether there was one.
static inline Lanes settled(Lanes out) {
  const Lanes least_normal = broadcast(1.17549435e-38F);
  const Lanes magnitude = maximum(out, zero() - out);
  return select(greater(least_normal, magnitude), zero(), out);
}

static inline void prepare_tile(const AttentionWork& work, const AttentionTile& tile, int kv_head, int index,
                                const TileScratch& scratch) {
  const int size = work.shape.head_size;
  begin_lanes(work, tile, kv_head, kNoReference, kLog2E, scratch.reference + index * kLanes,
              scratch.sum + index * kLanes);
  for (int d = 0; d < size; ++d) store(scratch.out + (index * size + d) * kLanes, zero());
  const float* query = scratch.gathered;
  if (tile.aligned) {
    query = work.query.at(tile.group, (kv_head * work.shape.group() + tile.head) * size);
  } else {
    gather_queries(work, tile, kv_head, scratch.gathered);
  }
  for (int d = 0; d < size; d += 2) {
    store_bfloat_pairs(scratch.query + (index * size + d) * kLanes, load(query + d * kLanes),
                       load(query + (d + 1) * kLanes), kLanes);
  }
}

static inline void attend_visit(const AttentionWork& work, const PageVisit& visit, const uint16_t* page,
                                const TileScratch& scratch, PageAhead ahead) {
  const AttentionShape& shape = work.shape;
  const int size = shape.head_size;
  const int first = visit.first_tile;
  const LaneBounds* bounds =
      visit.bounds < 0 ? nullptr : work.plan->bounds.data() + static_cast<size_t>(visit.bounds);
  float* scores = scratch.scores + first * kPagePositions * kLanes;
  float* out = scratch.out + first * size * kLanes;
  const uint16_t* query = scratch.query + first * size * kLanes;
  uint16_t* weights = scratch.weights + first * kPagePositions * kLanes;

  if (visit.tiles == 2) {
    score_tiles<2>(page, size, visit.keys, query, scores);
  } else {
    score_tiles<1>(page, size, visit.keys, query, scores);
  }
  for (int t = first; t < first + visit.tiles; ++t) {
    weigh_tile(shape, visit.keys, bounds == nullptr ? nullptr : bounds->from + t * kLanes,
               bounds == nullptr ? nullptr : bounds->to + t * kLanes,
               scratch.scores + t * kPagePositions * kLanes, scratch.reference + t * kLanes,
               scratch.sum + t * kLanes, scratch.out + t * size * kLanes,
               scratch.weights + t * kPagePositions * kLanes, ahead);
  }
  const uint16_t* stored = page + half_page_elements(shape);
  const ValueTiles values(stored, visit, size, scratch.values);
  if (visit.tiles == 2) {
    add_tiles<2>(values.tiles, size, visit.keys, weights, out);
  } else {
    add_tiles<1>(values.tiles, size, visit.keys, weights, out);
  }
  if (!values.finite) {
    ValueTiles::add_left_out(stored, visit, bounds, size, scratch.weights, scratch.out);
  }
}

static void attend_tiles(const AttentionWork& work, int block_index, int kv_head, std::byte* memory) {
  const AttentionShape& shape = work.shape;
  const AttentionBlock block = work.plan->blocks[static_cast<size_t>(block_index)];
  const AttentionTile* tiles = work.plan->tiles.data() + block.first_tile;
  const PageVisit* visits = work.plan->visits.data();
  const int size = shape.head_size;
  const TileScratch scratch(shape, memory);
  configure_tiles(kLanes);
  for (int t = 0; t < block.tiles; ++t) prepare_tile(work, tiles[t], kv_head, t, scratch);

  const auto page_of = [&](int visit) {
    const auto* page = reinterpret_cast<const uint16_t*>(work.pages[static_cast<size_t>(visits[visit].page)]);
    return page + static_cast<size_t>(kv_head) * 2 * half_page_elements(shape);
  };
  // Where rows generate, pages come from memory and are asked for (18 instead of 25 GB/s without); the pages
  // of a prompt are in the second-level cache after its first block (asking costs 1-15 %).
  const bool asks = !tiles[0].aligned || work.query.rows <= kLanes;
  for (int visit = block.first_visit; visit < block.end_visit; ++visit) {
    const uint16_t* page = page_of(visit);
    PageAhead ahead;
    if (asks) {
      ahead.keys = reinterpret_cast<const char*>(visit + 1 < block.end_visit ? page_of(visit + 1) : page);
      ahead.values = reinterpret_cast<const char*>(page + half_page_elements(shape));
      ahead.lines = static_cast<int>(half_page_elements(shape) * sizeof(uint16_t) / 64);
    }
    attend_visit(work, visits[visit], page, scratch, ahead);
  }
  release_tiles();

  for (int t = 0; t < block.tiles; ++t) {
    const Lanes inverse = broadcast(1.0F) / load(scratch.sum + t * kLanes);
    float* out = scratch.out + t * size * kLanes;
    for (int d = 0; d < size; ++d) {
      store(out + d * kLanes, settled(load(out + d * kLanes)) * inverse);
    }
    store_heads(work, tiles[t], kv_head, out);
  }
}

static constexpr sizeup::cpu::AttentionFamily tile_attention(std::string_view name) {
  return {.name = name,
          .supports = supports_tiles,
          .lone_rows = no_lone_rows,
          .page_bytes = tile_page_bytes,
          .write = write_tiles,
          .copy = copy_tiles,
          .attend = attend_tiles,
          .scratch_bytes = tile_scratch_bytes};
}

}  // namespace
