// The Metal device's operations, kernels and host side together, against the reference device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/metal/kernels/parameters.h"
#include "tests/metal/device_programs.h"
#include "tests/support/exact_activations.h"
#include "tests/support/mixture_variants.h"

namespace sizeup::metal_shim {
namespace {

using testing::HasSubstr;

// One row, and those around a tile's: reading rows back multiplies them, too.
constexpr std::array kRowCounts{1, 8, 9, 33};
// Less than a simdgroup's threads, and more than a group's.
constexpr std::array kColumnCounts{1, 31, 133};

NormSpec norm_spec(NormKind kind) {
  return {.kind = kind, .epsilon = 1e-5F, .added = 0.25F, .scale = 1.5F};
}

constexpr std::array kNormKinds{NormKind::none, NormKind::root_mean_square, NormKind::layer};

TEST(MetalNorm, AgreesWithTheReference) {
  for (const int rows : kRowCounts) {
    for (const int columns : kColumnCounts) {
      for (const NormKind kind : kNormKinds) {
        for (const bool biased : {false, true}) {
          SCOPED_TRACE(testing::Message() << rows << " rows, " << columns << " columns");
          expect_as_reference(
              [&](DeviceValues& values) {
                const RowsId in = values.input(random_rows(rows, columns, 1, 3.0F));
                const RowsId sums = values.input(random_rows(rows, columns, 2));
                const RowsId out = values.device().add_rows(columns, RowsUse::operand);
                const NormTensors tensors{
                    .weight = &values.tensor(random_rows(1, columns, 3)),
                    .bias = biased ? &values.tensor(random_rows(1, columns, 4)) : nullptr};
                const NormId norm = values.device().add_norm(norm_spec(kind), tensors, columns);
                values.begin(rows);
                values.device().norm(in, norm, out);
                values.device().norm_add(in, norm, sums);
                HostRows found = values.read(out, columns);
                for (const std::vector<float>& row : values.read(sums, columns)) found.push_back(row);
                return found;
              },
              kReadRoundings + static_cast<float>(columns / metal_kernels::kRowThreads) + 16.0F);
        }
      }
    }
  }
}

TEST(MetalNorm, OfPartsIsThatOfTheReference) {
  for (const int rows : kRowCounts) {
    for (const int size : {1, 6, 40}) {
      const int columns = 5 + 3 * size + 2;
      expect_as_reference(
          [&](DeviceValues& values) {
            const RowsId in = values.input(random_rows(rows, columns, 1, 3.0F));
            const NormId norm =
                values.device().add_norm(norm_spec(NormKind::root_mean_square),
                                         {.weight = &values.tensor(random_rows(1, size, 3))}, size);
            values.begin(rows);
            values.device().norm_parts(in, 5, 3, norm);
            return values.read(in, columns);
          },
          kReadRoundings + 16.0F);
    }
  }
}

// Of one linear layer: parts of these formats, stacked.
struct Stack {
  std::vector<TensorType> types;
  int outputs = 0;  // of each
  int inputs = 0;
};

// One of each format, and some of different ones, which a file's query, key and value are.
std::vector<Stack> stacks() {
  std::vector<Stack> all;
  for (const BlockFormat& format : block_formats()) {
    const int elements = format.block_elements;
    all.push_back({{format.type}, 35, elements == 1 ? 75 : elements == 32 ? 96 : 256});
  }
  all.push_back({{TensorType::f32}, 1, 1});
  all.push_back({{TensorType::f16, TensorType::f32, TensorType::bf16}, 33, 41});
  all.push_back({{TensorType::q4_k, TensorType::q4_k, TensorType::q6_k}, 20, 256});
  return all;
}

class Layer {
 public:
  explicit Layer(const Stack& stack, bool biased) {
    for (const TensorType type : stack.types) {
      DecoderSpec spec = some_spec();
      spec.vocabulary = stack.outputs;
      spec.width = stack.inputs;
      spec.layers.clear();
      spec.tied_head = true;
      decoders_.push_back(
          std::make_unique<RandomDecoder>(spec, type, 20 + static_cast<unsigned>(decoders_.size())));
      biases_.push_back(random_rows(1, stack.outputs, 30 + static_cast<unsigned>(biases_.size()))[0]);
    }
    for (size_t i = 0; i < decoders_.size(); ++i) {
      Tensor& bias = tensors_.emplace_back();
      bias.shape = {stack.outputs};
      bias.data = std::as_bytes(std::span(biases_[i]));
      // The last part has none in any case.
      const bool has = biased && (i == 0 || i + 1 < decoders_.size());
      parts_.push_back({.weight = decoders_[i]->model().tensors.embedding, .bias = has ? &bias : nullptr});
    }
  }
  std::span<const LinearTensors> parts() const { return parts_; }

