// Rows in a GPU's memory, for tests that run kernels.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "backends/cuda/check.h"
#include "backends/cuda/row_views.h"
#include "backends/engine/formats/bfloat16.h"
#include "tests/cuda/on_gpu.h"
#include "tests/support/host_rows.h"

namespace sizeup::cuda {

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t count) : count_(count) {
    check(cudaMalloc(&data_, count * sizeof(T) + kAfter));
  }
  explicit DeviceArray(std::span<const T> values) : DeviceArray(values.size()) {
    check(cudaMemcpy(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice));
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(std::span<const T>(values)) {}
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return static_cast<T*>(data_); }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    check(cudaDeviceSynchronize());
    check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  static constexpr size_t kAfter = 16;  // pieces of 16 bytes that have the last element may be read whole
  void* data_ = nullptr;
  size_t count_;
};

// Whether both have the same bits; of what is no number, any.
inline bool same_bits(float a, float b) {
  return (a != a && b != b) || std::memcmp(&a, &b, sizeof a) == 0;
}
inline void expect_same(const HostRows& found, const HostRows& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t r = 0; r < expected.size(); ++r) {
    ASSERT_EQ(found[r].size(), expected[r].size());
    for (size_t c = 0; c < expected[r].size(); ++c) {
      ASSERT_TRUE(same_bits(found[r][c], expected[r][c]))
          << found[r][c] << " is not " << expected[r][c] << ", row " << r << ", column " << c;
    }
  }
}
inline HostRows rounded_to_bfloat16(HostRows rows) {
  for (std::vector<float>& row : rows) {
    for (float& value : row) value = from_bfloat16(to_bfloat16(value));
  }
  return rows;
}

// Rows whose padding must not be read (it is NaN) nor written.
class DeviceRows {
 public:
  explicit DeviceRows(const HostRows& rows, Precision precision = Precision::float32)
      : rows_(static_cast<int>(rows.size())),
        columns_(rows.empty() ? 0 : static_cast<int>(rows.front().size())),
        precision_(precision),
        bytes_(packed(rows)) {}
  // All NaN.
  DeviceRows(int rows, int columns, Precision precision = Precision::float32)
      : DeviceRows(
            HostRows(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(columns), kNever)),
            precision) {}

  ValueRows values() const { return {reinterpret_cast<float*>(bytes_.data()), stride(), rows_, columns_}; }
  ConstValueRows in() const { return values(); }
  OperandRows operand() const { return {bytes_.data(), stride(), rows_, columns_, precision_}; }

  HostRows read() const {
    const std::vector<std::byte> bytes = bytes_.read();
    HostRows all;
    for (int r = 0; r < rows_; ++r) {
      all.emplace_back();
      for (int64_t c = 0; c < stride(); ++c) {
        const float value = get(bytes, r * stride() + c);
        if (c < columns_) {
          all.back().push_back(value);
        } else {
          EXPECT_NE(value, value) << "the padding of row " << r << " was written";
        }
      }
    }
    return all;
  }

 private:
  static constexpr float kNever = std::numeric_limits<float>::quiet_NaN();

  size_t element_bytes() const { return precision_ == Precision::float32 ? 4 : 2; }
  int64_t stride() const {
    const auto step = static_cast<int64_t>(64 / element_bytes());
    return (columns_ / step + 1) * step;
  }
  float get(const std::vector<std::byte>& bytes, int64_t index) const {
    const std::byte* at = bytes.data() + static_cast<size_t>(index) * element_bytes();
    if (precision_ == Precision::float32) {
      float value;
      std::memcpy(&value, at, sizeof value);
      return value;
    }
    uint16_t half;
    std::memcpy(&half, at, sizeof half);
    return from_bfloat16(half);
  }
  std::vector<std::byte> packed(const HostRows& rows) const {
    std::vector<std::byte> bytes(rows.size() * static_cast<size_t>(stride()) * element_bytes());
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < static_cast<size_t>(stride()); ++c) {
        const float value = c < rows[r].size() ? rows[r][c] : kNever;
        std::byte* at = bytes.data() + (r * static_cast<size_t>(stride()) + c) * element_bytes();
        const uint16_t half = to_bfloat16(value);
        if (precision_ == Precision::float32) {
          std::memcpy(at, &value, sizeof value);
        } else {
          std::memcpy(at, &half, sizeof half);
        }
      }
    }
    return bytes;
  }

  int rows_;
  int columns_;
  Precision precision_;
  DeviceArray<std::byte> bytes_;
};

}  // namespace sizeup::cuda
