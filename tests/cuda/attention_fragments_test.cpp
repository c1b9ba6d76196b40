// The places that threads name for matrix loads, and what they take results for: one tile of scores and
// outputs with instructions as the PTX manual defines them, against plain loops.
#include "backends/cuda/attention_fragments.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <vector>

#include "backends/cuda/page_index.h"

namespace sizeup::cuda::tiles {
namespace {

constexpr int kThreads = 32;
constexpr int kElements = 8;                                                  // of a piece
using Registers = std::array<std::array<std::array<float, 2>, 4>, kThreads>;  // [thread][register][element]
using Sums = std::array<std::array<float, 4>, kThreads>;

// Rows of pieces in shared memory.
class Matrix {
 public:
  Matrix(int rows, int columns)
      : pieces_(columns / kElements), values_(static_cast<size_t>(rows * columns)) {}
  float& at(int row, int column) { return piece({row, column / kElements})[column % kElements]; }
  float* piece(PiecePlace place) {
    const int index = place.row * pieces_ + (place.piece ^ swizzle(swizzle_shift(pieces_), place.row));
    return values_.data() + static_cast<size_t>(index * kElements);
  }

 private:
  int pieces_;
  std::vector<float> values_;
};

// ldmatrix .x4: register m of thread t is elements 2 (t % 4) and the next of row t / 4 of matrix m;
// transposed: of column t / 4.
template <typename Place>
Registers load(Matrix& matrix, bool transposed, const Place& place) {
  Registers registers;
  for (int t = 0; t < kThreads; ++t) {
    for (int m = 0; m < 4; ++m) {
      for (int e = 0; e < 2; ++e) {
        const int along = t % 4 * 2 + e;
        const int row = transposed ? along : t / 4;
        const int column = transposed ? t / 4 : along;
        registers[t][m][e] = matrix.piece(place(8 * m + row))[column];
      }
    }
  }
  return registers;
}

// mma m16n8k16 with right registers `first` and the next of a load.
void multiply(const Registers& left, const Registers& right, int first, Sums& sums) {
  float a[16][16];
  float b[16][8];
  for (int t = 0; t < kThreads; ++t) {
    for (int r = 0; r < 4; ++r) {
      for (int e = 0; e < 2; ++e) a[t / 4 + r % 2 * 8][t % 4 * 2 + e + r / 2 * 8] = left[t][r][e];
    }
    for (int r = 0; r < 2; ++r) {
      for (int e = 0; e < 2; ++e) b[t % 4 * 2 + e + 8 * r][t / 4] = right[t][first + r][e];
    }
  }
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < 4; ++i) {
      for (int k = 0; k < 16; ++k) sums[t][i] += a[t / 4 + i / 2 * 8][k] * b[k][t % 4 * 2 + i % 2];
    }
  }
}

