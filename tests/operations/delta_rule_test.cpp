// Gated delta rules on the reference device and on every tier this machine has against the recurrence of
// https://arxiv.org/abs/2412.06464 in float64, a text at a time: whatever the heads' shape, wherever a step
// ends, and where one text goes on with another's state.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "backends/cpu/delta_layers.h"
#include "backends/cpu/kernels.h"
#include "backends/reference/delta_rule.h"
#include "tests/support/vector_tiers.h"

namespace sizeup {
namespace {

using Rows = std::vector<std::vector<float>>;

Rows random_rows(int rows, int columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Rows all(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(columns)));
  for (std::vector<float>& row : all) {
    for (float& value : row) value = normal(random);
  }
  return all;
}

DeltaWeights random_weights(const DeltaSpec& spec, unsigned seed) {
  const auto values = [&](int count) { return random_rows(1, count, ++seed).front(); };
  DeltaWeights weights{.taps = values(spec.taps * spec.channels()),
                       .rates = values(spec.value_heads),
                       .biases = values(spec.value_heads),
                       .norm = values(spec.value_size)};
  for (float& rate : weights.rates) rate = std::abs(rate);
  return weights;
}

double silu(double x) {
  return x / (1.0 + std::exp(-x));
}

// The recurrence in float64. rows: a whole text's.
class ExactRule {
 public:
  ExactRule(const DeltaSpec& spec, const DeltaWeights& weights) : spec_(spec), weights_(weights) {}

  Rows results(const Rows& rows) const {
    Rows out;
    std::vector<std::vector<double>> states(static_cast<size_t>(spec_.value_heads),
                                            std::vector<double>(size_t(spec_.key_size * spec_.value_size)));
    for (size_t r = 0; r < rows.size(); ++r) {
      out.emplace_back();
      for (int head = 0; head < spec_.value_heads; ++head) {
        const auto result = step(rows, r, head, states[static_cast<size_t>(head)]);
        out.back().insert(out.back().end(), result.begin(), result.end());
      }
    }
    return out;
  }

 private:
  // `size` channels after the convolution.
  std::vector<double> convolved(const Rows& rows, size_t row, int first, int size) const {
    std::vector<double> out;
    for (int c = first; c < first + size; ++c) {
      double sum = 0.0;
      for (int tap = 0; tap < spec_.taps; ++tap) {
        const int back = spec_.taps - 1 - tap;
        if (static_cast<size_t>(back) > row) continue;
        sum += double{weights_.taps[static_cast<size_t>(tap * spec_.channels() + c)]} *
               double{rows[row - static_cast<size_t>(back)][static_cast<size_t>(c)]};
      }
      out.push_back(silu(sum));
    }
    return out;
  }

  static void scale_to_unit(std::vector<double>& x) {
    double square = 0.0;
    for (const double value : x) square += value * value;
    for (double& value : x) value /= std::sqrt(square + double{kDeltaLengthEpsilon});
  }

  // S <- kept S (1 - taken k k^T) + taken v k^T, result S q, its norm, its gate.
  std::vector<float> step(const Rows& rows, size_t row, int head, std::vector<double>& state) const {
    const int key_head = spec_.tiled ? head % spec_.key_heads : head * spec_.key_heads / spec_.value_heads;
    std::vector<double> q = convolved(rows, row, key_head * spec_.key_size, spec_.key_size);
    std::vector<double> k =
        convolved(rows, row, (spec_.key_heads + key_head) * spec_.key_size, spec_.key_size);
    const std::vector<double> v = convolved(
        rows, row, 2 * spec_.key_heads * spec_.key_size + head * spec_.value_size, spec_.value_size);
    scale_to_unit(q);
    scale_to_unit(k);
    const auto input = [&](int column) { return double{rows[row][static_cast<size_t>(column)]}; };
    const int gates = spec_.channels() + spec_.value_width();
    const double taken = 1.0 / (1.0 + std::exp(-input(gates + head)));
    const double length =
        std::log1p(std::exp(input(gates + spec_.value_heads + head) + double{weights_.biases[size_t(head)]}));
    const double kept = std::exp(-double{weights_.rates[size_t(head)]} * length);
    std::vector<double> result;
    double square = 0.0;
    for (size_t j = 0; j < v.size(); ++j) {
      double* column = &state[j * k.size()];
      double found = 0.0;
      for (size_t i = 0; i < k.size(); ++i) found += kept * column[i] * k[i];
      double sum = 0.0;
      for (size_t i = 0; i < k.size(); ++i) {
        column[i] = kept * column[i] + taken * (v[j] - found) * k[i];
        sum += column[i] * q[i] / std::sqrt(static_cast<double>(k.size()));
      }
      result.push_back(sum);
      square += sum * sum / static_cast<double>(v.size());
    }
    std::vector<float> out;
    for (size_t j = 0; j < v.size(); ++j) {
      const double gate = silu(input(spec_.channels() + head * spec_.value_size + static_cast<int>(j)));
      out.push_back(static_cast<float>(result[j] / std::sqrt(square + double{spec_.epsilon}) *
                                       double{weights_.norm[j]} * gate));
    }
    return out;
  }

