// The emulated tiles against sums worked out by hand.
#include "tests/support/tiles_emulated.h"

#include <gtest/gtest.h>

#include <vector>

#include "backends/cpu/pack_tiles.h"
#include "backends/engine/formats/bfloat16.h"

namespace {

using sizeup::to_bfloat16;

// One row of left operands times one column of right ones, onto `start`.
float tile_dot(const std::vector<float>& left, const std::vector<float>& right, float start) {
  uint16_t left_tile[16][32] = {};
  uint16_t right_tile[16][1][2] = {};
  float result_tile[16][1] = {};
  for (size_t i = 0; i < left.size(); ++i) {
    left_tile[3][i] = to_bfloat16(left[i]);
    right_tile[i / 2][0][i % 2] = to_bfloat16(right[i]);
  }
  result_tile[3][0] = start;
  configure_tiles(1);
  tile_load<0>(result_tile, sizeof result_tile[0]);
  tile_load<4>(left_tile, sizeof left_tile[0]);
  tile_stream_load<6>(right_tile, sizeof right_tile[0]);
  tile_product<0, 4, 6>();
  tile_store<0>(result_tile, sizeof result_tile[0]);
  release_tiles();
  return result_tile[3][0];
}

constexpr float kBig = 16777216.0F;  // 2^24: adding 1 to it is rounded away, to the even neighbour

TEST(EmulatedTiles, EvenAndOddElementsAreSumsOfTheirOwn) {
  // In one sum the ones would be rounded away one by one; the odd ones meet first.
  EXPECT_EQ(tile_dot({kBig, 1, 0, 1}, {1, 1, 0, 1}, 0), kBig + 2);
  // The same where all are even.
  EXPECT_EQ(tile_dot({kBig, 0, 1, 0, 1, 0}, {1, 0, 1, 0, 1, 0}, 0), kBig);
}

TEST(EmulatedTiles, PairsGoInAscendingOrder) {
  EXPECT_EQ(tile_dot({1, 0, 1, 0, kBig, 0}, {1, 0, 1, 0, 1, 0}, 0), kBig + 2);
  EXPECT_EQ(tile_dot({kBig, 0, 1, 0, -kBig, 0}, {1, 0, 1, 0, 1, 0}, 0), 0);
}

TEST(EmulatedTiles, TheResultIsAddedLast) {
  EXPECT_EQ(tile_dot({1, 1}, {1, 1}, kBig), kBig + 2);
  EXPECT_EQ(tile_dot({1, 0}, {1, 0}, kBig), kBig);
}

TEST(EmulatedTiles, DenormalsAreZero) {
  const float tiny = std::ldexp(1.0F, -130);  // a denormal bfloat16
  EXPECT_EQ(tile_dot({tiny, 0}, {kBig, 0}, 0), 0);
  const float small = std::ldexp(1.0F, -70);
  EXPECT_EQ(tile_dot({small, 0}, {small, 0}, 0), 0);
  EXPECT_EQ(tile_dot({0, 0}, {0, 0}, tiny), 0);
  EXPECT_FALSE(std::signbit(tile_dot({0, 0}, {0, 0}, -tiny)));  // -0 + 0
}

TEST(EmulatedTiles, MisuseIsFound) {
  release_tiles();
  EXPECT_THROW((tile_product<0, 4, 6>()), std::logic_error);
  EXPECT_THROW(configure_tiles(17), std::logic_error);
  configure_tiles(3);
  EXPECT_NO_THROW((tile_product<0, 4, 6>()));
  EXPECT_THROW((tile_product<0, 6, 4>()), std::logic_error);
  release_tiles();
}

}  // namespace
