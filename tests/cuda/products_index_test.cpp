// What kernels compute of indices and keys, on the host.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "backends/cuda/tile_index.h"
#include "backends/cuda/top_key.h"

namespace sizeup::cuda {
namespace {

constexpr int kLanes = 32;

// The eight rows of each phase of ldmatrix, and the eight pieces of a row that a copy writes, must lie in 32
// different banks of four bytes: eight different places of 16 bytes within 128.
TEST(TileIndex, EightRowsOfAPieceLieInDifferentBanks) {
  for (const int pieces : {8, 16}) {
    for (int piece = 0; piece < pieces; ++piece) {
      for (int row = 0; row < 64; row += 8) {
        std::set<int> banks;
        for (int i = 0; i < 8; ++i) banks.insert(tile_piece(pieces, row + i, piece) % 8);
        EXPECT_EQ(banks.size(), 8u);
      }
    }
  }
}

TEST(TileIndex, EveryPieceHasAPlaceOfItsOwn) {
  for (const int pieces : {8, 16}) {
    std::set<int> places;
    for (int row = 0; row < 32; ++row) {
      for (int piece = 0; piece < pieces; ++piece) places.insert(tile_piece(pieces, row, piece));
    }
    EXPECT_EQ(places.size(), static_cast<size_t>(32 * pieces));
    EXPECT_EQ(*places.rbegin(), 32 * pieces - 1);
  }
}

// ldmatrix gives lane l of matrix m the elements 2 (l % 4) and the next of row l / 4; the row's address comes
// from lane 8 m + row. mma.sync m16n8k16 wants of lane l (PTX ISA, "Matrix Fragments for mma.m16n8k16"): A's
// register r is row l / 4 + 8 (r % 2), inputs 2 (l % 4) + 8 (r / 2) and the next; B's is row l / 4, inputs 2
// (l % 4) + 8 r and the next; sum i is row l / 4 + 8 (i / 2) of A, row 2 (l % 4) + i % 2 of B.
TEST(TileIndex, LoadsAndSumsAreThoseOfTheInstruction) {
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int r = 0; r < 4; ++r) {
      const int giver = 8 * r + lane / 4;
      EXPECT_EQ(a_row(giver), lane / 4 + 8 * (r % 2));
      EXPECT_EQ(a_piece(giver), r / 2);
      EXPECT_EQ(b_row(giver), lane / 4 + 8 * (r / 2));  // registers 0, 1: the first eight rows
      EXPECT_EQ(b_piece(giver), r % 2);
      EXPECT_EQ(sum_output(lane, r), lane / 4 + 8 * (r / 2));
      EXPECT_EQ(sum_row(lane, r), 2 * (lane % 4) + r % 2);
    }
  }
}

TEST(TopKey, OrdersLogitsThenTokens) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {-infinity, -1e30F, -2.5F,      -1e-40F, 0.0F,
                                     1e-40F,    1.0F,   1.0000001F, 3e38F,   infinity};
  for (size_t i = 0; i + 1 < logits.size(); ++i) {
    EXPECT_LT(top_key(logits[i], 0), top_key(logits[i + 1], 1 << 30)) << logits[i];
    EXPECT_GT(top_key(logits[i], 7), top_key(logits[i], 8));
  }
  EXPECT_EQ(top_key(-0.0F, 3), top_key(0.0F, 3));
  EXPECT_EQ(top_key(std::nanf(""), 3), top_key(-infinity, 3));
  EXPECT_GT(top_key(-infinity, 1 << 30), 0u) << "zero is the key of no token";
}

TEST(TopKey, GivesLogitAndTokenBack) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0F, 30.0F);
  for (int token = 0; token < 1000; ++token) {
    const float logit = normal(random);
    EXPECT_EQ(key_logit(top_key(logit, token)), logit);
    EXPECT_EQ(key_token(top_key(logit, token)), token);
  }
}

}  // namespace
}  // namespace sizeup::cuda
