// A row that shares no tile: sixteen keys, or elements of a value, side by side against each of its heads,
// where a tile would have as many lanes to do as the group has heads. Included after float_pages.inl,
// exponential.inl, operand.inl and the constant
//   kLoneSums: vectors of sums that a product keeps in registers
// The arithmetic of a value is that of a lane of a tile, step by step.
namespace {

using sizeup::cpu::AttentionBlock;
using sizeup::cpu::AttentionPlan;
using sizeup::cpu::AttentionTile;
using sizeup::cpu::AttentionWork;
using sizeup::cpu::kBlockTiles;
using sizeup::cpu::PageVisit;

constexpr float kLowest = -3.402823466e38F;  // finite, so that lowest - lowest is no NaN

static inline bool lone_rows(const AttentionShape& shape) {
  return shape.group() < kLanes && shape.head_size % kLanes == 0;
}

// The heads of the tile's only row; 0: it has several, or not the first heads of the group.
static inline int lone_heads(const AttentionShape& shape, const AttentionBlock& block,
                             const AttentionTile& tile) {
  if (!lone_rows(shape) || block.tiles != 1 || tile.aligned) return 0;
  int heads = 0;
  while (heads < kLanes && tile.rows[heads] == tile.rows[0] && tile.heads[heads] == heads) ++heads;
  return heads == kLanes || tile.rows[heads] >= 0 ? 0 : heads;
}

// Rows [begin, end) of keys or values, `stride` elements each: sums[head][column] += row[column] *
// factor[head][row].
template <typename Element>
struct LoneProduct {
  const Element* rows;
  int stride;
  int columns;
  int begin;
  int end;
  const float* factors;
  int factor_stride;
  float* sums;
  int sum_stride;
};

template <int kHeads, int kVectors, typename Element>
static inline void add_rows(const LoneProduct<Element>& product, int head, int column, Ahead& ahead) {
  float* place = product.sums + head * product.sum_stride + column;
  const float* factors = product.factors + head * product.factor_stride;
  Lanes sums[kHeads][kVectors];
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[h][v] = load(place + h * product.sum_stride + v * kLanes);
  }
  for (int i = product.begin; i < product.end; ++i) {
    const Element* row = product.rows + i * product.stride + column;
    Lanes x[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) x[v] = load_elements(row + v * kLanes);
    ahead.ask(kVectors * kLanes * sizeof(Element));
#pragma GCC unroll 4
    for (int h = 0; h < kHeads; ++h) {
      const Lanes factor = broadcast(factors[h * product.factor_stride + i]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[h][v] = fused(x[v], factor, sums[h][v]);
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(place + h * product.sum_stride + v * kLanes, sums[h][v]);
  }
}

template <int kHeads, typename Element>
static inline void add_heads(const LoneProduct<Element>& product, int head, Ahead& ahead) {
  constexpr int kVectors = kLoneSums / kHeads < 4 ? kLoneSums / kHeads : 4;
  int column = 0;
  for (; column + kVectors * kLanes <= product.columns; column += kVectors * kLanes) {
    add_rows<kHeads, kVectors>(product, head, column, ahead);
  }
  for (; column < product.columns; column += kLanes) add_rows<kHeads, 1>(product, head, column, ahead);
}

template <typename Element>
static inline void add_product(const LoneProduct<Element>& product, int heads, Ahead& ahead) {
  int head = 0;
  for (; head + 4 <= heads; head += 4) add_heads<4>(product, head, ahead);
  if (heads - head == 3) add_heads<3>(product, head, ahead);
  if (heads - head == 2) add_heads<2>(product, head, ahead);
  if (heads - head == 1) add_heads<1>(product, head, ahead);
}

// What a head has come to.
struct LoneHead {
  float reference;
  float sum;
};

// Products with keys become weights, for the keys [begin, end); whole vectors around them.
static inline void weigh_lone(const AttentionShape& shape, int begin, int end, float* scores, LoneHead& head,
                              float* out) {
  const int first = begin / kLanes * kLanes;
  const int last = (end + kLanes - 1) / kLanes * kLanes;
  for (int k = first; k < last; k += kLanes) {
    Lanes s = load(scores + k) * broadcast(shape.scale);
    if (shape.cap != 0.0F) s = capped(s, shape.cap);
    store(scores + k, s);
  }
  for (int k = first; k < begin; ++k) scores[k] = -__builtin_inff();
  for (int k = end; k < last; ++k) scores[k] = -__builtin_inff();
  Lanes greatest = broadcast(kLowest);
  for (int k = first; k < last; k += kLanes) greatest = maximum(greatest, load(scores + k));
  alignas(64) float lanes[kLanes];
  store(lanes, greatest);
  float highest = lanes[0];
  for (int i = 1; i < kLanes; ++i) highest = lanes[i] > highest ? lanes[i] : highest;
  if (highest > head.reference) {
    const Lanes factor = exponential(broadcast(head.reference) - broadcast(highest));
    for (int d = 0; d < shape.head_size; d += kLanes) store(out + d, load(out + d) * factor);
    store(lanes, factor);
    head.sum = head.sum * lanes[0];
    head.reference = highest;
  }
  for (int k = first; k < last; k += kLanes) {
    store(scores + k, exponential(load(scores + k) - broadcast(head.reference)));
  }
  for (int k = begin; k < end; ++k) head.sum = head.sum + scores[k];
}

// Memory: [head][kPagePositions] scores, [head][head_size] outputs and queries.
template <typename Element>
static void attend_lone(const AttentionWork& work, const AttentionBlock& block, int kv_head, int heads,
                        float* memory) {
  const AttentionShape& shape = work.shape;
  const AttentionPlan& plan = *work.plan;
  const int size = shape.head_size;
  const int row = plan.tiles[static_cast<size_t>(block.first_tile)].rows[0];
  const int first_column = kv_head * shape.group() * size;
  float* scores = memory;
  float* out = scores + heads * kPagePositions;
  float* query = out + heads * size;
  const float* from = work.query.at(row / kLanes, first_column) + row % kLanes;
  for (int c = 0; c < heads * size; ++c) query[c] = from[c * kLanes];
  for (int c = 0; c < heads * size; c += kLanes) store(out + c, zero());
  LoneHead state[kLanes];
  for (int h = 0; h < heads; ++h) {
    state[h] = {kLowest, 0.0F};
    if (work.sinks != nullptr) state[h] = {work.sinks[kv_head * shape.group() + h], 1.0F};
  }

  const size_t half = half_elements(shape);
  const auto head_of = [&](int visit) {
    const auto page = static_cast<size_t>(plan.visits[static_cast<size_t>(visit)].page);
    return reinterpret_cast<const Element*>(work.pages[page]) + static_cast<size_t>(kv_head) * 2 * half;
  };
  for (int index = block.first_visit; index < block.end_visit; ++index) {
    const PageVisit& visit = plan.visits[static_cast<size_t>(index)];
    const int begin = visit.bounds < 0 ? 0 : visit.common_from;
    const int end = visit.bounds < 0 ? visit.keys : visit.common_to;
    const int columns = (end + kLanes - 1) / kLanes * kLanes;  // keys of whole vectors, in the page
    const Element* page = head_of(index);

    for (int k = 0; k < heads * kPagePositions; k += kLanes) store(scores + k, zero());
    Ahead values_ahead = ahead_of(page + half, half);
    add_product(
        LoneProduct<Element>{page, kPagePositions, columns, 0, size, query, size, scores, kPagePositions},
        heads, values_ahead);
    for (int h = 0; h < heads; ++h) {
      weigh_lone(shape, begin, end, scores + h * kPagePositions, state[h], out + h * size);
    }
    Ahead keys_ahead = index + 1 < block.end_visit ? ahead_of(head_of(index + 1), half) : Ahead{};
    add_product(LoneProduct<Element>{page + half, size, size, begin, end, scores, kPagePositions, out, size},
                heads, keys_ahead);
  }

  for (int h = 0; h < heads; ++h) {
    float* place = out + h * size;
    for (int d = 0; d < size; d += kLanes) store(place + d, load(place + d) / broadcast(state[h].sum));
    for (int d = 0; d < size; ++d) store_value(work.out, row, first_column + h * size + d, place[d]);
  }
}

}  // namespace
