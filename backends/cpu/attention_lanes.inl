// Between lanes of attention and rows, included after a vector_*.h and operand.inl.
namespace {

using sizeup::cpu::AttentionShape;
using sizeup::cpu::AttentionTile;
using sizeup::cpu::AttentionWork;
using sizeup::cpu::kLanes;

// Queries of a compact tile, lane by lane: [head_size][kLanes].
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

// What the lanes of a tile begin with: the sinks of their heads as references of weight 1, or `lowest` and
// nothing.
static inline void begin_lanes(const AttentionWork& work, const AttentionTile& tile, int kv_head,
                               float lowest, float sink_scale, float* reference, float* sum) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const bool sinks = work.sinks != nullptr && (tile.aligned || tile.rows[lane] >= 0);
    const int head = kv_head * work.shape.group() + (tile.aligned ? tile.head : tile.heads[lane]);
    reference[lane] = sinks ? work.sinks[head] * sink_scale : lowest;
    sum[lane] = sinks ? 1.0F : 0.0F;
  }
}

// The outputs of a tile, [head_size][kLanes], go to the columns of their heads.
static inline void store_heads(const AttentionWork& work, const AttentionTile& tile, int kv_head,
                               const float* out) {
  const int size = work.shape.head_size;
  const int first_head = kv_head * work.shape.group();
  if (!tile.aligned) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (tile.rows[lane] < 0) continue;
      const int column = (first_head + tile.heads[lane]) * size;
      for (int d = 0; d < size; ++d) {
        store_value(work.out, tile.rows[lane], column + d, out[d * kLanes + lane]);
      }
    }
    return;
  }
  const int column = (first_head + tile.head) * size;
  const auto value = [&](int d) { return load(out + d * kLanes); };
  int d = column % 2;  // of an odd head size: pairs of columns may belong to two heads
  if (d != 0) store_column(work.out, tile.group, column, value(0));
  for (; d + 1 < size; d += 2) store_columns(work.out, tile.group, column + d, value(d), value(d + 1));
  if (d < size) store_column(work.out, tile.group, column + d, value(d));
}

}  // namespace
