// Choosing experts, sorting their rows, and whole mixtures against the host's choice and the reference
// device.
#include "backends/cuda/mixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "backends/cuda/expert_order.h"
#include "backends/cuda/mixture_pack.h"
#include "backends/engine/routing.h"
#include "backends/reference/mixture.h"
#include "tests/cuda/device_rows.h"
#include "tests/support/mixture_variants.h"
#include "tests/support/random_decoder.h"

namespace sizeup::cuda {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(ExpertOrder, IsThatOfTheHostsChoice) {
  const std::vector<std::vector<float>> rows = {{0.5F, 2.0F, 2.0F, -1.0F, 2.0F, 0.25F},
                                                {kNaN, -3.0F, kNaN, -2.0F, kNaN, -2.0F},
                                                {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}};
  const ExpertSpec spec{.count = 6, .used = 5, .scoring = RouterScoring::softmax_chosen, .layers = {}};
  const Routing routing(spec, {});
  for (const std::vector<float>& row : rows) {
    std::vector<ChosenExpert> expected(5);
    routing.choose(row, expected);
    for (const int lanes : {1, 4, 32}) {
      Ranked last;
      for (const ChosenExpert& one : expected) {
        Ranked best;
        for (int lane = 0; lane < lanes; ++lane) {
          const Ranked found = chosen_after(last, row.data(), 6, lane, lanes, nullptr, 1);
          if (chosen_before(found, best)) best = found;
        }
        EXPECT_EQ(best.index, one.expert);
        last = best;
      }
    }
  }
  // The first and last of three groups are closed.
  const std::array closed{true, false, true};
  const std::array values{9.0F, 8.0F, 1.0F, 2.0F, 7.0F, 6.0F};
  const Ranked first = chosen_after({}, values.data(), 6, 0, 1, closed.data(), 2);
  EXPECT_EQ(first.index, 3);
  const Ranked second = chosen_after(first, values.data(), 6, 0, 1, closed.data(), 2);
  EXPECT_EQ(second.index, 2);
  EXPECT_LT(chosen_after(second, values.data(), 6, 0, 1, closed.data(), 2).index, 0);
}

// ---- On a GPU

constexpr int kWidth = 64;
constexpr std::array kRowCounts{1, 2, 15, 16, 17, 31, 33, 200};

// Blocks of 32 divide the experts' widths unless they may be `odd`.
std::vector<MixtureVariant> variants(bool odd) {
  return mixture_variants(odd ? MixtureWidths{25, 89, 23, 87, 23} : MixtureWidths{32, 96, 32, 96, 32});
}

class Mixtures : public OnGpu {};

TEST_F(Mixtures, ChooseAsTheHostDoes) {
  for (const MixtureVariant& variant : variants(false)) {
    const ExpertSpec& spec = variant.spec;
    std::vector<float> bias;
    if (variant.biases.selection) bias = random_rows(1, spec.count, 7)[0];
    const std::vector<float> expert_scale = random_rows(1, spec.count, 8)[0];
    const Routing routing(spec, bias, expert_scale);
    const DeviceArray<float> bias_there(bias);
    const DeviceArray<float> scale_there(expert_scale);
    RouterView view = router_view(spec);
    if (!bias.empty()) view.selection_bias = bias_there.data();
    view.expert_scale = scale_there.data();
    for (const int rows : kRowCounts) {
      SCOPED_TRACE(testing::Message() << variant.name << ", " << rows << " rows");
      HostRows outputs = random_rows(rows, spec.count + (spec.shared_gated ? 1 : 0), 9, 2.0F);
      for (int e = 0; e < spec.count; ++e) outputs[0][static_cast<size_t>(e)] = 0.5F;  // ties
      const DeviceRows there(outputs);
      const DeviceArray<int32_t> experts(static_cast<size_t>(rows * spec.used));
      const DeviceArray<float> weights(static_cast<size_t>(rows * view.parts()));
      choose_experts(view, there.in(), experts.data(), weights.data(), nullptr);
      const std::vector<int32_t> found = experts.read();
      const std::vector<float> found_weights = weights.read();
      std::vector<ChosenExpert> expected(static_cast<size_t>(spec.used));
      for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
        routing.choose(std::span(outputs[r]).first(static_cast<size_t>(spec.count)), expected);
        const float* weight = &found_weights[r * static_cast<size_t>(view.parts())];
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(found[r * expected.size() + i], expected[i].expert) << "row " << r;
          // A sum of at most 12 terms, some roundings, and e^x of both.
          ASSERT_NEAR(weight[i], expected[i].weight, 40 * 0x1p-24 * std::abs(expected[i].weight));
        }
        if (spec.shared_width == 0) continue;
        const float shared = spec.shared_gated ? sigmoid(outputs[r].back()) : 1.0F;
        ASSERT_NEAR(weight[spec.used], shared, 8 * 0x1p-24);
      }
    }
  }
}

