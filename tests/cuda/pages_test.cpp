// Where layers, heads and positions lie in pages, and which copies may run together.
#include "backends/cuda/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace sizeup::cuda {
namespace {

AttentionSpec attention_of(int heads, int kv_heads, int head_size) {
  return {.heads = heads, .kv_heads = kv_heads, .head_size = head_size};
}

TEST(CudaPages, EveryElementHasAPlaceOfItsOwn) {
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    for (const int head_size : {5, 8, 40, 64, 80, 96, 112, 128, 256, 320}) {
      const PageShape shape = page_shape(attention_of(4, 2, head_size), precision);
      ASSERT_GE(shape.pitch, head_size);
      ASSERT_EQ(shape.pitch * shape.element_bytes % kPieceBytes, 0);
      std::set<int> places;
      for (int offset = 0; offset < kPagePositions; ++offset) {
        for (int column = 0; column < shape.pitch; ++column) {
          const int place = shape.element(offset, column);
          // Within the position's row, so that the first positions are the first bytes.
          ASSERT_EQ(place / shape.pitch, offset);
          ASSERT_EQ(place % shape.piece_elements(), column % shape.piece_elements());
          places.insert(place);
        }
      }
      ASSERT_EQ(places.size() * static_cast<size_t>(shape.element_bytes), shape.half_bytes());
    }
  }
}

TEST(CudaPages, LayersLieSideBySideAndShareKeys) {
  DecoderSpec spec;
  spec.layers.push_back({.attention = attention_of(4, 2, 64), .kv_layer = 0});
  spec.layers.push_back({.attention = attention_of(2, 1, 80), .kv_layer = 1});
  spec.layers.push_back({.attention = attention_of(4, 2, 64), .kv_layer = 0});
  spec.layers.push_back({.attention = {}, .kv_layer = kNoKeys});
  const PageLayout layout(spec, Precision::bfloat16);
  constexpr size_t kFirst = 2 * 2 * 64 * 64 * 2;
  constexpr size_t kSecond = 2 * 64 * 80 * 2;
  EXPECT_EQ(layout.page_bytes(), kFirst + kSecond);
  std::vector<std::byte> memory(1);
  EXPECT_EQ(layout.layer(0, memory.data()).first, memory.data());
  EXPECT_EQ(layout.layer(1, memory.data()).first, memory.data() + kFirst);
  EXPECT_EQ(layout.layer(1, memory.data()).shape.head_size, 80);
  EXPECT_EQ(layout.layer(2, memory.data()).first, memory.data());
  // Each half is copied once.
  std::vector<size_t> begins;
  size_t bytes = 0;
  for (const PageHalf& half : layout.halves()) {
    begins.push_back(size_t{half.begin} * kPieceBytes);
    bytes += static_cast<size_t>(half.position_pieces) * kPieceBytes * kPagePositions;
  }
  EXPECT_THAT(begins, testing::ElementsAre(0, 8192, 16384, 24576, kFirst, kFirst + kSecond / 2));
  EXPECT_EQ(bytes, layout.page_bytes());
}

// Runs one after the other, each all at once, do what the copies do one after the other.
TEST(CudaPages, CopiesThatDependOnOthersWait) {
  const std::vector<PageCopy> independent = {{0, 1, 5}, {0, 2, 5}, {3, 4, 9}};
  EXPECT_THAT(independent_runs(independent), testing::ElementsAre(3));
  EXPECT_THAT(independent_runs({}), testing::IsEmpty());
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<PageCopy> copies(1 + random() % 6);
    for (PageCopy& copy : copies) {
      copy = {static_cast<int32_t>(random() % 8), static_cast<int32_t>(random() % 8), 1};
    }
    std::vector<int> one_by_one = {0, 1, 2, 3, 4, 5, 6, 7};
    std::vector<int> by_runs = one_by_one;
    for (const PageCopy& copy : copies) {
      one_by_one[static_cast<size_t>(copy.to)] = one_by_one[static_cast<size_t>(copy.from)];
    }
    size_t begin = 0;
    for (const int32_t end : independent_runs(copies)) {
      const std::vector<int> before = by_runs;
      // Against their order: none of a run may read what another writes.
      for (size_t i = static_cast<size_t>(end); i-- > begin;) {
        by_runs[static_cast<size_t>(copies[i].to)] = before[static_cast<size_t>(copies[i].from)];
      }
      begin = static_cast<size_t>(end);
    }
    EXPECT_EQ(begin, copies.size());
    EXPECT_EQ(by_runs, one_by_one);
  }
}

}  // namespace
}  // namespace sizeup::cuda
