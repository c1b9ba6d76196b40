#include "backends/engine/sampling.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
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
