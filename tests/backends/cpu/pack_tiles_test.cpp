#include "backends/cpu/pack_tiles.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/cpu/pack.h"
#include "backends/cpu/tile_product.h"
#include "backends/engine/formats/bfloat16.h"

namespace sizeup::cpu {
namespace {

PackedLinear empty_linear(int inputs, int outputs) {
  PackedLinear packed;
  packed.type = TensorType::bf16;
  packed.layout = WeightLayout::tiles;
  packed.inputs = inputs;
  packed.outputs = outputs;
  packed.panel_outputs = kTilePanelOutputs;
  lay_out(packed);
  packed.weights = HugeBuffer(packed.panel_bytes * static_cast<size_t>(packed.panels()));
  return packed;
}

TEST(Bfloat16, RoundsToTheNearestAndTiesToEven) {
  const float unit = std::ldexp(1.0F, -7);  // between neighbours of 1
  EXPECT_EQ(from_bfloat16(to_bfloat16(1.0F + unit)), 1.0F + unit);
  EXPECT_EQ(from_bfloat16(to_bfloat16(1.0F + 0.5F * unit)), 1.0F);
  EXPECT_EQ(from_bfloat16(to_bfloat16(1.0F + 0.501F * unit)), 1.0F + unit);
  EXPECT_EQ(from_bfloat16(to_bfloat16(1.0F + 1.5F * unit)), 1.0F + 2 * unit);
  EXPECT_EQ(from_bfloat16(to_bfloat16(-1.0F - 0.5F * unit)), -1.0F);
  EXPECT_EQ(to_bfloat16(-0.0F), 0x8000);
}

TEST(Bfloat16, KeepsInfinityAndNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(from_bfloat16(to_bfloat16(infinity)), infinity);
  EXPECT_EQ(from_bfloat16(to_bfloat16(std::numeric_limits<float>::max())), infinity);
  EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::bit_cast<float>(0x7F800001U)))));
  EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::bit_cast<float>(0x7FFFFFFFU)))));
}

TEST(PackTiles, PlacesAnOutputAsProductHeaderSays) {
  PackedLinear packed = empty_linear(70, 40);
  std::vector<float> row(70);
  for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i + 1);
  pack_tile_row(row, 32 + 5, packed);  // of the second panel, in its first tile
  pack_tile_row(row, 16 + 3, packed);  // of the first panel, in its second tile
  const auto element = [&](int panel, int step, int tile, int output, int input) {
    uint16_t bits = 0;
    const auto index = static_cast<size_t>(((step * 2 + tile) * 16 + output) * kStepColumns + input);
    std::memcpy(&bits, packed.panel(panel) + index * sizeof bits, sizeof bits);
    return from_bfloat16(bits);
  };
  EXPECT_EQ(element(1, 0, 0, 5, 0), 1.0F);
  EXPECT_EQ(element(1, 1, 0, 5, 31), 64.0F);
  EXPECT_EQ(element(0, 2, 1, 3, 5), 70.0F);
  EXPECT_EQ(element(0, 2, 1, 3, 6), 0.0F);
  int written = 0;
  for (size_t i = 0; i < packed.weights.size(); ++i) written += packed.weights.data()[i] != std::byte{0};
  int expected = 0;  // bytes of both copies of the row that are not zero
  for (const float value : row) {
    const uint16_t bits = to_bfloat16(value);
    expected += 2 * ((bits & 0xFF) != 0) + 2 * (bits >> 8 != 0);
  }
  EXPECT_EQ(written, expected);
}

TEST(PackTiles, GivesRowsBackRounded) {
  for (const int inputs : {1, 31, 32, 100}) {
    PackedLinear packed = empty_linear(inputs, 70);
    const auto weight = [](int output, int input) {
      return std::sin(static_cast<float>(output * 101 + input));
    };
    std::vector<float> row(static_cast<size_t>(inputs));
    for (int output = 0; output < 70; ++output) {
      for (int i = 0; i < inputs; ++i) row[static_cast<size_t>(i)] = weight(output, i);
      pack_tile_row(row, output, packed);
    }
    for (const int output : {0, 15, 16, 31, 32, 69}) {
      read_tile_row(packed, output, row);
      for (int i = 0; i < inputs; ++i) {
        EXPECT_EQ(row[static_cast<size_t>(i)], from_bfloat16(to_bfloat16(weight(output, i))));
      }
    }
  }
}

}  // namespace
}  // namespace sizeup::cpu
