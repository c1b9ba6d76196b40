// Products with packed weights for rows in groups, against float64 and against each other.
#include "backends/cuda/packed_product.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "backends/cuda/weights.h"
#include "tests/cuda/device_rows.h"
#include "tests/support/random_blocks.h"

namespace sizeup::cuda {
namespace {

// Groups as the device makes them.
struct HostGroups {
  std::vector<int32_t> begin = {0};
  std::vector<int32_t> tile_begin = {0};

  HostGroups(const std::vector<int>& counts, int tile_rows) {
    for (const int count : counts) {
      begin.push_back(begin.back() + count);
      tile_begin.push_back(tile_begin.back() + (count + tile_rows - 1) / tile_rows);
    }
  }
  RowGroups view() const {
    return {.begin = begin.data(),
            .tile_begin = tile_begin.data(),
            .groups = static_cast<int>(begin.size()) - 1,
            .slots = begin.back()};
  }
};

TEST(RowGroups, TilesHaveEverySlotOnceInItsGroup) {
  for (const std::vector<int>& counts :
       {std::vector<int>{5}, {0, 0, 9}, {8, 0, 1, 17, 0}, {0, 64, 65, 0, 63}, {0, 0}}) {
    for (const int tile_rows : {4, 8, 64}) {
      const HostGroups host(counts, tile_rows);
      const RowGroups groups = host.view();
      std::vector<int> group_of_slot(static_cast<size_t>(groups.slots), -1);
      for (int tile = 0; tile < most_tiles(groups, tile_rows); ++tile) {
        const RowTile found = row_tile(groups, tile_rows, tile);
        EXPECT_LE(found.count, tile_rows);
        EXPECT_EQ(found.count == 0, tile >= host.tile_begin.back());
        for (int slot = found.first; slot < found.first + found.count; ++slot) {
          EXPECT_EQ(group_of_slot[static_cast<size_t>(slot)], -1);
          group_of_slot[static_cast<size_t>(slot)] = found.group;
        }
      }
      std::vector<int> expected;
      for (size_t g = 0; g < counts.size(); ++g)
        expected.insert(expected.end(), static_cast<size_t>(counts[g]), static_cast<int>(g));
      EXPECT_EQ(group_of_slot, expected);
    }
  }
  const RowGroups one{.slots = 9};
  EXPECT_EQ(most_tiles(one, 8), 2);
  EXPECT_EQ(row_tile(one, 8, 1).first, 8);
  EXPECT_EQ(row_tile(one, 8, 1).count, 1);
}

// ---- On a GPU

class PackedProduct : public OnGpu {};

constexpr int kOutputs = 37;  // no multiple of a warp's
constexpr int kGroups = 3;

int inputs_of(TensorType type) {
  const int block = block_format(type).block_elements;
  return block == 1 ? 208 : block == 32 ? 416 : 768;  // more than a stage, and not whole ones
}

// Weights of all groups one after the other, at an even address that is no multiple of 4.
struct TestedWeights {
  TensorType type;
  int inputs = inputs_of(type);
  RandomBlocks blocks{type, kGroups* kOutputs, inputs, 5};
  std::vector<float> bias = random_rows(1, kGroups* kOutputs, 6)[0];
  DeviceArray<std::byte> bytes;
  DeviceArray<float> bias_there{bias};
  int64_t stride = row_bytes(type, inputs);
  int64_t before;

  explicit TestedWeights(TensorType tested)
      : type(tested), bytes(shifted()), before(block_format(type).block_elements == 1 ? 0 : 2) {}

  std::vector<std::byte> shifted() const {
    const auto data = blocks.tensor().data;
    std::vector<std::byte> all(block_format(type).block_elements == 1 ? 0 : 2);
    all.insert(all.end(), data.begin(), data.end());
    return all;
  }
  GroupedWeights view(bool biased) const {
    return {.data = bytes.data() + before,
            .type = type,
            .stride = stride,
            .group_stride = stride * kOutputs,
            .outputs = kOutputs,
            .inputs = inputs,
            .bias = biased ? bias_there.data() : nullptr};
  }
};

struct Slots {
  HostGroups host;
  std::vector<int32_t> rows;  // of slots
  DeviceArray<int32_t> begin;
  DeviceArray<int32_t> tile_begin;
  DeviceArray<int32_t> rows_there;

