// The same operations on the reference device and on the Metal device, its kernels on the host.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "backends/reference/reference_device.h"
#include "tests/metal/metal_devices.h"
#include "tests/support/device_values.h"
#include "tests/support/random_decoder.h"

namespace sizeup::metal_shim {

inline DecoderSpec some_spec() {
  DecoderSpec spec;
  spec.vocabulary = 10;
  spec.context_length = 64;
  spec.width = 8;
  LayerSpec layer;
  layer.attention = {.heads = 2, .kv_heads = 1, .head_size = 4};
  layer.ffn_width = 8;
  spec.layers = {layer};
  spec.norm.epsilon = 1e-5F;
  return spec;
}

// program(values) makes a device's things, begins a step and reads rows.
using Program = std::function<HostRows(DeviceValues&)>;

inline HostRows on_reference(const Program& program, const DecoderSpec& spec = some_spec()) {
  const RandomDecoder random(spec, TensorType::f32, 1);
  DeviceValues values(std::move(*make_reference_device(random.model(), {})));
  return program(values);
}

inline HostRows on_metal(const Program& program, const ShimOptions& shim = {},
                         const DecoderSpec& spec = some_spec()) {
  const RandomDecoder random(spec, TensorType::f32, 1);
  DeviceValues values(std::move(*make_device(random.model(), shim)));
  return program(values);
}

// Values come out with an error of some roundings of the greatest of their row (DeviceValues), which the
// operation's own, a few roundings of a value and of what it is summed from, adds to.
inline void expect_near(const HostRows& found, const HostRows& expected, float roundings) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t r = 0; r < expected.size(); ++r) {
    float greatest = 1.0F;
    for (const float value : expected[r]) greatest = std::max(greatest, std::abs(value));
    for (size_t c = 0; c < expected[r].size(); ++c) {
      ASSERT_NEAR(found[r][c], expected[r][c], roundings * 0x1p-24F * greatest)
          << "row " << r << ", column " << c;
    }
  }
}

// Near the reference, and the same bits in either order of threads.
inline void expect_as_reference(const Program& program, float roundings,
                                const DecoderSpec& spec = some_spec(), bool matrices = true) {
  const HostRows found = on_metal(program, {.order = Order::ascending, .matrices = matrices}, spec);
  expect_near(found, on_reference(program, spec), roundings);
  EXPECT_EQ(on_metal(program, {.order = Order::descending, .matrices = matrices}, spec), found);
}

// Logits of up to about 10, their sum's logarithm, and twice the difference.
inline constexpr float kReadRoundings = 16.0F;

// Sums of at most 256 products of about 0.3 in another order: random steps of half a unit of partial sums.
inline constexpr float kSumRoundings = 48.0F;

}  // namespace sizeup::metal_shim
