// Packed blocks as bfloat16 tiles: every weight of every format is what dequantising gives, rounded once.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/pack.h"
#include "backends/cpu/tile_product.h"
#include "backends/engine/formats/bfloat16.h"
#include "tests/operations/emulated_tile_product.h"
#include "tests/support/random_blocks.h"
#include "tests/support/tested_tiles.h"

namespace sizeup::cpu {
namespace {

class TileUnpack : public testing::TestWithParam<Tiles> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam())) GTEST_SKIP() << *reason;
  }
  // The conversion instruction gives zero for subnormals.
  static uint16_t rounded(float weight) {
    const bool subnormal = std::abs(weight) < std::numeric_limits<float>::min();
    return to_bfloat16(GetParam() != Tiles::emulated_avx2 && subnormal ? std::copysign(0.0F, weight)
                                                                       : weight);
  }
  // Steps [first, end) of a panel; nothing else is written.
  static std::vector<uint16_t> unpack(const PackedLinear& linear, int panel, int first, int end) {
    constexpr size_t kStepWeights = size_t{kTilePanelOutputs} * kStepColumns;
    const size_t count = static_cast<size_t>(end - first) * kStepWeights;
    HugeBuffer tiles(count * sizeof(uint16_t) + 64);
    std::memset(tiles.data(), 0x55, tiles.size());
    const EmulatedTileProduct& product =
        GetParam() == Tiles::emulated_avx2 ? kEmulatedTileProductAvx2 : kEmulatedTileProductAvx512;
    product.unpack(linear.type, linear.panel(panel), first, end, tiles.data());
    EXPECT_EQ(tiles.data()[count * sizeof(uint16_t)], std::byte{0x55});
    std::vector<uint16_t> values(count);
    std::memcpy(values.data(), tiles.data(), count * sizeof(uint16_t));
    return values;
  }
};

INSTANTIATE_TEST_SUITE_P(Tiles, TileUnpack, testing::Values(Tiles::emulated_avx2, Tiles::emulated_avx512),
                         [](const auto& instance) { return tiles_name(instance.param); });

PackedLinear pack(const RandomBlocks& weights) {
  ThreadPool pool(1);
  const LinearTensors layer{.weight = &weights.tensor()};
  return pack_linear(std::span(&layer, 1), false, {weights.tensor().type, true}, kTilesAmx, pool);
}

TEST_P(TileUnpack, GivesEveryWeightOfEveryFormatRoundedOnce) {
  for (const BlockFormat& format : block_formats()) {
    if (format.block_elements == 1) continue;
    for (const int outputs : {1, 16, 45, 96}) {
      const int inputs = 3 * format.block_elements;
      const RandomBlocks weights(format.type, outputs, inputs, 7);
      const PackedLinear linear = pack(weights);
      ASSERT_EQ(linear.type, format.type);
      const int steps = inputs / kStepColumns;
      for (int panel = 0; panel < linear.panels(); ++panel) {
        const std::vector<uint16_t> tiles = unpack(linear, panel, 0, steps);
        for (size_t i = 0; i < tiles.size(); ++i) {
          const int step = static_cast<int>(i) / (kTilePanelOutputs * kStepColumns);
          const int output =
              panel * kTilePanelOutputs + static_cast<int>(i) / kStepColumns % kTilePanelOutputs;
          const int input = step * kStepColumns + static_cast<int>(i) % kStepColumns;
          if (output >= outputs) {
            ASSERT_EQ(tiles[i] & 0x7FFF, 0) << format.name << ": padding " << output << ", " << input;
            continue;
          }
          ASSERT_EQ(tiles[i], rounded(weights.row(output)[input]))
              << format.name << " at " << output << ", " << input << ": " << weights.row(output)[input];
        }
      }
    }
  }
}

TEST_P(TileUnpack, BeginsAndEndsAtAnyStep) {
  for (const BlockFormat& format : block_formats()) {
    if (format.block_elements == 1) continue;
    const int inputs = 2 * std::max(format.block_elements, 256);
    const RandomBlocks weights(format.type, 40, inputs, 8);
    const PackedLinear linear = pack(weights);
    const int steps = inputs / kStepColumns;
    const std::vector<uint16_t> all = unpack(linear, 1, 0, steps);
    const size_t step_weights = all.size() / static_cast<size_t>(steps);
    for (const auto& [first, end] : {std::pair(0, 1), std::pair(3, 4), std::pair(5, 11), std::pair(15, 16)}) {
      const std::vector<uint16_t> some = unpack(linear, 1, first, end);
      const auto from = all.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(first) * step_weights);
      EXPECT_TRUE(std::equal(some.begin(), some.end(), from)) << format.name << " from step " << first;
    }
  }
}

// The only formats that can say such weights.
TEST_P(TileUnpack, GivesSubnormalsAsTheTileInstructionReadsThem) {
  for (const TensorType type : {TensorType::mxfp4, TensorType::q8_k}) {
    RandomBlocks weights(type, 32, 256, 9);
    int subnormals = 0;
    weights.edit([&](std::span<std::byte> block) {
      if (type == TensorType::mxfp4) {
        block[0] = std::byte{1};  // 2^-127
      } else {
        const float scale = 1e-40F;
        std::memcpy(block.data(), &scale, sizeof scale);
      }
    });
    const std::vector<uint16_t> tiles = unpack(pack(weights), 0, 0, 8);
    for (int output = 0; output < 32; ++output) {
      for (int input = 0; input < 256; ++input) {
        const float weight = weights.row(output)[input];
        subnormals += std::fpclassify(weight) == FP_SUBNORMAL;
        const auto at = static_cast<size_t>(input / 32 * 1024 + output * 32 + input % 32);
        ASSERT_EQ(tiles[at], rounded(weight)) << block_format(type).name << ": " << weight;
      }
    }
    EXPECT_GT(subnormals, 100);
  }
}

}  // namespace
}  // namespace sizeup::cpu
