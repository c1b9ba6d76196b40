// What extensions of the decoder have beside products and norms, on the Metal device against the reference.
#include <gtest/gtest.h>

#include <array>

#include "tests/metal/device_programs.h"

namespace sizeup::metal_shim {
namespace {

void append(HostRows rows, HostRows& to) {
  for (std::vector<float>& row : rows) to.push_back(std::move(row));
}

// A score of two parts that are orthogonal, which is exactly 0, and one that counts as the least.
TEST(MetalParts, AgreeWithTheReference) {
  for (const int rows : {1, 9}) {
    for (const int size : {1, 31, 261}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, parts of " << size);
      constexpr int kParts = 3;
      HostRows a = random_rows(rows, kParts * size, 1);
      std::fill_n(a[0].begin(), size, 0.0F);
      std::fill_n(a[0].begin() + size, size, 1e-9F);
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const RowsId left = values.input(a);
            const RowsId right = values.input(random_rows(rows, kParts * size, 2));
            const RowsId one = values.input(random_rows(rows, size, 3));
            const RowsId gates = values.input(random_rows(rows, kParts, 4));
            const RowsId mixed = on.add_rows(size, RowsUse::values);
            const RowsId scores = on.add_rows(kParts, RowsUse::values);
            values.begin(rows);
            on.mix_parts(left, right, mixed);
            on.score_parts(left, right, scores);
            on.add_to_parts(one, gates, 1.7F, right);
            HostRows found = values.read(mixed, size);
            append(values.read(scores, kParts), found);
            append(values.read(right, kParts * size), found);
            return found;
          },
          kReadRoundings + kSumRoundings);
    }
  }
}

// The number of a row of the table, for each part of each row; two tables, whose numbers both are there.
TEST(MetalEmbed, NumbersChooseRowsSideBySide) {
  const HostRows first = random_rows(11, 37, 1);
  const HostRows second = random_rows(5, 9, 2);
  const std::array<int32_t, 6> of_first{10, 0, 3, 3, 7, 9};
  const std::array<int32_t, 4> of_second{4, 1, 0, 2};
  expect_as_reference(
      [&](DeviceValues& values) {
        Device& on = values.device();
        const LinearId wide = on.add_linear({.weight = &values.tensor(first)});
        const LinearId narrow = on.add_linear({.weight = &values.tensor(second)});
        const RowsId three = on.add_rows(3 * 37, RowsUse::values);
        const RowsId two = on.add_rows(2 * 9, RowsUse::values);
        values.begin(2);
        on.embed_numbers(wide, of_first, three);
        on.embed_numbers(narrow, of_second, two);
        HostRows found = values.read(three, 3 * 37);
        append(values.read(two, 2 * 9), found);
        return found;
      },
      kReadRoundings);
}

// Steps of more rows than the convolution looks back, of fewer, and of one. The second layer's state lies
// behind that of the first's delta rule and convolution.
TEST(MetalConvolution, AgreesWithTheReference) {
  for (const ConvolutionSpec& convolution : {ConvolutionSpec{.channels = 35, .taps = 4, .dilation = 3},
                                             ConvolutionSpec{.channels = 5, .taps = 1, .dilation = 2},
                                             ConvolutionSpec{.channels = 70, .taps = 2, .dilation = 1}}) {
    SCOPED_TRACE(convolution.channels);
    DecoderSpec spec = some_spec();
    spec.layers[0].delta =
        DeltaSpec{.key_heads = 1, .value_heads = 1, .key_size = 3, .value_size = 5, .taps = 2};
    spec.layers[0].attention = {};
    spec.layers[0].kv_layer = kNoKeys;
    spec.layers[0].convolution = convolution;
    spec.layers.push_back(spec.layers[0]);
    spec.layers[1].delta.reset();
    const HostRows taps = random_rows(convolution.channels, convolution.taps, 4);
    expect_as_reference(
        [&](DeviceValues& values) {
          Device& on = values.device();
          const RowsId in = values.input(random_rows(20, convolution.channels, 1));
          const RowsId sums = values.input(random_rows(20, convolution.channels, 2));
          const ConvolutionId id = on.add_convolution(convolution, values.tensor(taps));
          HostRows found;
          int position = 0;
          for (const int rows : {20, 4, 1, 2}) {
            values.begin(rows, position);
            on.convolve_add(0, in, id, sums);
            on.convolve_add(1, in, id, sums);
            append(values.read(sums, convolution.channels), found);
            position += rows;
          }
          return found;
        },
        kReadRoundings + kSumRoundings, spec);
  }
}

}  // namespace
}  // namespace sizeup::metal_shim
