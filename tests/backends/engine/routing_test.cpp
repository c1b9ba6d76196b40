#include "backends/engine/routing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sizeup {
namespace {

ExpertSpec spec_of(int count, int used, RouterScoring scoring) {
  ExpertSpec spec;
  spec.count = count;
  spec.used = used;
  spec.scoring = scoring;
  return spec;
}

std::vector<ChosenExpert> choose(const ExpertSpec& spec, const std::vector<float>& outputs,
                                 std::vector<float> bias = {}, std::vector<float> scale = {}) {
  std::vector<ChosenExpert> chosen(static_cast<size_t>(spec.used));
  Routing(spec, std::move(bias), std::move(scale)).choose(outputs, chosen);
  return chosen;
}

std::vector<int> experts_of(const std::vector<ChosenExpert>& chosen) {
  std::vector<int> experts;
  for (const ChosenExpert& one : chosen) experts.push_back(one.expert);
  return experts;
}

const std::vector<float> kOutputs = {0.0F, std::log(4.0F), std::log(2.0F),
                                     0.0F};  // softmax: 1/8, 4/8, 2/8, 1/8

TEST(Routing, SoftmaxOverAllExperts) {
  const auto chosen = choose(spec_of(4, 3, RouterScoring::softmax), kOutputs);
  EXPECT_EQ(experts_of(chosen), (std::vector<int>{1, 2, 0})) << "by weight, equal ones by index";
  EXPECT_FLOAT_EQ(chosen[0].weight, 0.5F);
  EXPECT_FLOAT_EQ(chosen[1].weight, 0.25F);
  EXPECT_FLOAT_EQ(chosen[2].weight, 0.125F);
}

TEST(Routing, WeightsAreNormalisedThenScaled) {
  ExpertSpec spec = spec_of(4, 2, RouterScoring::softmax);
  spec.normalised = true;
  spec.scale = 3.0F;
  const auto chosen = choose(spec, kOutputs);
  EXPECT_FLOAT_EQ(chosen[0].weight, 2.0F);
  EXPECT_FLOAT_EQ(chosen[1].weight, 1.0F);
}

TEST(Routing, SoftmaxOverTheChosenExperts) {
  const auto chosen = choose(spec_of(4, 2, RouterScoring::softmax_chosen), kOutputs);
  EXPECT_EQ(experts_of(chosen), (std::vector<int>{1, 2}));
  EXPECT_FLOAT_EQ(chosen[0].weight, 2.0F / 3.0F);
  EXPECT_FLOAT_EQ(chosen[1].weight, 1.0F / 3.0F);
}

TEST(Routing, ABiasChangesWhoIsChosenButNoWeight) {
  const auto chosen = choose(spec_of(4, 2, RouterScoring::sigmoid), kOutputs, {0.0F, 0.0F, 0.0F, 0.7F});
  EXPECT_EQ(experts_of(chosen), (std::vector<int>{3, 1})) << "0.5 + 0.7, then 0.8";
  EXPECT_FLOAT_EQ(chosen[0].weight, 0.5F);
  EXPECT_FLOAT_EQ(chosen[1].weight, 0.8F);
}

TEST(Routing, GroupsAreChosenBeforeExperts) {
  // Groups {5, 0}, {3, 3}, {4, 1}: by their best one 0 and 2 are open, by the sum of both 1 and then, of
  // equals, 0.
  const std::vector<float> outputs = {5.0F, 0.0F, 3.0F, 3.0F, 4.0F, 1.0F};
  ExpertSpec spec = spec_of(6, 3, RouterScoring::softmax_chosen);
  spec.groups = 3;
  spec.groups_used = 2;
  EXPECT_EQ(experts_of(choose(spec, outputs)), (std::vector<int>{0, 4, 5}));
  spec.group_best = 2;
  EXPECT_EQ(experts_of(choose(spec, outputs)), (std::vector<int>{0, 2, 3}));
  spec.groups_used = 1;
  spec.used = 2;
  EXPECT_EQ(experts_of(choose(spec, outputs)), (std::vector<int>{2, 3}));
}

// A broken model gives NaN, and is not a reason to read beyond the experts.
TEST(Routing, NotANumberIsChosenLast) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const ExpertSpec spec = spec_of(4, 4, RouterScoring::softmax_chosen);
  EXPECT_EQ(experts_of(choose(spec, {kNan, 1.0F, kNan, 2.0F})), (std::vector<int>{3, 1, 0, 2}));
  EXPECT_EQ(experts_of(choose(spec, {kNan, kNan, kNan, kNan})), (std::vector<int>{0, 1, 2, 3}));
}

TEST(Routing, ExpertsHaveScalesOfTheirOwnThatDoNotChoose) {
  ExpertSpec spec = spec_of(4, 2, RouterScoring::softmax);
  spec.normalised = true;
  const auto chosen = choose(spec, kOutputs, {}, {100.0F, 3.0F, 6.0F, 100.0F});
  EXPECT_EQ(experts_of(chosen), (std::vector<int>{1, 2}));
  EXPECT_FLOAT_EQ(chosen[0].weight, 2.0F);
  EXPECT_FLOAT_EQ(chosen[1].weight, 2.0F);
}

}  // namespace
}  // namespace sizeup
