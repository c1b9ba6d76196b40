// Convolutions over positions whose taps lie apart, on the reference device and every tier: against the
// definition (ConvolutionSpec) in float64, however the rows of texts come in steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "backends/cpu/delta_layers.h"
#include "backends/cpu/kernels.h"
#include "backends/engine/delta_rule.h"
#include "backends/engine/plan/step_builder.h"
#include "backends/reference/convolution.h"
#include "tests/support/vector_tiers.h"

namespace sizeup {
namespace {

using Rows = std::vector<std::vector<float>>;

constexpr float kNeverLookedAt = 1e9F;
constexpr int kStates = 3;

Rows random_rows(size_t rows, int columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Rows all(rows, std::vector<float>(static_cast<size_t>(columns)));
  for (std::vector<float>& row : all) {
    for (float& value : row) value = normal(random);
  }
  return all;
}

// rows + silu(convolution), of one text from its beginning.
Rows exact(const ConvolutionSpec& spec, const Rows& taps, const Rows& in, const Rows& rows) {
  Rows out = rows;
  for (int i = 0; i < static_cast<int>(in.size()); ++i) {
    for (size_t c = 0; c < static_cast<size_t>(spec.channels); ++c) {
      double sum = 0.0;
      for (int tap = 0; tap < spec.taps; ++tap) {
        const int at = i - (spec.taps - 1 - tap) * spec.dilation;
        if (at >= 0)
          sum += static_cast<double>(taps[c][static_cast<size_t>(tap)]) *
                 static_cast<double>(in[static_cast<size_t>(at)][c]);
      }
      float& value = out[static_cast<size_t>(i)][c];
      value = static_cast<float>(static_cast<double>(value) + sum / (1.0 + std::exp(-sum)));
    }
  }
  return out;
}

// rows += the convolution of `in`, for one step.
class Computer {
 public:
  virtual ~Computer() = default;
  virtual void run(const Step& step, const Rows& in, Rows& rows) = 0;
};

class ReferenceComputer : public Computer {
 public:
  ReferenceComputer(const ConvolutionSpec& spec, const Tensor& taps)
      : layer_{spec, read_taps(taps)},
        states_(kStates, std::vector<float>(convolution_state_floats(spec), kNeverLookedAt)) {}

  void run(const Step& step, const Rows& in, Rows& rows) override {
    const size_t stride = padded_columns(layer_.spec.channels);
    FloatBuffer inputs(stride * in.size());
    FloatBuffer sums(stride * in.size());
    const RowsView from{inputs.data(), stride, step.rows()};
    const RowsView to{sums.data(), stride, step.rows()};
    for (int r = 0; r < step.rows(); ++r) {
      std::ranges::copy(in[static_cast<size_t>(r)], from.row(r));
      std::ranges::copy(rows[static_cast<size_t>(r)], to.row(r));
    }
    for (const StateCopy& copy : step.state_copies)
      states_[static_cast<size_t>(copy.to)] = states_[static_cast<size_t>(copy.from)];
    convolve_add(
        layer_, plan_state_runs(step), from,
        [&](int32_t state) { return states_[static_cast<size_t>(state)].data(); }, to);
    for (int r = 0; r < step.rows(); ++r)
      std::copy_n(to.row(r), layer_.spec.channels, rows[static_cast<size_t>(r)].begin());
  }

 private:
  ConvolutionLayer layer_;
  Rows states_;
};

class TierComputer : public Computer {
 public:
  TierComputer(const ConvolutionSpec& spec, const Tensor& taps, const cpu::Kernels& kernels)
      : spec_(spec),
        workers_(2),
        layers_(decoder_of(spec), kernels.delta, workers_),
        convolution_(layers_.add_convolution(spec, taps)) {}

  // Padding lanes of the input are NaN: nobody may look at them.
  void run(const Step& step, const Rows& in, Rows& rows) override {
    const auto lanes_of = [&](const Rows& from, HugeBuffer& buffer) {
      cpu::LaneRows lanes{.rows = step.rows(), .columns = spec_.channels};
      buffer = HugeBuffer(sizeof(float) * cpu::kLanes * static_cast<size_t>(lanes.groups() * lanes.columns));
      lanes.data = reinterpret_cast<float*>(buffer.data());
      for (int r = 0; r < lanes.groups() * cpu::kLanes; ++r) {
        for (int c = 0; c < lanes.columns; ++c) {
          lanes.at(r / cpu::kLanes, c)[r % cpu::kLanes] =
              r < step.rows() ? from[static_cast<size_t>(r)][static_cast<size_t>(c)]
                              : std::numeric_limits<float>::quiet_NaN();
        }
      }
      return lanes;
    };
    HugeBuffer inputs;
    HugeBuffer sums;
    const cpu::LaneRows from = lanes_of(in, inputs);
    const cpu::LaneRows to = lanes_of(rows, sums);
    layers_.begin(step);
    layers_.convolve_add(0, convolution_, from, to);
    for (int r = 0; r < step.rows(); ++r) {
      for (int c = 0; c < spec_.channels; ++c)
        rows[static_cast<size_t>(r)][static_cast<size_t>(c)] = to.at(r / cpu::kLanes, c)[r % cpu::kLanes];
    }
  }

