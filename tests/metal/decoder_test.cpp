// Whole decoders on the Metal device, its kernels on the host: what every device promises
// (tests/backends/engine/reproducible_test.cpp), with fewer requests.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "backends/engine/decoder.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/reference/reference_device.h"
#include "tests/backends/engine/decoder_shapes.h"
#include "tests/backends/engine/random_requests.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/metal/metal_devices.h"

namespace sizeup::metal_shim {
namespace {

constexpr int kAmple = 100000;

std::vector<TokenOutcome> run(Decoder& decoder, const PlanLimits& limits,
                              const std::vector<TokenRequest>& requests) {
  PlanLimits all = limits;
  all.state_pages = state_pages(decoder.device().traits());
  all.earlier_tokens = decoder.spec().earlier_tokens;
  Plan plan(all);
  return TokenRunner([&](const Step& step, StepResult& result) { decoder.run(step, result); })
      .run(plan, requests);
}

Decoder decoder_of(const RandomDecoder& random, const ShimOptions& shim) {
  return Decoder(random.model(), std::move(*make_device(random.model(), shim)));
}

// Steps, order of requests and of threads, sharing, memory and drafts do not matter.
void expect_same_bits(const Shape& shape, TensorType weights, Random& random, bool matrices = true) {
  const RandomDecoder model(shape.spec, weights, 5, shape.extras);
  const std::vector<TokenRequest> requests = random_requests(random, 4);
  Decoder ascending = decoder_of(model, {.order = Order::ascending, .matrices = matrices});
  Decoder descending = decoder_of(model, {.order = Order::descending, .matrices = matrices});
  const auto expected = run(ascending, {.max_rows = 512, .pages = kAmple}, requests);
  std::vector<TokenRequest> shuffled;
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  for (const size_t r : order) shuffled.push_back(requests[r]);
  const auto outcomes =
      run(descending, {.max_rows = 20, .pages = 1, .share_prefixes = false, .weight_rows = 8}, shuffled);
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(outcomes[i], expected[order[i]]);
}

// float32: sums in another order, about a hundred roundings of values up to about ten.
void expect_near_reference(const Shape& shape, TensorType weights, Random& random, bool matrices = true) {
  const RandomDecoder model(shape.spec, weights, 5, shape.extras);
  std::vector<Token> tokens;
  for (int i = 0; i < 100; ++i) tokens.push_back(random.below(kVocabulary));
  const std::vector<TokenRequest> requests = {score_request(tokens, 1)};
  Decoder computing = decoder_of(model, {.matrices = matrices});
  Decoder reference(model.model(), std::move(*make_reference_device(model.model(), {})));
  const PlanLimits limits{.max_rows = 512, .pages = kAmple};
  const auto found = run(computing, limits, requests)[0].logprobs;
  const auto expected = run(reference, limits, requests)[0].logprobs;
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-4F) << i;
}

class MetalDecoder : public testing::TestWithParam<TensorType> {};

TEST_P(MetalDecoder, BitsDoNotDependOnStepsOrderSharingMemoryOrDrafts) {
  Random random(21);
  for (const Shape& shape : shapes(GetParam())) expect_same_bits(shape, GetParam(), random);
}

TEST_P(MetalDecoder, AgreesWithTheReference) {
  Random random(23);
  for (const Shape& shape : shapes(GetParam())) expect_near_reference(shape, GetParam(), random);
}

INSTANTIATE_TEST_SUITE_P(Weights, MetalDecoder,
                         testing::Values(TensorType::f32, TensorType::q8_0, TensorType::q4_k),
                         [](const auto& type) { return std::string(block_format(type.param).name); });

// More heads than a tile of attention has lines share a key/value head; a head has more columns than a group
// of threads sums.
TEST(MetalAttention, ManyHeadsShareKeysAndHeadsAreWide) {
  Random random(27);
  expect_same_bits({small_spec(9, 1, 10, 20, 24)}, TensorType::f32, random);
  expect_near_reference({small_spec(9, 1, 10, 20, 24)}, TensorType::f32, random);
  DecoderSpec wide = small_spec(2, 1, metal_kernels::kHeadColumns + 37, 20, 24);
  wide.layers.resize(1);
  expect_near_reference({wide}, TensorType::f32, random);
  expect_near_reference({wide}, TensorType::f32, random, false);
}

// A mixture of experts, on a GPU whose simdgroups hold no matrices.
TEST(MetalWithoutMatrices, BitsAndValuesAreAsTheyShould) {
  Random random(25);
  const Shape& shape = shapes(TensorType::f32)[3];
  expect_same_bits(shape, TensorType::f32, random, false);
  expect_near_reference(shape, TensorType::f32, random, false);
}

// Probabilities of the best, of targets, and of everything.
TEST(MetalHead, GivesWhatAStepAsksFor) {
  const Shape& shape = shapes(TensorType::f32)[1];  // with a bias and a cap
  const RandomDecoder model(shape.spec, TensorType::f32, 5, shape.extras);
  Decoder reference(model.model(), std::move(*make_reference_device(model.model(), {})));
  for (const auto& [name, order] : kOrders) {
    Decoder computing(model.model(), std::move(*make_device(model.model(), order)));
    Step step;
    for (int i = 0; i < 70; ++i) {  // more rows than logits are held of
      step.tokens.push_back(i % 7);
      step.positions.push_back(i);
      step.tables.push_back(0);
      step.writes.push_back({.row = i, .page = i / kPagePositions, .offset = i % kPagePositions});
      WantedRow wanted{.row = i, .target_begin = static_cast<int>(step.targets.size())};
      for (wanted.target_count = 0; wanted.target_count < i % 4; ++wanted.target_count)
        step.targets.push_back((7 * i + wanted.target_count) % kVocabulary);
      wanted.top_count = i % 3 == 0 ? 0 : i % kVocabulary;
      wanted.distribution = i % 5 == 1;
      step.wanted.push_back(wanted);
    }
    step.table_begin = {0, 2};
    step.pages = {0, 1};
    step.page_count = 2;
    StepResult found;
    StepResult expected;
    computing.run(step, found);
    reference.run(step, expected);
    EXPECT_EQ(found.best, expected.best);
    const auto expect_near = [](const std::vector<float>& values, const std::vector<float>& others) {
      ASSERT_EQ(values.size(), others.size());
      for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], others[i], 2e-4F) << i;
    };
    expect_near(found.best_logprobs, expected.best_logprobs);
    expect_near(found.target_logprobs, expected.target_logprobs);
    expect_near(found.distributions, expected.distributions);
    ASSERT_EQ(found.top.size(), expected.top.size());
    for (size_t i = 0; i < found.top.size(); ++i) {
      EXPECT_EQ(found.top[i].token, expected.top[i].token) << i;
      EXPECT_NEAR(found.top[i].logprob, expected.top[i].logprob, 2e-4F);
    }
  }
}

}  // namespace
}  // namespace sizeup::metal_shim