  const DeltaSpec& spec_;
  const DeltaWeights& weights_;
};

// A step of rows [first, end) of texts, each with the state of its number.
struct Piece {
  int32_t text = 0;
  size_t first = 0;
  size_t end = 0;
};
Step step_of(const std::vector<Piece>& pieces) {
  Step step;
  for (const Piece& piece : pieces) {
    for (size_t i = piece.first; i < piece.end; ++i) {
      step.tokens.push_back(0);
      step.positions.push_back(static_cast<int32_t>(i));
      step.tables.push_back(static_cast<int32_t>(step.states.size()));
    }
    step.states.push_back(piece.text);
    step.state_count = std::max(step.state_count, piece.text + 1);
  }
  return step;
}

class Computer {
 public:
  virtual ~Computer() = default;
  virtual Rows run(const Step& step, const Rows& rows) = 0;
};

class ReferenceComputer : public Computer {
 public:
  ReferenceComputer(const DeltaSpec& spec, const DeltaWeights& weights)
      : layer_{spec, weights}, states_(3, std::vector<float>(delta_state_floats(spec), kNeverLookedAt)) {}

  Rows run(const Step& step, const Rows& rows) override {
    const int count = static_cast<int>(rows.size());
    const size_t in_stride = padded_columns(layer_.spec.columns());
    const size_t out_stride = padded_columns(layer_.spec.value_width());
    FloatBuffer inputs(in_stride * rows.size());
    FloatBuffer results(out_stride * rows.size());
    const RowsView in{inputs.data(), in_stride, count};
    const RowsView out{results.data(), out_stride, count};
    for (int r = 0; r < count; ++r) std::ranges::copy(rows[static_cast<size_t>(r)], in.row(r));
    ThreadPool pool(2);
    const auto state = [&](int32_t number) { return states_[static_cast<size_t>(number)].data(); };
    run_delta_rule(layer_, plan_state_runs(step), in, state, out, pool);
    Rows found;
    for (int r = 0; r < count; ++r) found.emplace_back(out.row(r), out.row(r) + layer_.spec.value_width());
    return found;
  }

 private:
  static constexpr float kNeverLookedAt = 1e9F;
  DeltaLayer layer_;
  std::vector<std::vector<float>> states_;
};

class TierComputer : public Computer {
 public:
  TierComputer(const DeltaSpec& spec, const DeltaWeights& weights, const cpu::DeltaKernels& kernels)
      : spec_(spec), workers_(2), layers_(decoder_of(spec), kernels, workers_) {
    const auto tensor_of = [](const std::vector<float>& values, std::vector<int64_t> shape) {
      Tensor tensor;
      tensor.type = TensorType::f32;
      tensor.shape = std::move(shape);
      tensor.data = std::as_bytes(std::span(values));
      return tensor;
    };
    std::vector<float> by_channel;
    for (int channel = 0; channel < spec.channels(); ++channel) {
      for (int tap = 0; tap < spec.taps; ++tap)
        by_channel.push_back(weights.taps[static_cast<size_t>(tap * spec.channels() + channel)]);
    }
    std::vector<float> rates;
    for (const float rate : weights.rates) rates.push_back(spec.log_rates ? std::log(rate) : -rate);
    const Tensor convolution = tensor_of(by_channel, {spec.channels(), spec.taps});
    const Tensor rate_tensor = tensor_of(rates, {spec.value_heads});
    const Tensor bias_tensor = tensor_of(weights.biases, {spec.value_heads});
    const Tensor norm_tensor = tensor_of(weights.norm, {spec.value_size});
    delta_ = layers_.add(spec, {.input = {},
                                .gates = {},
                                .convolution = &convolution,
                                .rates = &rate_tensor,
                                .biases = &bias_tensor,
                                .norm = &norm_tensor});
  }

  // Padding lanes of the input are NaN: nobody may look at them.
  Rows run(const Step& step, const Rows& rows) override {
    const int count = static_cast<int>(rows.size());
    cpu::LaneRows in{.rows = count, .columns = spec_.columns()};
    HugeBuffer inputs(sizeof(float) * cpu::kLanes * static_cast<size_t>(in.groups() * in.columns));
    in.data = reinterpret_cast<float*>(inputs.data());
    for (int lane = 0; lane < in.groups() * cpu::kLanes; ++lane) {
      for (int c = 0; c < in.columns; ++c) {
        in.at(lane / cpu::kLanes, c)[lane % cpu::kLanes] =
            lane < count ? rows[static_cast<size_t>(lane)][static_cast<size_t>(c)]
                         : std::numeric_limits<float>::quiet_NaN();
      }
    }
    cpu::Operand out{
        .rows = count,
        .columns = (spec_.value_width() + cpu::kStepColumns - 1) / cpu::kStepColumns * cpu::kStepColumns};
    HugeBuffer results(out.bytes());
    out.data = results.data();
    layers_.begin(step);
    layers_.run(0, delta_, in, out);
    Rows found;
    for (int r = 0; r < count; ++r) {
      found.emplace_back();
      for (int c = 0; c < spec_.value_width(); ++c)
        found.back().push_back(out.floats_at(r / cpu::kLanes, c)[r % cpu::kLanes]);
    }
    return found;
  }