 private:
  std::vector<std::unique_ptr<RandomDecoder>> decoders_;
  std::vector<std::vector<float>> biases_;
  std::deque<Tensor> tensors_;
  std::vector<LinearTensors> parts_;
};

// Without matrices of a simdgroup weights are read in the same way: a few formats will do.
bool is_tried_without_matrices(const Stack& stack) {
  const TensorType type = stack.types.front();
  return type == TensorType::f32 || type == TensorType::f16 || type == TensorType::q8_0;
}

void expect_products_as_reference(const Stack& stack, bool matrices) {
  for (const int rows : {1, 9, 33}) {
    for (const bool biased : {false, true}) {
      SCOPED_TRACE(testing::Message() << block_format(stack.types.front()).name << ", " << rows << " rows");
      const Layer layer(stack, biased);
      const int outputs = stack.outputs * static_cast<int>(stack.types.size());
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const RowsId in = values.input(random_rows(rows, stack.inputs, 1));
            const RowsId sums = values.input(random_rows(rows, outputs, 2));
            const RowsId out = on.add_rows(outputs, RowsUse::values);
            const LinearId weight = on.add_linear(layer.parts());
            values.begin(rows);
            on.linear(in, weight, out);
            on.linear_add(in, weight, sums);
            HostRows found = values.read(out, outputs);
            for (const std::vector<float>& row : values.read(sums, outputs)) found.push_back(row);
            return found;
          },
          kReadRoundings + kSumRoundings, some_spec(), matrices);
    }
  }
}

TEST(MetalLinear, OfEveryFormatAgreesWithTheReference) {
  for (const Stack& stack : stacks()) {
    expect_products_as_reference(stack, true);
    if (is_tried_without_matrices(stack)) expect_products_as_reference(stack, false);
  }
}

void expect_bits_of_the_row_alone(const Stack& stack, bool matrices) {
  const Layer layer(stack, true);
  const int outputs = stack.outputs * static_cast<int>(stack.types.size());
  const HostRows in = random_rows(43, stack.inputs, 1, 30.0F);
  const auto multiply = [&](const HostRows& rows) {
    return on_metal(
        [&](DeviceValues& values) {
          const RowsId from = values.input(rows);
          const RowsId out = values.device().add_rows(outputs, RowsUse::values);
          const LinearId weight = values.device().add_linear(layer.parts());
          values.begin(static_cast<int>(rows.size()));
          values.device().linear(from, weight, out);
          return values.read(out, outputs);
        },
        {.matrices = matrices});
  };
  const HostRows together = multiply(in);
  for (const size_t row : {0U, 7U, 8U, 31U, 32U, 42U}) {
    EXPECT_EQ(multiply({in[row]})[0], together[row]);
    EXPECT_EQ(multiply({in[1], in[row], in[2]})[1], together[row]);
  }
}

TEST(MetalLinear, ARowsBitsAreThoseOfTheRowAlone) {
  for (const Stack& stack : stacks()) {
    expect_bits_of_the_row_alone(stack, true);
    if (is_tried_without_matrices(stack)) expect_bits_of_the_row_alone(stack, false);
  }
}

TEST(MetalEmbed, ReadsRowsOfEveryFormat) {
  for (const Stack& stack : stacks()) {
    const Layer layer({{stack.types.front()}, stack.outputs, stack.inputs}, false);
    for (const bool add : {false, true}) {
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const int rows = stack.outputs + 2;  // the table lacks the last two
            const RowsId out = values.input(random_rows(rows, stack.inputs, 1));
            const LinearId table = on.add_linear(layer.parts());
            values.begin(rows);
            if (add) {
              on.add_embedded(table, 1.75F, out);
            } else {
              on.embed(table, 1.75F, out);
            }
            return values.read(out, stack.inputs);
          },
          kReadRoundings);
    }
  }
}

TEST(MetalElements, AgreeWithTheReference) {
  for (const int rows : kRowCounts) {
    for (const int columns : kColumnCounts) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << columns << " columns");
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const RowsId base = values.input(random_rows(rows, columns, 1));
            const RowsId first = values.input(random_rows(rows, columns, 2));
            const RowsId second = values.input(random_rows(rows, columns, 3));
            const RowsId weights = values.input(random_rows(rows, 7, 4));
            const RowsId sums = on.add_rows(columns, RowsUse::values);
            const RowsId chosen = on.add_rows(columns, RowsUse::values);
            values.begin(rows);
            on.clear(sums);
            on.add(first, -0.7F, sums);
            on.scale(sums, 0.6F);
            on.combine(base, std::array{first, second}, weights, 3, base);
            on.combine(base, std::array{second, sums}, weights, 5, first);
            on.match_magnitude(second, base);
            HostRows found;
            on.select_wanted(first, chosen);
            for (const RowsId one : {base, sums, second, chosen}) {
              for (const std::vector<float>& row : values.read(one, columns)) found.push_back(row);
            }
            return found;
          },
          kReadRoundings + 32.0F);
    }
  }
}

