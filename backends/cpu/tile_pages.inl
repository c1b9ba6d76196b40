// Keys and values for tile attention, included after a vector_*.h and attention_lanes.inl. Both are left
// operands as they stand. A head's part of a page is
//   keys   [16 keys at a time][32 elements at a time] tiles of 16 keys x 32 elements
//   values [16 elements at a time][32 keys at a time] tiles of 16 elements x 32 keys
namespace {

using sizeup::KeyValueWrite;
using sizeup::kPagePositions;
using sizeup::cpu::LaneRows;

constexpr int kTileKeys = 16;   // keys of a tile of keys
constexpr int kTileDepth = 32;  // what a tile product sums over: elements of a key, or keys
constexpr int kTileElements = 512;
constexpr int kKeyDepths = kPagePositions / kTileDepth;
static_assert(kPagePositions % kTileDepth == 0);

static inline size_t half_page_elements(const AttentionShape& shape) {  // keys (or values) of a head
  return static_cast<size_t>(shape.head_size) * kPagePositions;
}
static inline size_t key_place(int head_size, int key, int element) {
  const int tile = key / kTileKeys * (head_size / kTileDepth) + element / kTileDepth;
  return static_cast<size_t>(tile * kTileElements + key % kTileKeys * kTileDepth + element % kTileDepth);
}
static inline size_t value_place(int key, int element) {
  const int tile = element / kTileKeys * kKeyDepths + key / kTileDepth;
  return static_cast<size_t>(tile * kTileElements + element % kTileKeys * kTileDepth + key % kTileDepth);
}

static bool supports_tiles(const AttentionShape& shape) {
  return shape.head_size > 0 && shape.head_size % kTileDepth == 0;
}

// A row alone in its block costs as much as sixteen lanes.
static bool no_lone_rows(const AttentionShape&) {
  return false;
}

static size_t tile_page_bytes(const AttentionShape& shape) {
  return 2 * sizeof(uint16_t) * half_page_elements(shape) * static_cast<size_t>(shape.kv_heads);
}

static inline uint16_t bfloat_of(float x) {
  uint32_t word;
  __builtin_memcpy(&word, &x, sizeof word);
  return static_cast<uint16_t>((word + 0x7FFF + (word >> 16 & 1)) >> 16);  // to nearest, ties to even
}

// `count` rows of one group from `row` on, to consecutive places of one tile of values.
static inline void write_rows(const AttentionShape& shape, const LaneRows& rows, int key_column,
                              int value_column, int row, int count, uint16_t* page, int offset) {
  const int size = shape.head_size;
  for (int head = 0; head < shape.kv_heads; ++head) {
    uint16_t* keys = page + static_cast<size_t>(head) * 2 * half_page_elements(shape);
    uint16_t* values = keys + half_page_elements(shape);
    const float* key = rows.at(row / kLanes, key_column + head * size) + row % kLanes;
    const float* value = rows.at(row / kLanes, value_column + head * size) + row % kLanes;
    for (int i = 0; i < count; ++i) {
      for (int d = 0; d < size; ++d) keys[key_place(size, offset + i, d)] = bfloat_of(key[d * kLanes + i]);
    }
    for (int d = 0; d < size; ++d) {
      store_bfloats(values + value_place(offset, d), load_some(value + d * kLanes, count), count);
    }
  }
}

static void write_tiles(const AttentionShape& shape, const LaneRows& rows, int key_column, int value_column,
                        std::span<const KeyValueWrite> writes, std::span<std::byte* const> pages) {
  for (size_t i = 0; i < writes.size();) {
    const KeyValueWrite& first = writes[i];
    const int lanes_left = kLanes - first.row % kLanes;
    const int keys_left = kTileDepth - first.offset % kTileDepth;
    int count = 1;
    for (++i; i < writes.size() && count < lanes_left && count < keys_left; ++i, ++count) {
      if (writes[i].page != first.page || writes[i].row != first.row + count ||
          writes[i].offset != first.offset + count) {
        break;
      }
    }
    auto* page = reinterpret_cast<uint16_t*>(pages[static_cast<size_t>(first.page)]);
    write_rows(shape, rows, key_column, value_column, first.row, count, page, first.offset);
  }
}

static void copy_tiles(const AttentionShape& shape, const std::byte* from, int positions, std::byte* to) {
  const int size = shape.head_size;
  const auto* source = reinterpret_cast<const uint16_t*>(from);
  auto* target = reinterpret_cast<uint16_t*>(to);
  const size_t half = half_page_elements(shape);
  for (int head = 0; head < shape.kv_heads; ++head, source += 2 * half, target += 2 * half) {
    for (int key = 0; key < positions; ++key) {
      for (int d = 0; d < size; d += kTileDepth) {
        const size_t place = key_place(size, key, d);
        __builtin_memcpy(target + place, source + place, sizeof(uint16_t) * kTileDepth);
      }
    }
    for (int d = 0; d < size; ++d) {
      for (int key = 0; key < positions; key += kTileDepth) {
        const int count = positions - key < kTileDepth ? positions - key : kTileDepth;
        const size_t place = half + value_place(key, d);
        __builtin_memcpy(target + place, source + place, sizeof(uint16_t) * static_cast<size_t>(count));
      }
    }
  }
}

}  // namespace
