#include "backends/engine/formats/quantise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "core/json/json.h"
#include "core/threads/thread_pool.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

uint64_t splitmix(uint64_t seed, uint64_t index) {
  uint64_t z = seed + 0x9E3779B97F4A7C15U * (index + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

double normal(uint64_t seed, uint64_t index) {
  const auto uniform = [&](uint64_t i) {
    return (static_cast<double>(splitmix(seed, i) >> 11) + 0.5) * 0x1p-53;
  };
  return std::sqrt(-2 * std::log(uniform(2 * index))) *
         std::cos(2 * std::numbers::pi * uniform(2 * index + 1));
}

// As tests/oracles/quantise_golden.py makes them.
std::vector<float> golden_values(uint64_t seed, double spread, size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(normal(seed, i) * std::exp(spread * normal(seed + 1000, i)));
  }
  return values;
}

std::vector<std::byte> quantised(TensorType type, std::span<const float> row) {
  std::vector<std::byte> bytes(static_cast<size_t>(row_bytes(type, std::ssize(row))));
  EXPECT_TRUE(quantise_row(type, row, bytes)) << block_format(type).name;
  return bytes;
}

std::vector<float> round_trip(TensorType type, std::span<const float> row) {
  const std::vector<std::byte> bytes = quantised(type, row);
  std::vector<float> values(row.size());
  block_format(type).dequantise(bytes.data(), std::ssize(row), values.data());
  return values;
}

bool refused(TensorType type, std::span<const float> row) {
  std::vector<std::byte> bytes(static_cast<size_t>(row_bytes(type, std::ssize(row))));
  return !quantise_row(type, row, bytes);
}

double mean_squared_error(TensorType type, std::span<const float> values) {
  const std::vector<float> rounded = round_trip(type, values);
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(rounded[i]) - static_cast<double>(values[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(values.size());
}

TensorType type_named(std::string_view name) {
  const auto formats = block_formats();
  return std::find_if(formats.begin(), formats.end(), [&](const BlockFormat& f) { return f.name == name; })
      ->type;
}

TEST(Quantise, IsNoWorseThanLlamaCppsReferenceQuantisers) {
  const Json golden = *parse_json(read_whole(golden_folder() / "formats" / "quantise.json"), "quantise.json");
  const size_t count = golden["rows"].get<size_t>() * golden["columns"].get<size_t>();
  for (const Json& expected : golden["cases"]) {
    const auto seed = expected["seed"].get<uint64_t>();
    const auto spread = expected["spread"].get<double>();
    const double error = mean_squared_error(type_named(expected["type"].get<std::string>()),
                                            golden_values(seed, spread, count));
    // The data may differ in a last bit where the C library's logarithm differs from numpy's.
    constexpr double kSameData = 1 + 1e-6;
    EXPECT_LE(error, expected["mean_squared_error"].get<double>() * kSameData) << to_line(expected);
  }
}

// Most error of a weight as a part of the block's largest one: half a level, and what clipping the largest
// and rounding a group's factors may add.
double bound_of(TensorType type) {
  switch (type) {
    case TensorType::bf16:
      return 1.0 / 256;
    case TensorType::q8_0:
      return 0.51 / 127;
    case TensorType::q6_k:
      return 1.5 / 32;
    case TensorType::q5_k:
      return 3.0 / 31;
    case TensorType::q4_k:
      return 3.0 / 15;
    default:
      return 1.5 / 8;
  }
}

TEST(Quantise, KeepsEveryWeightNearItself) {
  std::mt19937 random(11);
  for (const TensorType type : quantised_types()) {
    SCOPED_TRACE(block_format(type).name);
    for (const float scale : {1e-2F, 1.0F, 300.0F}) {
      std::normal_distribution<float> normal_values(0.0F, scale);
      std::uniform_real_distribution<float> positive(0.0F, scale);
      for (int i = 0; i < 50; ++i) {
        std::vector<float> row(256);
        for (float& value : row) value = i % 2 == 0 ? normal_values(random) : positive(random);
        const std::vector<float> rounded = round_trip(type, row);
        float peak = 0;
        for (const float value : row) peak = std::max(peak, std::abs(value));
        for (size_t k = 0; k < row.size(); ++k) {
          ASSERT_LE(std::abs(rounded[k] - row[k]), bound_of(type) * static_cast<double>(peak)) << k;
        }
      }
    }
  }
}

// What was dequantised comes back exactly where a format's scale is a power of two and all levels occur.
TEST(Quantise, GivesBackValuesOfTheFormat) {
  std::vector<float> row(256);
  for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(static_cast<int>(i % 16) - 8) / 4;
  EXPECT_EQ(round_trip(TensorType::q4_0, row), row);
  EXPECT_EQ(round_trip(TensorType::bf16, row), row);
  for (size_t i = 0; i < row.size(); ++i)
    row[i] = static_cast<float>(static_cast<int>(i % 32) * 8 - 127) / 16;
  EXPECT_EQ(round_trip(TensorType::q8_0, row), row);
}

TEST(Quantise, KeepsZeros) {
  const std::vector<float> zeros(512, 0.0F);
  std::vector<float> negligible(512, 1e-30F);
  negligible[7] = -std::numeric_limits<float>::denorm_min();
  for (const TensorType type : quantised_types()) {
    EXPECT_EQ(round_trip(type, zeros), zeros) << block_format(type).name;
    if (type == TensorType::bf16) continue;
    EXPECT_EQ(round_trip(type, negligible), zeros) << block_format(type).name;
  }
}

// The rest is lost in the block's scale, but the value itself, which decides everything, is kept.
TEST(Quantise, KeepsOneHugeWeight) {
  for (const TensorType type : quantised_types()) {
    for (const float huge : {1e4F, -1e4F}) {
      std::vector<float> row(256, 1e-3F);
      row[77] = huge;
      const std::vector<float> rounded = round_trip(type, row);
      EXPECT_NEAR(rounded[77], huge, 1e4 / 128) << block_format(type).name;
      for (size_t i = 128; i < row.size(); ++i) EXPECT_LE(std::abs(rounded[i]), 1e4F) << i;
    }
  }
}

TEST(Quantise, RefusesWhatNoBlockCanHold) {
  for (const TensorType type : quantised_types()) {
    SCOPED_TRACE(block_format(type).name);
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()}) {
      for (const size_t place : {0, 100, 511}) {
        std::vector<float> row(512, 0.5F);
        row[place] = bad;
        EXPECT_TRUE(refused(type, row)) << bad << " at " << place;
      }
    }
    std::vector<float> row(256, 0.0F);
    row[3] = 65504.0F * 127 * 1.01F;
    EXPECT_EQ(refused(type, row), type == TensorType::q8_0 || type == TensorType::q4_0);
    row[3] = 65504.0F * 7;
    EXPECT_FALSE(refused(type, row));
  }
}

TEST(Quantise, DependsOnNothingButTheBlock) {
  const std::vector<float> values = golden_values(5, 0.3, 64 * 512);
  for (const TensorType type : quantised_types()) {
    const std::vector<std::byte> whole = quantised(type, values);
    std::vector<std::byte> parts(whole.size());
    const auto bytes = static_cast<size_t>(row_bytes(type, 512));
    ThreadPool pool(3);
    pool.parallel_for(64, [&](size_t r) {
      const bool good = quantise_row(type, std::span(values).subspan(r * 512, 512),
                                     std::span(parts).subspan(r * bytes, bytes));
      ASSERT_TRUE(good);
    });
    EXPECT_EQ(parts, whole) << block_format(type).name;
  }
}

TEST(Quantise, RoundsToTheNearestHalf) {
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const auto above = static_cast<uint16_t>(bits + 1);
    float value = 0;
    float next = 65536.0F;  // what would follow the largest
    block_format(TensorType::f16).dequantise(&half, 1, &value);
    if (above < 0x7C00) block_format(TensorType::f16).dequantise(&above, 1, &next);
    const float middle = (value + next) / 2;
    ASSERT_EQ(half_from_float(value), half);
    ASSERT_EQ(half_from_float(-value), half | 0x8000);
    ASSERT_EQ(half_from_float(middle), bits % 2 == 0 ? half : above);
    ASSERT_EQ(half_from_float(std::nextafter(middle, 0.0F)), half);
    ASSERT_EQ(half_from_float(std::nextafter(middle, 1e9F)), above);
  }
  EXPECT_EQ(half_from_float(1e30F), 0x7C00);
  EXPECT_EQ(half_from_float(-std::numeric_limits<float>::infinity()), 0xFC00);
}

}  // namespace
}  // namespace sizeup