 private:
  static DecoderSpec decoder_of(const ConvolutionSpec& spec) {
    DecoderSpec decoder;
    LayerSpec layer;
    layer.kv_layer = kNoKeys;
    layer.delta = DeltaSpec{.key_heads = 1, .value_heads = 1, .key_size = 3, .value_size = 5, .taps = 2};
    layer.convolution = spec;
    decoder.layers.push_back(layer);
    return decoder;
  }

  ConvolutionSpec spec_;
  cpu::Workers workers_;
  cpu::DeltaLayers layers_;
  ConvolutionId convolution_;
};

struct Choice {
  std::string name;
  std::optional<CpuTier> tier;  // none: the reference
};

std::vector<Choice> choices() {
  std::vector<Choice> all = {{"reference", std::nullopt}};
  for (const CpuTierEntry& entry : vector_tiers()) all.push_back({std::string(entry.name), entry.tier});
  return all;
}

class Convolution : public testing::TestWithParam<Choice> {
 protected:
  void SetUp() override {
    if (!GetParam().tier) return;
    if (const auto reason = why_unsupported(*GetParam().tier)) GTEST_SKIP() << *reason;
  }
  static std::unique_ptr<Computer> computer(const ConvolutionSpec& spec, const Tensor& taps) {
    if (!GetParam().tier) return std::make_unique<ReferenceComputer>(spec, taps);
    return std::make_unique<TierComputer>(spec, taps, cpu::kernels_of(*GetParam().tier));
  }
};

// A text of 40 rows in a step of `first` and one of the rest; before that a branch takes a copy of the state,
// and in the first step a fork of it, and both go on with rows of their own.
void expect_exact(Computer& computing, const ConvolutionSpec& spec, const Rows& taps, size_t first) {
  constexpr size_t kLength = 40;
  const Rows text = random_rows(kLength, spec.channels, 1);
  const Rows other = random_rows(kLength, spec.channels, 2);
  const Rows base = random_rows(kLength, spec.channels, 3);
  const Rows expected = exact(spec, taps, text, base);
  Rows branch(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first));
  branch.insert(branch.end(), other.begin() + static_cast<std::ptrdiff_t>(first), other.end());
  const Rows branch_expected = exact(spec, taps, branch, base);

  const std::vector<Token> tokens(kLength, 1);
  StepBuilder builder;
  Rows in;
  Rows rows;
  std::vector<const std::vector<float>*> wanted;
  const auto begin = [&] {
    builder.clear();
    in.clear();
    rows.clear();
    wanted.clear();
  };
  const auto add = [&](int32_t state, size_t from, size_t end, const Rows& input, const Rows& result) {
    const int32_t table = builder.add_table({state}, state);
    for (size_t i = from; i < end; ++i) {
      builder.add_row(tokens, static_cast<int>(i), table);
      in.push_back(input[i]);
      rows.push_back(base[i]);
      wanted.push_back(&result[i]);
    }
  };
  const auto compute = [&] {
    builder.set_counts(kStates, kStates);
    computing.run(builder.step(), in, rows);
    // Sums of few products, and silu: some roundings of values of about 3.
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < rows[r].size(); ++c)
        ASSERT_NEAR(rows[r][c], (*wanted[r])[c], 4e-6F) << "row " << r << ", channel " << c;
    }
  };
  begin();
  add(0, 0, first, text, expected);
  builder.copy_state(0, 1);
  add(1, first, first + 2, branch, branch_expected);
  compute();
  begin();
  builder.copy_state(0, 2);
  add(1, first + 2, kLength, branch, branch_expected);
  add(2, first, kLength, branch, branch_expected);
  add(0, first, kLength, text, expected);
  compute();
}

TEST_P(Convolution, GoesOnWhereATextWasLeft) {
  for (const ConvolutionSpec& spec : {ConvolutionSpec{.channels = 70, .taps = 4, .dilation = 3},
                                      ConvolutionSpec{.channels = 130, .taps = 2, .dilation = 5},
                                      ConvolutionSpec{.channels = 5, .taps = 1, .dilation = 2}}) {
    const Rows taps = random_rows(static_cast<size_t>(spec.channels), spec.taps, 4);
    std::vector<float> values;
    for (const std::vector<float>& channel : taps)
      values.insert(values.end(), channel.begin(), channel.end());
    Tensor tensor;
    tensor.shape = {spec.channels, 1, spec.taps};
    tensor.data = std::as_bytes(std::span(values));
    for (const size_t first : {size_t{1}, size_t{7}, size_t{20}})
      expect_exact(*computer(spec, tensor), spec, taps, first);
  }
}

INSTANTIATE_TEST_SUITE_P(Computers, Convolution, testing::ValuesIn(choices()),
                         [](const auto& choice) { return choice.param.name; });

}  // namespace
}  // namespace sizeup