TEST_F(Mixtures, RowsAreSortedByExpertAndStayInOrder) {
  for (const int experts : {1, 9, 300}) {
    for (const int rows : {1, 17, 33, 700}) {
      SCOPED_TRACE(testing::Message() << experts << " experts, " << rows << " rows");
      constexpr int kUsed = 3;
      constexpr int kTileRows = 8;
      std::mt19937 random(static_cast<unsigned>(rows));
      std::vector<int32_t> chosen;
      for (int i = 0; i < rows * kUsed; ++i)
        chosen.push_back(static_cast<int32_t>(random() % static_cast<unsigned>(experts)) / 2 *
                         2);                      // odd ones: empty
      std::vector<int32_t> order(chosen.size());  // uses by slot
      std::iota(order.begin(), order.end(), 0);
      std::ranges::stable_sort(order, {}, [&](int32_t use) { return chosen[static_cast<size_t>(use)]; });
      const auto count = static_cast<size_t>(experts);
      const DeviceArray<int32_t> there(chosen);
      const DeviceArray<int32_t> counts(count);
      const DeviceArray<int32_t> begin(count + 1);
      const DeviceArray<int32_t> tile_begin(count + 1);
      const DeviceArray<int32_t> row_of(chosen.size());
      const DeviceArray<int32_t> slot_of(chosen.size());
      sort_by_expert(there.data(), rows, kUsed, experts, kTileRows,
                     {counts.data(), begin.data(), tile_begin.data(), row_of.data(), slot_of.data()},
                     nullptr);
      std::vector<int32_t> begins = {0};
      std::vector<int32_t> tiles = {0};
      for (int e = 0; e < experts; ++e) {
        const auto own = static_cast<int32_t>(std::ranges::count(chosen, e));
        begins.push_back(begins.back() + own);
        tiles.push_back(tiles.back() + (own + kTileRows - 1) / kTileRows);
      }
      EXPECT_EQ(begin.read(), begins);
      EXPECT_EQ(tile_begin.read(), tiles);
      std::vector<int32_t> rows_of_slots;
      std::vector<int32_t> slots_of_uses(chosen.size());
      for (size_t slot = 0; slot < order.size(); ++slot) {
        rows_of_slots.push_back(order[slot] / kUsed);
        slots_of_uses[static_cast<size_t>(order[slot])] = static_cast<int32_t>(slot);
      }
      EXPECT_EQ(row_of.read(), rows_of_slots);
      EXPECT_EQ(slot_of.read(), slots_of_uses);
    }
  }
}

struct Kind {
  Precision precision;
  TensorType weights;
};
constexpr std::array kKinds{
    Kind{Precision::float32, TensorType::f32}, Kind{Precision::float32, TensorType::q8_0},
    Kind{Precision::bfloat16, TensorType::f32}, Kind{Precision::bfloat16, TensorType::q8_0}};

HostRows reference_sums(const ExpertSpec& spec, const MixtureTensors& tensors, const HostRows& in) {
  const size_t stride = padded_columns(kWidth);
  const int count = static_cast<int>(in.size());
  FloatBuffer inputs(stride * in.size());
  FloatBuffer sums(stride * in.size());
  const RowsView from{inputs.data(), stride, count};
  const RowsView to{sums.data(), stride, count};
  for (int r = 0; r < count; ++r) std::ranges::copy(in[static_cast<size_t>(r)], from.row(r));
  ThreadPool pool(1);
  sizeup::Mixture(spec, tensors).add(from, from, Activation::silu, to, pool);
  HostRows out;
  for (int r = 0; r < count; ++r) out.emplace_back(to.row(r), to.row(r) + kWidth);
  return out;
}

