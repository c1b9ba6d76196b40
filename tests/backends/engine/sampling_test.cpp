#include "backends/engine/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/io/file.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

TEST(Sample, PicksWhatNumpyPicks) {
  const auto text = read_file(SIZEUP_SOURCE_DIR "/tests/golden/sampling.json");
  ASSERT_TRUE(text.has_value());
  const auto cases = parse_json(*text, "sampling.json");
  ASSERT_TRUE(cases.has_value());
  ASSERT_EQ(cases->size(), 28u);
  for (const Json& one : *cases) {
    std::vector<float> logits;
    for (const Json& value : one["logits"]) {
      logits.push_back(value.is_null() ? -std::numeric_limits<float>::infinity() : value.get<float>());
    }
    const Sampling sampling{.temperature = one["temperature"].get<double>(),
                            .top_k = one["top_k"].get<int>(),
                            .top_p = one["top_p"].get<double>(),
                            .min_p = one["min_p"].get<double>(),
                            .seed = one["seed"].get<uint64_t>(),
                            .stream = one["stream"].get<uint64_t>()};
    const auto tokens = one["tokens"].get<std::vector<Token>>();
    for (size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(sample(logits, sampling, i), tokens[i]) << to_line(one) << " position " << i;
    }
  }
}

// Whatever the filters, the top_k most probable tokens decide as the whole distribution does.
TEST(Sample, NeedsNoMoreThanTheTop) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  int picked_low = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logprobs(100);
    for (float& value : logprobs) value = std::round(normal(random) * 4.0F) / 4.0F;  // with ties
    std::vector<TopToken> sorted;
    for (size_t i = 0; i < logprobs.size(); ++i) sorted.push_back({static_cast<Token>(i), logprobs[i]});
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const TopToken& a, const TopToken& b) { return a.logprob > b.logprob; });
    const Sampling sampling{.temperature = 0.5 + 0.01 * round,
                            .top_k = 1 + round % kMostTop,
                            .top_p = round % 3 == 0 ? 0.7 : 1.0,
                            .min_p = round % 5 == 0 ? 0.05 : 0.0,
                            .seed = static_cast<uint64_t>(round),
                            .stream = 7};
    ASSERT_TRUE(top_is_enough(sampling));
    const auto top = std::span(sorted).first(static_cast<size_t>(sampling.top_k));
    for (uint64_t position = 0; position < 5; ++position) {
      const TopToken chosen = sample(top, sampling, position);
      ASSERT_EQ(chosen.token, sample(logprobs, sampling, position)) << round;
      ASSERT_EQ(chosen.logprob, logprobs[static_cast<size_t>(chosen.token)]);
      picked_low += chosen == sorted.front() ? 0 : 1;
    }
  }
  EXPECT_GT(picked_low, 100);
  EXPECT_FALSE(top_is_enough({.temperature = 1.0, .top_k = 0}));
  EXPECT_FALSE(top_is_enough({.temperature = 1.0, .top_k = kMostTop + 1}));
}

TEST(Sample, SurvivesABrokenModel) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Sampling sampling{.temperature = 1.0, .top_k = 3, .top_p = 0.9, .min_p = 0.1};
  EXPECT_EQ(sample(std::array{nan, nan, nan}, sampling, 0), 0);
  EXPECT_EQ(sample(std::array{-infinity, -infinity}, sampling, 0), 0);
  EXPECT_EQ(sample(std::array{-infinity, 1.0F, nan, -infinity}, sampling, 0), 1);
  EXPECT_EQ(sample(std::array{0.5F}, sampling, 3), 0);
}

}  // namespace
}  // namespace sizeup