 private:
  static DecoderSpec decoder_of(const DeltaSpec& spec) {
    DecoderSpec decoder;
    decoder.layers.push_back({.attention = {}, .delta = spec, .kv_layer = kNoKeys});
    return decoder;
  }

  DeltaSpec spec_;
  cpu::Workers workers_;
  cpu::DeltaLayers layers_;
  DeltaId delta_{};
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

class DeltaRule : public testing::TestWithParam<Choice> {
 protected:
  void SetUp() override {
    if (!GetParam().tier) return;
    if (const auto reason = why_unsupported(*GetParam().tier)) GTEST_SKIP() << *reason;
  }
  static std::unique_ptr<Computer> computer(const DeltaSpec& spec, const DeltaWeights& weights) {
    if (!GetParam().tier) return std::make_unique<ReferenceComputer>(spec, weights);
    const cpu::DeltaKernels& kernels = cpu::kernels_of(*GetParam().tier).delta;
    return std::make_unique<TierComputer>(spec, weights, kernels);
  }
};

// Values below, at and above vectors; one tap, which has no window; heads that share a key either way.
const std::array kSpecs{
    DeltaSpec{.key_heads = 2, .value_heads = 6, .key_size = 7, .value_size = 19, .taps = 4, .epsilon = 1e-6F},
    DeltaSpec{
        .key_heads = 3, .value_heads = 3, .key_size = 16, .value_size = 16, .taps = 1, .epsilon = 1e-5F},
    DeltaSpec{.key_heads = 2,
              .value_heads = 4,
              .key_size = 33,
              .value_size = 8,
              .taps = 3,
              .epsilon = 1e-6F,
              .tiled = true,
              .log_rates = false}};

// Sums over keys and rows: some dozens of roundings of results of about 1.
constexpr float kBound = 4e-6F;

void expect_near(const Rows& found, size_t first, const Rows& expected, const Piece& piece) {
  for (size_t i = piece.first; i < piece.end; ++i) {
    const std::vector<float>& row = found[first + i - piece.first];
    for (size_t c = 0; c < row.size(); ++c) {
      ASSERT_NEAR(row[c], expected[i][c], kBound * std::max(1.0F, std::abs(expected[i][c])))
          << "text " << piece.text << ", row " << i << ", column " << c;
    }
  }
}

// Text 0 in two steps; text 1, which is text 0 up to the first step's end, goes on with a copy of its state;
// text 2 stands before them in the second step, alone with its state.
TEST_P(DeltaRule, IsTheRecurrenceWhereverAStepEnds) {
  for (const DeltaSpec& spec : kSpecs) {
    const DeltaWeights weights = random_weights(spec, 5);
    for (const size_t count : {1, 15, 16, 17, 31, 33}) {
      SCOPED_TRACE(testing::Message() << "key size " << spec.key_size << ", " << count << " rows");
      std::array<Rows, 3> texts;
      for (unsigned t = 0; t < texts.size(); ++t)
        texts[t] = random_rows(static_cast<int>(count) + 2, spec.columns(), 11 + t);
      std::copy_n(texts[0].begin(), count, texts[1].begin());
      const std::unique_ptr<Computer> device = computer(spec, weights);
      const auto run = [&](const std::vector<Piece>& pieces, const std::vector<StateFork>& forks) {
        Step step = step_of(pieces);
        step.state_forks = forks;
        step.state_count = 3;
        Rows rows;
        for (const Piece& piece : pieces) {
          const Rows& text = texts[static_cast<size_t>(piece.text)];
          for (size_t i = piece.first; i < piece.end; ++i) rows.push_back(text[i]);
        }
        const Rows found = device->run(step, rows);
        size_t first = 0;
        for (const Piece& piece : pieces) {
          const Rows expected = ExactRule(spec, weights).results(texts[static_cast<size_t>(piece.text)]);
          expect_near(found, first, expected, piece);
          first += piece.end - piece.first;
        }
      };
      run({{0, 0, count}}, {{.row = static_cast<int32_t>(count) - 1, .to = 1}});
      run({{2, 0, count + 2}, {1, count, count + 2}, {0, count, count + 2}}, {});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, DeltaRule, testing::ValuesIn(choices()),
                         [](const auto& choice) { return choice.param.name; });

}  // namespace
}  // namespace sizeup
