// Tiles from packed blocks in plain loops over what the formats' own functions give: for machines without
// AVX-512, and what backends/cpu/tile_unpack_avx512.inl is held against.
#pragma once

#include <cstring>
#include <vector>

#include "backends/cpu/lanes.h"
#include "backends/cpu/packed_fields.h"
#include "backends/cpu/tile_product.h"
#include "backends/engine/formats/bfloat16.h"

namespace {

// Steps [first, end) of a panel, as bfloat16 weights lie there (WeightLayout::tiles).
inline void unpack_tiles(sizeup::TensorType type, const std::byte* panel, int first, int end,
                         std::byte* tiles) {
  using sizeup::cpu::kStepColumns;
  using sizeup::cpu::kTilePanelOutputs;
  const sizeup::BlockFormat& format = sizeup::block_format(type);
  const int steps = format.block_elements / kStepColumns;
  const int bytes = sizeup::cpu::packed_block_bytes(type);
  std::vector<std::byte> block(static_cast<size_t>(format.block_bytes));
  std::vector<float> weights(static_cast<size_t>(format.block_elements));
  for (int step = first; step < end; ++step) {
    for (int output = 0; output < kTilePanelOutputs; ++output) {
      const int half = output / sizeup::cpu::kLanes;
      const std::byte* blocks = panel + (2 * (step / steps) + half) * sizeup::cpu::kLanes * bytes;
      read_packed_block(type, sizeup::cpu::CodeOrder::rows, blocks, output % sizeup::cpu::kLanes,
                        block.data());
      format.dequantise(block.data(), format.block_elements, weights.data());
      for (int i = 0; i < kStepColumns; ++i, tiles += sizeof(uint16_t)) {
        const float weight = weights[static_cast<size_t>(step % steps * kStepColumns + i)];
        const uint16_t rounded = sizeup::to_bfloat16(weight);
        std::memcpy(tiles, &rounded, sizeof rounded);
      }
    }
  }
}

}  // namespace