// What a mixture adds to zeros.
class OnDevice {
 public:
  OnDevice(const ExpertSpec& spec, const MixtureTensors& tensors, Precision precision)
      : pack_(spec, tensors, precision), bytes_(written(pack_)), view_(pack_.view(bytes_.data())) {}

  HostRows sums(const HostRows& in) const {
    const int count = static_cast<int>(in.size());
    const DeviceRows from(in);
    const DeviceRows to(HostRows(in.size(), std::vector<float>(kWidth, 0.0F)));
    const DeviceArray<std::byte> scratch(
        std::vector<std::byte>(mixture_scratch_bytes(view_, count), std::byte{0xFF}));
    mixture_add(view_, from.in(), from.in(), Activation::silu, to.values(), scratch.data(), nullptr);
    return to.read();
  }

 private:
  static std::vector<std::byte> written(const MixturePack& pack) {
    std::vector<std::byte> bytes(pack.bytes());
    pack.write(bytes.data());
    return bytes;
  }
  MixturePack pack_;
  DeviceArray<std::byte> bytes_;
  MixtureView view_;
};

// float32: the same sums in another order, of at most 96 products. bfloat16: factors of three products are
// rounded to 8 bits (2^-9 of each value, at random); who is chosen must not differ at all, which would be an
// error of its size.
void expect_close(const HostRows& found, const HostRows& expected, Precision precision) {
  const double bound = precision == Precision::float32 ? 1e-5 : 3e-2;
  for (size_t r = 0; r < expected.size(); ++r) {
    double error = 0.0;
    double size = 0.0;
    for (size_t c = 0; c < kWidth; ++c) {
      error += std::pow(double{found[r][c]} - double{expected[r][c]}, 2.0);
      size += std::pow(double{expected[r][c]}, 2.0);
    }
    ASSERT_LE(std::sqrt(error), bound * std::sqrt(size)) << "row " << r;
  }
}

TEST_F(Mixtures, AgreeWithTheReferenceForAnyRowsAndRouting) {
  for (const Kind& kind : kKinds) {
    for (const MixtureVariant& variant : variants(kind.weights == TensorType::f32)) {
      RandomDecoder random({}, kind.weights, 7);
      const MixtureTensors tensors = random.mixture(variant.spec, kWidth, variant.biases);
      const OnDevice device(variant.spec, tensors, kind.precision);
      for (const int rows : kRowCounts) {
        SCOPED_TRACE(testing::Message()
                     << precision_name(kind.precision) << ", " << variant.name << ", " << rows);
        const HostRows in = random_rows(rows, kWidth, 3);
        expect_close(device.sums(in), reference_sums(variant.spec, tensors, in), kind.precision);
      }
    }
  }
}

TEST_F(Mixtures, ARowsBitsAreThoseOfTheRowAlone) {
  for (const Kind& kind : kKinds) {
    for (const MixtureVariant& variant : variants(kind.weights == TensorType::f32)) {
      RandomDecoder random({}, kind.weights, 8);
      const MixtureTensors tensors = random.mixture(variant.spec, kWidth, variant.biases);
      const OnDevice device(variant.spec, tensors, kind.precision);
      const HostRows in = random_rows(75, kWidth, 4);
      const HostRows together = device.sums(in);
      for (size_t r = 0; r < in.size(); r += 7) {
        SCOPED_TRACE(testing::Message()
                     << precision_name(kind.precision) << ", " << variant.name << ", row " << r);
        expect_same(device.sums({in[r]}), {together[r]});
      }
    }
  }
}

TEST_F(Mixtures, MoreRowsThanAreComputedAtOnce) {
  const MixtureVariant variant = variants(true)[5];
  RandomDecoder random({}, TensorType::f32, 9);
  const MixtureTensors tensors = random.mixture(variant.spec, kWidth, variant.biases);
  const OnDevice device(variant.spec, tensors, Precision::bfloat16);
  const HostRows in = random_rows(kMixtureRows + 3, kWidth, 5);
  const HostRows together = device.sums(in);
  for (const size_t r : {size_t{0}, size_t{kMixtureRows - 1}, size_t{kMixtureRows}, size_t{kMixtureRows + 2}})
    expect_same(device.sums({in[r]}), {together[r]});
}

}  // namespace
}  // namespace sizeup::cuda
