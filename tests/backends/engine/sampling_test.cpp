#include "backends/engine/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "core/io/file.h"
#include "core/json/json.h"
#include "core/random/counter_random.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

TEST(Sample, PicksWhatNumpyPicks) {
  const auto text = read_file(golden_folder() / "sampling.json");
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

// The definition in sampling.h, with everything sorted.
Token sample_by_sorting(std::span<const float> logits, const Sampling& sampling, uint64_t position) {
  struct Weighed {
    size_t token;
    double weight;
  };
  const auto maximum = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  std::vector<Weighed> left;
  for (size_t i = 0; i < logits.size(); ++i) {
    left.push_back({i, std::exp((static_cast<double>(logits[i]) - maximum) / sampling.temperature)});
  }
  const auto total = [&] {
    double sum = 0.0;
    for (const Weighed& one : left) sum += one.weight;
    return sum;
  };
  const auto keep = [&](auto&& enough) {
    std::stable_sort(left.begin(), left.end(),
                     [](const Weighed& a, const Weighed& b) { return a.weight > b.weight; });
    double sum = 0.0;
    size_t count = 0;
    while (count < left.size() && !enough(count, sum)) sum += left[count++].weight;
    left.resize(count);
    std::sort(left.begin(), left.end(), [](const Weighed& a, const Weighed& b) { return a.token < b.token; });
  };
  const auto top_k = static_cast<size_t>(sampling.top_k);
  if (top_k > 0) keep([&](size_t count, double) { return count == top_k; });
  const double nucleus = sampling.top_p * total();
  if (sampling.top_p < 1.0) keep([&](size_t count, double sum) { return count > 0 && sum >= nucleus; });
  std::erase_if(left, [&](const Weighed& one) { return one.weight < sampling.min_p; });
  const double point = uniform(sampling.seed, sampling.stream, position) * total();
  double sum = 0.0;
  for (const Weighed& one : left) {
    sum += one.weight;
    if (sum > point) return static_cast<Token>(one.token);
  }
  return static_cast<Token>(left.back().token);
}

TEST(Sample, SortsNoMoreThanNeededAndChoosesTheSame) {
  std::mt19937 random(2);
  std::map<Token, int> chosen;
  for (int round = 0; round < 120; ++round) {
    // From a few probable tokens to nearly all of them, with ties.
    std::normal_distribution<float> normal(0.0F, 0.25F * static_cast<float>(1 + round % 12));
    std::vector<float> logits(20000);
    for (float& value : logits) value = std::round(normal(random) * 64.0F) / 64.0F;
    const Sampling sampling{.temperature = 0.5 + 0.01 * round,
                            .top_k = round % 4 == 0 ? 500 : 0,
                            .top_p = round % 3 == 0 ? 1.0 : 0.3 + 0.005 * round,
                            .min_p = round % 5 == 0 ? 0.02 : 0.0,
                            .seed = static_cast<uint64_t>(round),
                            .stream = 8};
    for (uint64_t position = 0; position < 3; ++position) {
      const Token token = sample(logits, sampling, position);
      ASSERT_EQ(token, sample_by_sorting(logits, sampling, position)) << round;
      ++chosen[token];
    }
  }
  EXPECT_GT(chosen.size(), 100u);
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
