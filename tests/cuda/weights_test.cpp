// Weights of every format as kernels read them, against the formats' own functions: the same bits.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

#include "backends/cuda/weight_formats.h"
#include "backends/cuda/weights.h"
#include "backends/engine/formats/tensor.h"
#include "tests/cuda/device_rows.h"

namespace sizeup::cuda {
namespace {

// Where a format's blocks have binary16 numbers.
std::vector<size_t> half_places(TensorType type) {
  switch (type) {
    case TensorType::q4_0:
    case TensorType::q5_0:
    case TensorType::q8_0:
    case TensorType::iq4_nl:
    case TensorType::iq4_xs:
      return {0};
    case TensorType::q4_1:
    case TensorType::q5_1:
    case TensorType::q4_k:
    case TensorType::q5_k:
      return {0, 2};
    case TensorType::q2_k:
      return {80, 82};
    case TensorType::q3_k:
      return {108};
    case TensorType::q6_k:
      return {208};
    default:
      return {};
  }
}

// Rows of random blocks; the blocks' binary16 numbers count from `first_half` on.
std::vector<uint8_t> random_blocks(const BlockFormat& format, int rows, int columns, unsigned seed,
                                   std::optional<int> first_half = std::nullopt) {
  const auto blocks = static_cast<size_t>(rows * (columns / format.block_elements));
  const auto size = static_cast<size_t>(format.block_bytes);
  std::vector<uint8_t> bytes(blocks * size);
  std::mt19937 random(seed);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  if (!first_half) return bytes;
  for (size_t b = 0; b < blocks; ++b) {
    for (const size_t place : half_places(format.type)) {
      const auto half = static_cast<uint16_t>(static_cast<size_t>(*first_half) + b);
      std::memcpy(&bytes[b * size + place], &half, sizeof half);
    }
  }
  return bytes;
}

HostRows dequantised(const BlockFormat& format, const std::vector<uint8_t>& bytes, int rows, int columns) {
  HostRows all;
  const auto stride = static_cast<size_t>(row_bytes(format.type, columns));
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    all.emplace_back(static_cast<size_t>(columns));
    format.dequantise(bytes.data() + r * stride, columns, all.back().data());
  }
  return all;
}

int block_columns(const BlockFormat& format, int blocks) {
  return format.block_elements == 1 ? 37 : blocks * format.block_elements;
}

// ---- On the host

TEST(WeightFormats, EightWeightsAreThoseOfTheBlocks) {
  for (const BlockFormat& format : block_formats()) {
    const int columns = block_columns(format, 3);
    const std::vector<uint8_t> bytes = random_blocks(format, 1, columns, 1);
    const HostRows expected = dequantised(format, bytes, 1, columns);
    with_format(format.type, [&]<class Format>(Format) {
      HostRows found(1);
      for (int first = 0; first < columns + 16; first += kEight) {
        const Eight eight = eight_weights<Format>(bytes.data(), first, columns);
        for (int i = 0; i < kEight; ++i) {
          if (first + i < columns) {
            found[0].push_back(eight.value[i]);
          } else {
            EXPECT_EQ(eight.value[i], 0.0F);
          }
        }
      }
      SCOPED_TRACE(format.name);
      expect_same(found, expected);
    });
  }
}

// ---- On a GPU

class Weights : public OnGpu {};

constexpr int kHalves = 1 << 16;
constexpr int kHalfRows = 64;

// Every scale there is, and odd numbers of rows.
TEST_F(Weights, DequantiseIsExactForEveryFormat) {
  for (const BlockFormat& format : block_formats()) {
    SCOPED_TRACE(format.name);
    for (const int rows : {1, 17, kHalfRows}) {
      const int columns = block_columns(format, rows == kHalfRows ? kHalves / kHalfRows : 5);
      const std::vector<uint8_t> bytes = random_blocks(format, rows, columns, 2, 0);
      const DeviceArray<uint8_t> there(bytes);
      const HostRows expected = dequantised(format, bytes, rows, columns);
      const WeightRows weights{there.data(), format.type, row_bytes(format.type, columns), rows, columns};
      for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
        const int padded = columns + 11;
        const DeviceRows out(rows, padded, precision);
        dequantise(weights, out.operand(), nullptr);
        HostRows with_zeros = precision == Precision::float32 ? expected : rounded_to_bfloat16(expected);
        for (std::vector<float>& row : with_zeros) row.resize(static_cast<size_t>(padded), 0.0F);
        expect_same(out.read(), with_zeros);
      }
    }
  }
}

TEST_F(Weights, EmbeddingsAreRowsOfTheTableTimesTheScale) {
  for (const BlockFormat& format : block_formats()) {
    SCOPED_TRACE(format.name);
    constexpr int kTableRows = 9;
    const int columns = block_columns(format, 2);
    const std::vector<uint8_t> bytes = random_blocks(format, kTableRows, columns, 3);
    const DeviceArray<uint8_t> there(bytes);
    const WeightRows table{there.data(), format.type, row_bytes(format.type, columns), kTableRows, columns};
    const HostRows rows = dequantised(format, bytes, kTableRows, columns);
    for (const size_t count : {1u, 15u, 16u, 17u, 31u, 33u}) {
      std::vector<int32_t> tokens;
      for (size_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(i * 5 % (kTableRows + 1)));
      const DeviceArray<int32_t> tokens_there(tokens);
      const DeviceRows found(static_cast<int>(count), columns);
      HostRows expected;
      for (const int32_t token : tokens) {
        expected.emplace_back();
        for (const float weight : rows[token < kTableRows ? static_cast<size_t>(token) : 0])
          expected.back().push_back(0.0F + 1.7F * weight);
      }
      embed(table, 1.7F, tokens_there.data(), found.values(), nullptr);
      expect_same(found.read(), expected);
      add_embedded(table, 1.7F, tokens_there.data(), found.values(), nullptr);
      for (size_t r = 0; r < count; ++r) {
        const std::vector<float>& row = rows[tokens[r] < kTableRows ? static_cast<size_t>(tokens[r]) : 0];
        for (size_t c = 0; c < row.size(); ++c) expected[r][c] += 1.7F * row[c];
      }
      expect_same(found.read(), expected);
    }
  }
}

}  // namespace
}  // namespace sizeup::cuda
