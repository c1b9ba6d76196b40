// Pages of the float families, of float32 or bfloat16, included after a vector_*.h.
//
// A head's part of a page is its keys [head_size][kPagePositions], then its values
// [kPagePositions][head_size]. The first index is that of the sum in both products, so that either factor may
// be read as a vector: sixteen lanes against one key or value element, or, where few lanes have something to
// do, sixteen keys or elements against one lane. Keys are written as rows lie in lanes.
namespace {

using sizeup::KeyValueWrite;
using sizeup::kPagePositions;
using sizeup::cpu::AttentionShape;
using sizeup::cpu::kLanes;
using sizeup::cpu::LaneRows;

static_assert(kPagePositions % kLanes == 0);

struct BfloatElement {
  uint16_t bits;
};

static inline Lanes load_elements(const float* from) {
  return load(from);
}
static inline Lanes load_elements(const BfloatElement* from) {
  return load_bfloats(from);
}
static inline void store_elements(float* to, Lanes a, int n) {
  store_some(to, a, n);
}
static inline void store_elements(BfloatElement* to, Lanes a, int n) {
  store_bfloats(to, a, n);
}

static inline size_t half_elements(const AttentionShape& shape) {  // keys (or values) of a head
  return static_cast<size_t>(shape.head_size) * kPagePositions;
}

template <typename Element>
static size_t float_page_bytes(const AttentionShape& shape) {
  return 2 * sizeof(Element) * half_elements(shape) * static_cast<size_t>(shape.kv_heads);
}

// Rows of one group, `count` of them from `row` on, to consecutive places of a page from `offset` on.
template <typename Element>
static inline void write_run(const AttentionShape& shape, const LaneRows& rows, int key_column,
                             int value_column, int row, int count, int offset, Element* page) {
  const int size = shape.head_size;
  for (int head = 0; head < shape.kv_heads; ++head) {
    const float* key = rows.at(row / kLanes, key_column + head * size) + row % kLanes;
    const float* value = rows.at(row / kLanes, value_column + head * size) + row % kLanes;
    Element* key_place = page + static_cast<size_t>(head) * 2 * half_elements(shape) + offset;
    Element* value_place = page + static_cast<size_t>(2 * head + 1) * half_elements(shape) + offset * size;
    for (int d = 0; d < size; ++d) {
      store_elements(key_place + d * kPagePositions, load_some(key + d * kLanes, count), count);
      Element column[kLanes];
      store_elements(column, load_some(value + d * kLanes, count), count);
      for (int i = 0; i < count; ++i) value_place[i * size + d] = column[i];
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
    auto* page = reinterpret_cast<Element*>(pages[static_cast<size_t>(first.page)]);
    write_run(shape, rows, key_column, value_column, first.row, count, first.offset, page);
  }
}

template <typename Element>
static void copy_page(const AttentionShape& shape, const std::byte* from, int positions, std::byte* to) {
  const size_t row_bytes = sizeof(Element) * kPagePositions;
  const size_t half_bytes = sizeof(Element) * half_elements(shape);
  const auto part_of = [&](size_t bytes) { return bytes / kPagePositions * static_cast<size_t>(positions); };
  for (int head = 0; head < shape.kv_heads; ++head) {
    const size_t begin = static_cast<size_t>(head) * 2 * half_bytes;
    for (size_t row = begin; row < begin + half_bytes; row += row_bytes) {
      __builtin_memcpy(to + row, from + row, part_of(row_bytes));
    }
    __builtin_memcpy(to + begin + half_bytes, from + begin + half_bytes, part_of(half_bytes));
  }
}

// Asks for the next part of the page while the present one is multiplied, a share for each block of the
// product: all at once would hold up the arithmetic behind the queue of the memory.
struct Ahead {
  const char* next = nullptr;
  const char* end = nullptr;

  void ask(size_t bytes) {
    const auto left = end - next;  // below zero once the last line has reached over the end
    const char* const stop = left > 0 && static_cast<size_t>(left) > bytes ? next + bytes : end;
    for (; next < stop; next += 64) __builtin_prefetch(next, 0, 2);  // not to the first level
  }
};

template <typename Element>
static inline Ahead ahead_of(const Element* part, size_t elements) {
  return {reinterpret_cast<const char*>(part), reinterpret_cast<const char*>(part + elements)};
}

}  // namespace