TEST(MetalElements, WhatStandsOutIsKept) {
  for (const int columns : {1, 23, 140}) {
    expect_as_reference(
        [&](DeviceValues& values) {
          const RowsId in = values.input(random_rows(5, columns + 14, 1, 2.0F));
          values.begin(5);
          values.device().keep_above(in, columns, 0.8F);
          return values.read(in, columns + 14);
        },
        kReadRoundings + 32.0F);
  }
}

// What an activation may be off by is in the bound, in units of the greatest value.
TEST(MetalElements, GatesAgreeWithTheReference) {
  for (const Activation activation : kAllActivations) {
    for (const int columns : {1, 44}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(activation) << ", " << columns << " columns");
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const RowsId in = values.input(random_rows(9, columns, 1, 4.0F));
            const RowsId factors = values.input(random_rows(9, columns + 5, 2));
            const RowsId gated = on.add_rows(columns, RowsUse::operand);
            const RowsId by_sigmoid = on.add_rows(columns, RowsUse::operand);
            values.begin(9);
            on.gate(in, activation, factors, 5, gated);
            on.apply_gate(in, factors, 3, by_sigmoid);
            HostRows found = values.read(gated, columns);
            for (const std::vector<float>& row : values.read(by_sigmoid, columns)) found.push_back(row);
            return found;
          },
          kReadRoundings + 64.0F);
    }
  }
}

TEST(MetalElements, ProductsAreActivated) {
  const HostRows weights = random_rows(18, 20, 3, 0.5F);
  for (const Activation activation : kAllActivations) {
    for (const int rows : {1, 33}) {
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const RowsId in = values.input(random_rows(rows, 20, 1));
            const RowsId out = on.add_rows(18, RowsUse::operand);
            const RowsId gated = on.add_rows(18, RowsUse::operand);
            const LinearTensors up{.weight = &values.tensor(weights)};
            const LinearTensors gate{.weight = &values.tensor(random_rows(18, 20, 4, 0.5F))};
            const LinearId plain = on.add_linear(up);
            const LinearId both = on.add_gated_linear(gate, up);
            values.begin(rows);
            on.gated_linear(in, both, activation, gated);
            if (activation == Activation::clamped_swish) return values.read(gated, 18);
            on.activated_linear(in, plain, activation, out);
            HostRows found = values.read(gated, 18);
            for (const std::vector<float>& row : values.read(out, 18)) found.push_back(row);
            return found;
          },
          kReadRoundings + 64.0F);
    }
  }
}

// Who is chosen must not differ at all, which would be an error of the values' size.
TEST(MetalMixture, AgreesWithTheReferenceForAnyRouting) {
  for (const TensorType type : {TensorType::f32, TensorType::q8_0}) {
    const bool plain = type == TensorType::f32;
    const int width = plain ? 40 : 64;
    for (const MixtureVariant& variant :
         mixture_variants(plain ? MixtureWidths{26, 19, 33, 70, 17} : MixtureWidths{32, 64, 32, 96, 32})) {
      for (const int rows : {1, 9, 33}) {
        SCOPED_TRACE(testing::Message() << variant.name << ", " << rows << " rows");
        RandomDecoder random({}, type, 7);
        const MixtureTensors tensors = random.mixture(variant.spec, width, variant.biases);
        expect_as_reference(
            [&](DeviceValues& values) {
              const RowsId router_in = values.input(random_rows(rows, width, 1));
              const RowsId in = values.input(random_rows(rows, width, 2));
              const RowsId sums = values.input(random_rows(rows, width, 3));
              const MixtureId mixture = values.device().add_mixture(variant.spec, tensors);
              values.begin(rows);
              values.device().mixture_add(router_in, in, mixture, Activation::silu, sums);
              return values.read(sums, width);
            },
            kReadRoundings + 2.0F * kSumRoundings);
      }
    }
  }
}