TEST(CudaAttentionFragments, ATileIsThatOfPlainLoops) {
  constexpr int kRows = 16;
  constexpr int kKeys = 64;
  for (const int columns : {16, 64, 80, 96, 112}) {
    std::mt19937 random(1);
    std::uniform_int_distribution<int> digit(-3, 3);
    Matrix queries(kRows, columns);
    Matrix keys(kKeys, columns);
    Matrix values(kKeys, columns);
    for (int c = 0; c < columns; ++c) {
      for (int r = 0; r < kRows; ++r) queries.at(r, c) = static_cast<float>(digit(random));
      for (int k = 0; k < kKeys; ++k) {
        keys.at(k, c) = static_cast<float>(digit(random));
        values.at(k, c) = static_cast<float>(digit(random));
      }
    }
    std::vector<Sums> scores(kKeys / 8, Sums{});
    for (int step = 0; step < columns / 16; ++step) {
      const Registers query = load(queries, false, [&](int t) { return query_place(t, step); });
      for (int pair = 0; pair < kKeys / 16; ++pair) {
        const Registers key = load(keys, false, [&](int t) { return key_place(t, pair, step); });
        multiply(query, key, 0, scores[static_cast<size_t>(2 * pair)]);
        multiply(query, key, 2, scores[static_cast<size_t>(2 * pair + 1)]);
      }
    }
    float plain[kRows][kKeys] = {};
    for (int r = 0; r < kRows; ++r) {
      for (int k = 0; k < kKeys; ++k) {
        for (int c = 0; c < columns; ++c) plain[r][k] += queries.at(r, c) * keys.at(k, c);
      }
    }
    for (int t = 0; t < kThreads; ++t) {
      for (int tile = 0; tile < kKeys / 8; ++tile) {
        for (int i = 0; i < 4; ++i) {
          ASSERT_EQ(scores[static_cast<size_t>(tile)][t][i],
                    plain[result_row(t, i)][8 * tile + result_column(t, i)]);
        }
      }
    }
    // Results of two tiles of keys are the left factor of the next product.
    for (int pair = 0; pair < columns / 16; ++pair) {
      Sums outputs[2] = {};
      for (int step = 0; step < kKeys / 16; ++step) {
        Registers left;
        for (int t = 0; t < kThreads; ++t) {
          for (int r = 0; r < 4; ++r) {
            const auto& tile = scores[static_cast<size_t>(2 * step + r / 2)][t];
            left[t][r] = {tile[r % 2 * 2], tile[r % 2 * 2 + 1]};
          }
        }
        const Registers value = load(values, true, [&](int t) { return value_place(t, step, pair); });
        multiply(left, value, 0, outputs[0]);
        multiply(left, value, 2, outputs[1]);
      }
      for (int t = 0; t < kThreads; ++t) {
        for (int i = 0; i < 8; ++i) {
          float sum = 0.0F;
          const int column = 16 * pair + i / 4 * 8 + result_column(t, i % 4);
          for (int k = 0; k < kKeys; ++k) sum += plain[result_row(t, i % 4)][k] * values.at(k, column);
          ASSERT_EQ(outputs[i / 4][t][i % 4], sum);
        }
      }
    }
  }
}

template <int kPieces>
void expect_bytes() {
  const auto byte = [](PiecePlace place) {
    const int piece = place.piece ^ swizzle(swizzle_shift(kPieces), place.row);
    return (place.row * kPieces + piece) * kPieceBytes;
  };
  for (int t = 0; t < kThreads; ++t) {
    for (int step = 0; step < kPieces / 2; ++step) {
      EXPECT_EQ(byte_of<kPieces>(query_place(t, 0), 0, 2 * step), byte(query_place(t, step)));
      for (int pair = 0; pair < 4; ++pair) {
        EXPECT_EQ(byte_of<kPieces>(key_place(t, 0, 0), 16 * pair, 2 * step), byte(key_place(t, pair, step)));
        EXPECT_EQ(byte_of<kPieces>(value_place(t, 0, 0), 16 * pair, 2 * step),
                  byte(value_place(t, pair, step)));
      }
    }
  }
}

TEST(CudaAttentionFragments, LoadsDifferByWhatIsKnownBefore) {
  expect_bytes<2>();
  expect_bytes<8>();
  expect_bytes<10>();
  expect_bytes<12>();
  expect_bytes<14>();
  expect_bytes<16>();
  expect_bytes<32>();
}

// Eight threads that name the rows of a matrix together take every bank once.
TEST(CudaAttentionFragments, LoadsTakeEveryBankOnce) {
  for (const int columns : {16, 32, 64, 80, 96, 112, 128, 192, 256}) {
    const int pieces = columns / kElements;
    const auto expect_all_banks = [&](const auto& place) {
      for (int first = 0; first < kThreads; first += 8) {
        std::set<int> banks;
        for (int t = first; t < first + 8; ++t) {
          const PiecePlace at = place(t);
          const int piece = at.piece ^ swizzle(swizzle_shift(pieces), at.row);
          ASSERT_LT(piece, pieces);
          banks.insert((at.row * pieces + piece) % kBankPieces);
        }
        EXPECT_EQ(banks.size(), 8U) << columns;
      }
    };
    for (int step = 0; step < columns / 16; ++step) {
      expect_all_banks([&](int t) { return query_place(t, step); });
      for (int pair = 0; pair < 4; ++pair) {
        expect_all_banks([&](int t) { return key_place(t, pair, step); });
        expect_all_banks([&](int t) { return value_place(t, pair, step); });
      }
    }
  }
}

}  // namespace
}  // namespace sizeup::cuda::tiles
