// Rotary positions on a GPU against those of the engine.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "backends/cuda/rotary.h"
#include "backends/engine/rotary_angles.h"
#include "backends/engine/rotary_scaling.h"
#include "backends/reference/row_operations.h"
#include "tests/cuda/gpu_memory.h"

namespace sizeup::cuda {
namespace {

class CudaRotary : public OnGpu {};

struct Angles {
  std::vector<float> cosines, sines;  // [row][pair]
};
Angles angles_of(const RotarySpec& spec, const std::vector<int32_t>& positions) {
  const GpuMemory<float> frequencies(rotary_frequencies(spec));
  const GpuMemory<int32_t> device_positions(positions);
  const auto pairs = static_cast<size_t>(spec.dimensions / 2);
  const GpuMemory<float> cosines(positions.size() * pairs);
  const GpuMemory<float> sines(positions.size() * pairs);
  compute_angles({.positions = device_positions.data(),
                  .rows = static_cast<int>(positions.size()),
                  .frequencies = frequencies.data(),
                  .pairs = static_cast<int>(pairs),
                  .scale = spec.scale,
                  .cosines = cosines.data(),
                  .sines = sines.data()},
                 nullptr);
  check(cudaDeviceSynchronize());
  return {cosines.read(), sines.read()};
}

// Cosine and sine are rounded from float64 on both sides: a unit in the last place where those differ.
TEST_F(CudaRotary, AnglesAreThoseOfTheEngine) {
  for (const float scale : {1.0F, 1.25F}) {
    const RotarySpec spec{.dimensions = 64, .base = 10000.0F, .scale = scale};
    const std::vector<int32_t> positions = {0, 1, 7, 1000, 131071, 20000};
    RotaryAngles expected(spec);
    expected.prepare(131071);
    const Angles angles = angles_of(spec, positions);
    for (size_t row = 0; row < positions.size(); ++row) {
      for (size_t pair = 0; pair < 32; ++pair) {
        EXPECT_NEAR(angles.cosines[row * 32 + pair], expected.cosines(positions[row])[pair], 0x1p-23);
        EXPECT_NEAR(angles.sines[row * 32 + pair], expected.sines(positions[row])[pair], 0x1p-23);
      }
    }
  }
}

TEST_F(CudaRotary, RotatesTheLeadingElementsOfHeads) {
  for (const RotaryLayout layout : {RotaryLayout::half_split, RotaryLayout::interleaved}) {
    for (const int dimensions : {12, 4}) {
      const RotarySpec spec{.layout = layout, .dimensions = dimensions};
      constexpr int kHeads = 3;
      constexpr int kHeadSize = 12;
      constexpr size_t kStride = 48;
      const std::vector<int32_t> positions = {5, 0, 99};
      std::mt19937 random(1);
      std::normal_distribution<float> normal;
      std::vector<float> rows(positions.size() * kStride);
      for (float& value : rows) value = normal(random);
      const Angles angles = angles_of(spec, positions);
      const GpuMemory<float> cosines(angles.cosines);
      const GpuMemory<float> sines(angles.sines);
      const GpuMemory<float> device_rows(rows);
      sizeup::cuda::rotate({.rows = device_rows.data(),
                            .stride = kStride,
                            .row_count = static_cast<int>(positions.size()),
                            .heads = kHeads,
                            .head_size = kHeadSize,
                            .layout = layout,
                            .pairs = dimensions / 2,
                            .cosines = cosines.data(),
                            .sines = sines.data()},
                           nullptr);
      check(cudaDeviceSynchronize());
      const auto pairs = static_cast<size_t>(dimensions / 2);
      for (size_t row = 0; row < positions.size(); ++row) {
        sizeup::rotate(spec, std::span(angles.cosines).subspan(row * pairs, pairs),
                       std::span(angles.sines).subspan(row * pairs, pairs), rows.data() + row * kStride,
                       kHeads, kHeadSize);
      }
      EXPECT_EQ(device_rows.read(), rows);
    }
  }
}

}  // namespace
}  // namespace sizeup::cuda