// The formats of a file's experts may differ from one to the next, and so do gate, up and down.
TEST(MetalMixture, ExpertsMayHaveDifferentFormats) {
  constexpr int kWidth = 64;
  const ExpertSpec spec{.count = 7, .used = 3, .width = 96, .layers = {}};
  RandomDecoder blocks({}, TensorType::q8_0, 7);
  RandomDecoder plain({}, TensorType::f16, 8);
  for (const bool biased : {false, true}) {
    MixtureTensors tensors = blocks.mixture(spec, kWidth, {.router_and_experts = biased});
    const MixtureTensors others = plain.mixture(spec, kWidth, {.router_and_experts = biased});
    for (const size_t expert : {0U, 2U, 3U, 6U}) tensors.experts[expert].up = others.experts[expert].up;
    tensors.experts[4].gate = others.experts[4].gate;
    tensors.experts[0].down = others.experts[0].down;
    for (const bool matrices : {true, false}) {
      expect_as_reference(
          [&](DeviceValues& values) {
            const RowsId in = values.input(random_rows(33, kWidth, 2));
            const MixtureId mixture = values.device().add_mixture(spec, tensors);
            values.begin(33);
            values.device().mixture_add(in, in, mixture, Activation::silu, in);
            return values.read(in, kWidth);
          },
          kReadRoundings + 2.0F * kSumRoundings, some_spec(), matrices);
    }
  }
}

TEST(MetalMixture, EqualScoresGoToTheLowestExperts) {
  const ExpertSpec spec{.count = 9, .used = 3, .width = 26, .layers = {}};
  RandomDecoder random(some_spec(), TensorType::f32, 9);
  MixtureTensors tensors = random.mixture(spec, 40);
  const std::vector<std::byte> zeros(static_cast<size_t>(spec.count * 40) * sizeof(float));
  const Tensor router{.name = {}, .type = TensorType::f32, .shape = {spec.count, 40}, .data = zeros};
  tensors.router = &router;
  expect_as_reference(
      [&](DeviceValues& values) {
        const RowsId in = values.input(random_rows(9, 40, 2));
        const MixtureId mixture = values.device().add_mixture(spec, tensors);
        values.begin(9);
        values.device().mixture_add(in, in, mixture, Activation::silu, in);
        return values.read(in, 40);
      },
      kReadRoundings + 2.0F * kSumRoundings);
}

// Rows of two steps, the second of which goes on with the first one's state. A state's error grows with them.
TEST(MetalDelta, AgreesWithTheReference) {
  for (const int taps : {1, 2, 4}) {
    for (const bool tiled : {false, true}) {
      const DeltaSpec delta{.key_heads = 2,
                            .value_heads = 4,
                            .key_size = 13,
                            .value_size = 35,
                            .taps = taps,
                            .epsilon = 1e-5F,
                            .tiled = tiled,
                            .sigmoid_gate = tiled};
      DecoderSpec spec = some_spec();
      spec.layers.push_back(spec.layers[0]);
      for (LayerSpec& layer : spec.layers) {
        layer.delta = delta;
        layer.attention = {};
        layer.kv_layer = kNoKeys;
      }
      const RandomDecoder random(spec, TensorType::f32, 2);
      expect_as_reference(
          [&](DeviceValues& values) {
            Device& on = values.device();
            const RowsId in = values.input(random_rows(20, delta.columns(), 1));
            const RowsId out = on.add_rows(delta.value_width(), RowsUse::operand);
            const DeltaId rule = on.add_delta(delta, *random.model().tensors.layers[1].delta);
            values.begin(20);
            on.delta_rule(1, in, rule, out);
            HostRows found = values.read(out, delta.value_width());
            values.begin(3, 20);
            on.delta_rule(1, in, rule, out);
            for (const std::vector<float>& row : values.read(out, delta.value_width())) found.push_back(row);
            return found;
          },
          kReadRoundings + 2.0F * kSumRoundings, spec);
    }
  }
}

std::string refusal(const DecoderSpec& spec, const DeviceOptions& options = {}) {
  DecoderModel model;
  model.spec = spec;
  const auto device = make_device(model, Order::ascending, options);
  return device ? "" : describe(device.error());
}

TEST(MetalDevice, RefusesOptionsThatItLacks) {
  DeviceOptions options;
  options.precision = Precision::bfloat16;
  EXPECT_THAT(refusal(some_spec(), options), HasSubstr("no dtype bfloat16"));
  options = {};
  options.tier = "avx2";
  EXPECT_THAT(refusal(some_spec(), options), HasSubstr("no tiers"));
  options = {};
  options.memory_bytes = 1000;
  EXPECT_THAT(refusal(some_spec(), options), HasSubstr("no context would fit"));
}

}  // namespace
}  // namespace sizeup::metal_shim