  Slots(const std::vector<int>& counts, std::vector<int32_t> rows_of_slots, int tile_rows)
      : host(counts, tile_rows),
        rows(std::move(rows_of_slots)),
        begin(host.begin),
        tile_begin(host.tile_begin),
        rows_there(rows) {}
  RowGroups view() const {
    RowGroups groups = host.view();
    groups.begin = begin.data();
    groups.tile_begin = tile_begin.data();
    groups.rows = rows_there.data();
    return groups;
  }
  int group_of(int slot) const {
    int group = 0;
    while (host.begin[static_cast<size_t>(group) + 1] <= slot) ++group;
    return group;
  }
};

constexpr int kRows = 50;

std::vector<int32_t> scattered(int slots) {
  std::vector<int32_t> rows;
  for (int i = 0; i < slots; ++i) rows.push_back(i * 7 % kRows);
  return rows;
}

// One sum of `steps` roundings of at most its terms' magnitudes.
void expect_close(const HostRows& found, const HostRows& in, const TestedWeights& weights, const Slots& slots,
                  bool rounded, double roundings) {
  for (int slot = 0; slot < slots.host.begin.back(); ++slot) {
    const int group = slots.group_of(slot);
    const std::vector<float>& x = in[static_cast<size_t>(slots.rows[static_cast<size_t>(slot)])];
    for (int o = 0; o < kOutputs; ++o) {
      const float* w = weights.blocks.row(group * kOutputs + o);
      double sum = weights.bias[static_cast<size_t>(group * kOutputs + o)];
      double size = std::abs(sum);
      for (int k = 0; k < weights.inputs; ++k) {
        const float weight = rounded ? from_bfloat16(to_bfloat16(w[k])) : w[k];
        const double product = double{x[static_cast<size_t>(k)]} * double{weight};
        sum += product;
        size += std::abs(product);
      }
      ASSERT_NEAR(found[static_cast<size_t>(slot)][static_cast<size_t>(o)], sum, roundings * 0x1p-24 * size)
          << "slot " << slot << ", output " << o;
    }
  }
}

// Groups of few rows and of many; one is empty.
const std::array kCounts{std::vector<int>{1, 0, 3}, std::vector<int>{17, 0, 1}, std::vector<int>{100, 0, 64},
                         std::vector<int>{31, 65, 33}};

TEST_F(PackedProduct, AgreesWithFloat64ForEveryFormat) {
  for (const BlockFormat& format : block_formats()) {
    if (!has_packed_product(format.type)) continue;
    const TestedWeights weights(format.type);
    const HostRows in = rounded_to_bfloat16(random_rows(kRows, weights.inputs, 1));
    const DeviceRows in_there(in, Precision::bfloat16);
    for (const std::vector<int>& counts : kCounts) {
      SCOPED_TRACE(testing::Message() << format.name << ", " << counts[0] << " rows first");
      const int all = std::accumulate(counts.begin(), counts.end(), 0);
      const Slots slots(counts, scattered(all), packed_tile_rows(all, kGroups));
      const DeviceRows out(all, kOutputs);
      multiply_packed(weights.view(true), in_there.operand(), slots.view(), out.values(), nullptr);
      // An instruction adds 16 products and the sum, cut to the largest's last bit at worst.
      expect_close(out.read(), in, weights, slots, true, 2.0 * (weights.inputs + weights.inputs / 16) + 2.0);
    }
  }
}

TEST_F(PackedProduct, BitsAreThoseOfRoundedWeightsAndOfARowAlone) {
  for (const BlockFormat& format : block_formats()) {
    if (!has_packed_product(format.type)) continue;
    SCOPED_TRACE(format.name);
    const TestedWeights weights(format.type);
    const HostRows in = random_rows(kRows, weights.inputs, 2);
    const DeviceRows in_there(in, Precision::bfloat16);
    const DeviceRows rounded(kGroups * kOutputs, weights.inputs, Precision::bfloat16);
    dequantise({weights.bytes.data() + weights.before, format.type, weights.stride, kGroups * kOutputs,
                weights.inputs},
               rounded.operand(), nullptr);
    GroupedWeights plain = weights.view(false);
    plain.data = rounded.operand().data;
    plain.type = TensorType::bf16;
    plain.stride = rounded.operand().stride * 2;
    plain.group_stride = plain.stride * kOutputs;

    const std::vector<int> counts = {100, 0, 64};
    const Slots slots(counts, scattered(164), packed_tile_rows(164, kGroups));
    const DeviceRows out(164, kOutputs);
    multiply_packed(weights.view(false), in_there.operand(), slots.view(), out.values(), nullptr);
    const HostRows found = out.read();
    const DeviceRows plain_out(164, kOutputs);
    multiply_packed(plain, in_there.operand(), slots.view(), plain_out.values(), nullptr);
    expect_same(found, plain_out.read());

    for (const size_t row : {0u, 41u, 99u}) {  // all of the first group
      const DeviceRows alone({in[static_cast<size_t>(slots.rows[row])]}, Precision::bfloat16);
      const DeviceRows alone_out(1, kOutputs);
      multiply_packed(weights.view(false), alone.operand(), {.slots = 1}, alone_out.values(), nullptr);
      expect_same(alone_out.read(), {found[row]});
    }
  }
}

TEST_F(PackedProduct, FloatsAgreeWithFloat64AndARowAloneHasItsBits) {
  for (const BlockFormat& format : block_formats()) {
    if (format.type == TensorType::f32 || format.type == TensorType::f16) continue;  // below
    const TestedWeights weights(format.type);
    const HostRows in = random_rows(kRows, weights.inputs, 3);
    const DeviceRows in_there(in);
    for (const std::vector<int>& counts : kCounts) {
      SCOPED_TRACE(testing::Message() << format.name << ", " << counts[0] << " rows first");
      const int all = std::accumulate(counts.begin(), counts.end(), 0);
      const Slots slots(counts, scattered(all), kDotRows);
      const DeviceRows out(all, kOutputs);
      multiply_floats(weights.view(true), in_there.in(), slots.view(), out.values(), nullptr);
      const HostRows found = out.read();
      expect_close(found, in, weights, slots, false, weights.inputs / 32.0 + 16.0);
      const DeviceRows alone({in[static_cast<size_t>(slots.rows[0])]});
      const DeviceRows alone_out(1, kOutputs);
      multiply_floats(weights.view(true), alone.in(), {.slots = 1}, alone_out.values(), nullptr);
      expect_same(alone_out.read(), {found[0]});
    }
  }
}

TEST_F(PackedProduct, FloatsTakeAnyNumberOfInputs) {
  for (const int inputs : {1, 7, 40, 259}) {
    for (const int rows : {1, 15, 16, 17, 31, 33}) {
      const HostRows weights = random_rows(kOutputs, inputs, 4);
      const HostRows in = random_rows(rows, inputs, 5);
      const DeviceRows weights_there(weights);
      const DeviceRows in_there(in);
      const DeviceRows out(rows, kOutputs);
      multiply_floats({.data = weights_there.values().data,
                       .type = TensorType::f32,
                       .stride = weights_there.values().stride * 4,
                       .outputs = kOutputs,
                       .inputs = inputs},
                      in_there.in(), {.slots = rows}, out.values(), nullptr);
      const HostRows found = out.read();
      for (size_t r = 0; r < in.size(); ++r) {
        for (size_t o = 0; o < kOutputs; ++o) {
          double sum = 0.0;
          double size = 0.0;
          for (size_t k = 0; k < in[r].size(); ++k) {
            sum += double{in[r][k]} * double{weights[o][k]};
            size += std::abs(double{in[r][k]} * double{weights[o][k]});
          }
          ASSERT_NEAR(found[r][o], sum, (inputs / 32.0 + 16.0) * 0x1p-24 * size);
        }
      }
    }
  }
}

}  // namespace
}  // namespace sizeup::cuda
