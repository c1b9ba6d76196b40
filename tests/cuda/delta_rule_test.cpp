// Gated delta rules on a GPU against the reference device's, and their plan against what it must be.
#include "backends/cuda/delta_rule.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "backends/reference/delta_rule.h"
#include "tests/cuda/device_rows.h"

namespace sizeup::cuda {
namespace {

// Rows [first, end) of a text, whose state has its number.
struct Piece {
  int32_t text = 0;
  int first = 0;
  int end = 0;
};

Step step_of(const std::vector<Piece>& pieces, const std::vector<StateFork>& forks) {
  Step step;
  for (const Piece& piece : pieces) {
    for (int i = piece.first; i < piece.end; ++i) {
      step.tokens.push_back(0);
      step.positions.push_back(i);
      step.tables.push_back(static_cast<int32_t>(step.states.size()));
    }
    step.states.push_back(piece.text);
  }
  step.state_forks = forks;
  step.state_count = 4;
  return step;
}

TEST(DeltaPlan, InputsComeFromRowsStatesAndZeros) {
  constexpr int kKept = 2;
  // Text 0 from its begin; its state after row 2 is text 1's, which goes on; text 2 goes on with one row.
  const Step step = step_of({{0, 0, 3}, {1, 3, 4}, {2, 5, 6}}, {{.row = 2, .to = 1}});
  const StateRuns runs = plan_state_runs(step);
  const DeltaPlan plan(runs, step.rows(), kKept + 1);
  const DeltaPlanView view = plan.view(plan.words().data());
  const std::vector<int32_t> sources(view.sources, view.sources + step.rows() * kKept);
  const int32_t oldest = kept_source(2, 0, kKept);
  const int32_t newest = kept_source(2, 1, kKept);
  EXPECT_EQ(kept_state(oldest, kKept), 2);
  EXPECT_EQ(kept_slot(oldest, kKept), 0);
  EXPECT_EQ(kept_state(newest, kKept), 2);
  EXPECT_EQ(kept_slot(newest, kKept), 1);
  EXPECT_EQ(sources,
            (std::vector<int32_t>{kZeroSource, kZeroSource, kZeroSource, 0, 0, 1, 1, 2, oldest, newest}));
  ASSERT_EQ(view.windows, 3);
  EXPECT_EQ(std::vector<int32_t>(view.window_states, view.window_states + 3),
            (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(std::vector<int32_t>(view.window_sources, view.window_sources + 6),
            (std::vector<int32_t>{1, 2, 2, 3, newest, 4}));
  ASSERT_EQ(view.chains, runs.chains());
  for (size_t i = 0; i < runs.chain_begin.size(); ++i) EXPECT_EQ(view.chain_begin[i], runs.chain_begin[i]);
  for (size_t i = 0; i < runs.runs.size(); ++i) {
    EXPECT_EQ(view.runs[i].state, runs.runs[i].state);
    EXPECT_EQ(view.runs[i].first_row, runs.runs[i].first_row);
    EXPECT_EQ(view.runs[i].rows, runs.runs[i].rows);
    EXPECT_EQ(view.runs[i].from_zero, runs.runs[i].from_zero);
    EXPECT_EQ(view.runs[i].end_fork, runs.runs[i].end_fork);
  }
  EXPECT_EQ(view.forks[0], 1);
}

TEST(DeltaPlan, OneTapKeepsNothing) {
  const Step step = step_of({{0, 0, 3}}, {});
  const DeltaPlan plan(plan_state_runs(step), step.rows(), 1);
  EXPECT_EQ(plan.view(plan.words().data()).windows, 0);
}

TEST(DeltaKeys, FillLanesOfFloatFours) {
  for (int size = 1; size <= kMostDeltaKeys; ++size) {
    EXPECT_GE(delta_keys(size), size);
    EXPECT_EQ(delta_lane_keys(size) % 4, 0);
  }
}

// ---- On a GPU

// Keys of each kernel; one tap, which has no window; heads that share a key either way.
const std::array kSpecs{
    DeltaSpec{.key_heads = 2, .value_heads = 6, .key_size = 7, .value_size = 19, .taps = 4, .epsilon = 1e-6F},
    DeltaSpec{
        .key_heads = 3, .value_heads = 3, .key_size = 128, .value_size = 128, .taps = 1, .epsilon = 1e-5F},
    DeltaSpec{.key_heads = 2,
              .value_heads = 4,
              .key_size = 129,
              .value_size = 8,
              .taps = 3,
              .epsilon = 1e-6F,
              .tiled = true,
              .log_rates = false}};

DeltaWeights random_weights(const DeltaSpec& spec) {
  const auto values = [](int count, unsigned seed) { return random_rows(1, count, seed)[0]; };
  DeltaWeights weights{.taps = values(spec.taps * spec.channels(), 1),
                       .rates = values(spec.value_heads, 2),
                       .biases = values(spec.value_heads, 3),
                       .norm = values(spec.value_size, 4)};
  for (float& rate : weights.rates) rate = std::abs(rate);
  return weights;
}

constexpr int kStates = 4;
constexpr float kNeverLookedAt = 1e9F;

class ReferenceRule {
 public:
  ReferenceRule(const DeltaSpec& spec, const DeltaWeights& weights)
      : layer_{spec, weights},
        states_(kStates, std::vector<float>(sizeup::delta_state_floats(spec), kNeverLookedAt)) {}

  HostRows run(const Step& step, const HostRows& rows) {
    const int count = static_cast<int>(rows.size());
    const size_t in_stride = padded_columns(layer_.spec.columns());
    const size_t out_stride = padded_columns(layer_.spec.value_width());
    FloatBuffer inputs(in_stride * rows.size());
    FloatBuffer results(out_stride * rows.size());
    const RowsView in{inputs.data(), in_stride, count};
    const RowsView out{results.data(), out_stride, count};
    for (int r = 0; r < count; ++r) std::ranges::copy(rows[static_cast<size_t>(r)], in.row(r));
    ThreadPool pool(1);
    const auto state = [&](int32_t number) { return states_[static_cast<size_t>(number)].data(); };
    run_delta_rule(layer_, plan_state_runs(step), in, state, out, pool);
    HostRows found;
    for (int r = 0; r < count; ++r) found.emplace_back(out.row(r), out.row(r) + layer_.spec.value_width());
    return found;
  }

 private:
  DeltaLayer layer_;
  std::vector<std::vector<float>> states_;
};

class DeviceRule {
 public:
  DeviceRule(const DeltaSpec& spec, const DeltaWeights& weights)
      : spec_(spec),
        taps_(weights.taps),
        rates_(weights.rates),
        biases_(weights.biases),
        norm_(weights.norm),
        stride_(cuda::delta_state_floats(spec) + 16),
        states_(std::vector<float>(static_cast<size_t>(stride_ * kStates), kNeverLookedAt)) {}

  HostRows run(const Step& step, const HostRows& rows, Precision precision = Precision::float32) {
    const DeltaPlan plan(plan_state_runs(step), step.rows(), spec_.taps);
    const DeviceArray<int32_t> words(plan.words());
    const DeviceRows in(rows);
    const DeviceRows out(step.rows(), spec_.value_width(), precision);
    const DeltaPlanView view = plan.view(words.data());
    const DeviceArray<std::byte> scratch(
        std::vector<std::byte>(delta_scratch_bytes(spec_, step.rows(), view.windows), std::byte{0xFF}));
    delta_rule({spec_, taps_.data(), rates_.data(), biases_.data(), norm_.data()}, view, in.in(),
               {states_.data(), stride_}, out.operand(), scratch.data(), nullptr);
    return out.read();
  }

 private:
  DeltaSpec spec_;
  DeviceArray<float> taps_, rates_, biases_, norm_;
  int64_t stride_;
  DeviceArray<float> states_;
};

// Sums over keys and rows: some dozens of roundings of results of about 1 on either device.
constexpr float kBound = 8e-6F;

void expect_near(const HostRows& found, const HostRows& expected) {
  for (size_t r = 0; r < expected.size(); ++r) {
    for (size_t c = 0; c < expected[r].size(); ++c) {
      ASSERT_NEAR(found[r][c], expected[r][c], kBound * std::max(1.0F, std::abs(expected[r][c])))
          << "row " << r << ", column " << c;
    }
  }
}

HostRows rows_of(const std::array<HostRows, kStates>& texts, const std::vector<Piece>& pieces) {
  HostRows rows;
  for (const Piece& piece : pieces) {
    for (int i = piece.first; i < piece.end; ++i)
      rows.push_back(texts[static_cast<size_t>(piece.text)][static_cast<size_t>(i)]);
  }
  return rows;
}

class DeltaRule : public OnGpu {};

// Text 0 in two steps; texts 1 and 3, which are text 0 up to the first step's end, go on with copies of its
// state, text 3 in the same step; text 2 stands before them in the second step.
TEST_F(DeltaRule, AgreesWithTheReferenceWhereverAStepEnds) {
  for (const DeltaSpec& spec : kSpecs) {
    const DeltaWeights weights = random_weights(spec);
    for (const int count : {1, 15, 16, 17, 31, 33}) {
      SCOPED_TRACE(testing::Message() << "key size " << spec.key_size << ", " << count << " rows");
      std::array<HostRows, kStates> texts;
      for (unsigned t = 0; t < texts.size(); ++t) texts[t] = random_rows(count + 2, spec.columns(), 11 + t);
      ReferenceRule reference(spec, weights);
      DeviceRule device(spec, weights);
      const std::array<std::vector<Piece>, 2> steps = {
          std::vector<Piece>{{0, 0, count}, {3, count, count + 1}},
          {{2, 0, count + 2}, {1, count, count + 2}, {0, count, count + 2}, {3, count + 1, count + 2}}};
      const std::vector<StateFork> forks = {{.row = count - 1, .to = 1}, {.row = count - 1, .to = 3}};
      for (size_t s = 0; s < steps.size(); ++s) {
        const Step step = step_of(steps[s], s == 0 ? forks : std::vector<StateFork>{});
        const HostRows rows = rows_of(texts, steps[s]);
        expect_near(device.run(step, rows), reference.run(step, rows));
      }
    }
  }
}

TEST_F(DeltaRule, BitsDependNeitherOnStepsNorOnOtherRows) {
  for (const DeltaSpec& spec : kSpecs) {
    const DeltaWeights weights = random_weights(spec);
    constexpr int kRows = 33;
    std::array<HostRows, kStates> texts;
    for (unsigned t = 0; t < texts.size(); ++t) texts[t] = random_rows(kRows, spec.columns(), 21 + t);
    const HostRows whole =
        DeviceRule(spec, weights).run(step_of({{0, 0, kRows}}, {}), rows_of(texts, {{0, 0, kRows}}));
    const HostRows rounded =
        DeviceRule(spec, weights)
            .run(step_of({{0, 0, kRows}}, {}), rows_of(texts, {{0, 0, kRows}}), Precision::bfloat16);
    expect_same(rounded, rounded_to_bfloat16(whole));
    DeviceRule parts(spec, weights);
    HostRows found;
    for (const auto& [first, end] : {std::pair{0, 1}, {1, 3}, {3, 17}, {17, kRows}}) {
      const std::vector<Piece> pieces = {{1, first, end}, {0, first, end}, {2, first, end}};
      const HostRows all = parts.run(step_of(pieces, {}), rows_of(texts, pieces));
      const auto begin = all.begin() + (end - first);
      found.insert(found.end(), begin, begin + (end - first));
    }
    SCOPED_TRACE(testing::Message() << "key size " << spec.key_size);
    expect_same(found, whole);
  }
}

}  // namespace
}  // namespace sizeup::cuda
