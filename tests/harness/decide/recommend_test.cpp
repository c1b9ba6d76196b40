#include "harness/decide/recommend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

PairedDifference difference(double value, double half, int64_t n = 500) {
  PairedDifference d;
  d.difference = value;
  d.lo = value - half;
  d.hi = value + half;
  d.n = n;
  d.variance = 0.1;
  return d;
}

ModelFacts model(const char* name, int64_t parameters, double accuracy, const PairedDifference& against) {
  ModelFacts facts;
  facts.name = name;
  facts.parameters = parameters;
  facts.bytes = facts.memory_bytes = parameters;
  facts.accuracy = {accuracy, accuracy - 0.02, accuracy + 0.02, 500};
  facts.scores = {facts.accuracy};
  facts.against_best = {against};
  return facts;
}

// Best first; the middle one is good enough at a margin of 5 points, the tiny one is not.
Candidates three() {
  Candidates out;
  out.tasks = {{"helpdesk", "acc", "acc", true, 0.05}};
  out.models = {model("large", 7'000, 0.90, difference(0, 0)),
                model("middle", 1'000, 0.89, difference(-0.01, 0.02)),
                model("tiny", 100, 0.80, difference(-0.10, 0.03))};
  return out;
}

const Judged& only(const Recommendation& result, size_t model, RequirementKind kind) {
  for (const Judged& judged : result.models[model].requirements) {
    if (judged.kind == kind) return judged;
  }
  throw std::runtime_error("no such requirement");
}

TEST(Recommend, TheSmallestThatIsShownToBeEnough) {
  const Recommendation result = recommend(three(), {});
  EXPECT_EQ(result.chosen, 1);
  EXPECT_EQ(result.smallest, 1);
  EXPECT_EQ(result.models[0].overall, Fit::met);  // the best is no worse than itself
  EXPECT_EQ(only(result, 0, RequirementKind::non_inferior).fit, Fit::exempt);
  EXPECT_EQ(result.models[2].overall, Fit::not_met);
  EXPECT_EQ(result.cheapest, -1);  // no price is known
}

TEST(Recommend, AnIntervalAcrossTheMarginIsNoYes) {
  Candidates candidates = three();
  candidates.models[1].against_best = {difference(-0.03, 0.04)};
  const Recommendation result = recommend(candidates, {});
  EXPECT_EQ(result.models[1].overall, Fit::open);
  EXPECT_GT(only(result, 1, RequirementKind::non_inferior).more.value_or(0), 0);
  EXPECT_EQ(result.chosen, 0);
  candidates.models[1].against_best = {PairedDifference{}};  // not run on the task
  EXPECT_EQ(only(recommend(candidates, {}), 1, RequirementKind::non_inferior).fit, Fit::unknown);
}

TEST(Recommend, MinimumIsClearedByTheIntervalAlone) {
  Requirements r;
  r.minimum = 0.88;
  r.minimums["helpdesk"] = 0.875;
  const Candidates candidates = three();
  const Recommendation result = recommend(candidates, r);
  EXPECT_EQ(only(result, 0, RequirementKind::minimum).limit, 0.875);    // a task's own goes first
  EXPECT_EQ(only(result, 0, RequirementKind::minimum).fit, Fit::met);   // 0.88 to 0.92
  EXPECT_EQ(only(result, 1, RequirementKind::minimum).fit, Fit::open);  // 0.87 to 0.91
  EXPECT_EQ(only(result, 2, RequirementKind::minimum).fit, Fit::not_met);
}

TEST(Recommend, TimesNeedEnoughQueries) {
  Requirements r;
  r.p95_ms = 500;
  r.prefer = Preference::fastest;
  Candidates candidates = three();
  for (ModelFacts& facts : candidates.models) {
    facts.p95_ms = {300, 280, 320, 200};
    facts.p95_supported = true;
    facts.p95_needed = 130;
  }
  candidates.models[0].p95_ms = {900, 850, 990, 200};
  Recommendation result = recommend(candidates, r);
  EXPECT_EQ(only(result, 0, RequirementKind::p95).fit, Fit::not_met);
  EXPECT_EQ(result.fastest, 1);
  EXPECT_EQ(result.chosen, 1);
  candidates.models[1].p95_ms.n = 50;
  candidates.models[1].p95_supported = false;
  result = recommend(candidates, r);
  EXPECT_EQ(only(result, 1, RequirementKind::p95).fit, Fit::open);
  EXPECT_EQ(only(result, 1, RequirementKind::p95).more, 80);
  EXPECT_EQ(result.chosen, -1);
  candidates.models[1].p95_ms = {};
  EXPECT_EQ(only(recommend(candidates, r), 1, RequirementKind::p95).fit, Fit::unknown);
}

TEST(Recommend, MoneyInOneCurrency) {
  Requirements r;
  r.budget = MonthlyBudget{100, "EUR", 10'000};
  r.prefer = Preference::cheapest;
  Candidates candidates = three();
  candidates.models[0].cost_per_request = 0.02;
  candidates.models[1].cost_per_request = 0.01;  // exactly the budget
  candidates.models[0].currency = candidates.models[1].currency = "EUR";
  Recommendation result = recommend(candidates, r);
  EXPECT_EQ(only(result, 0, RequirementKind::cost).fit, Fit::not_met);
  EXPECT_EQ(only(result, 1, RequirementKind::cost).fit, Fit::met);
  EXPECT_EQ(only(result, 2, RequirementKind::cost).fit, Fit::unknown);
  EXPECT_EQ(result.chosen, 1);
  candidates.models[0].currency = "USD";
  result = recommend(candidates, r);
  EXPECT_EQ(only(result, 0, RequirementKind::cost).fit, Fit::unknown);
  EXPECT_EQ(result.cheapest, -1);
}

TEST(Recommend, WhereAnswersAreComputed) {
  Requirements r;
  r.memory_bytes = 1'000;
  r.local_only = true;
  Candidates candidates = three();
  candidates.models[0].placement = Placement::elsewhere;
  candidates.models[2].placement = Placement::unknown;
  const Recommendation result = recommend(candidates, r);
  EXPECT_EQ(only(result, 0, RequirementKind::memory).fit, Fit::exempt);
  EXPECT_EQ(only(result, 0, RequirementKind::local).fit, Fit::not_met);
  EXPECT_EQ(only(result, 1, RequirementKind::memory).fit, Fit::met);
  EXPECT_EQ(only(result, 1, RequirementKind::local).fit, Fit::met);
  EXPECT_EQ(only(result, 2, RequirementKind::local).fit, Fit::unknown);
  candidates.models[1].memory_bytes = 1'001;
  EXPECT_EQ(only(recommend(candidates, r), 1, RequirementKind::memory).fit, Fit::not_met);
}

TEST(Recommend, UnbeatenInEverythingThatIsKnown) {
  Candidates candidates = three();
  candidates.models.push_back(model("clumsy", 5'000, 0.85, difference(-0.05, 0.03)));
  const auto unbeaten = [&] {
    std::vector<bool> out;
    for (const ModelJudgement& judgement : recommend(candidates, {}).models)
      out.push_back(judgement.unbeaten);
    return out;
  };
  // Middle is smaller than clumsy and better.
  EXPECT_THAT(unbeaten(), testing::ElementsAre(true, true, true, false));
  candidates.models[3].cost_per_request = 0.0;  // of middle nothing is known: no comparison
  EXPECT_THAT(unbeaten(), testing::ElementsAre(true, true, true, true));
  candidates.models[1].cost_per_request = 0.0;
  EXPECT_THAT(unbeaten(), testing::ElementsAre(true, true, true, false));
}

TEST(Recommend, EqualSizesAreSettledByBytesAndUnknownOnesAreLarge) {
  Candidates candidates = three();
  candidates.models[2].against_best = {difference(0, 0.01)};
  candidates.models[2].parameters = 1'000;
  EXPECT_EQ(recommend(candidates, {}).chosen, 2);
  candidates.models[2].parameters = candidates.models[2].bytes = 0;
  EXPECT_EQ(recommend(candidates, {}).chosen, 1);
}

TEST(Recommend, OneModelHasNothingToBeComparedWith) {
  Candidates candidates = three();
  candidates.models.resize(1);
  const Recommendation result = recommend(candidates, {});
  EXPECT_TRUE(result.models[0].requirements.empty());
  EXPECT_EQ(result.chosen, 0);
}

TEST(Recommend, MoreCandidatesWidenTheIntervals) {
  EXPECT_DOUBLE_EQ(comparison_confidence(1), 0.95);
  EXPECT_DOUBLE_EQ(comparison_confidence(2), 0.95);
  EXPECT_DOUBLE_EQ(comparison_confidence(6), 0.99);
}

TEST(Recommend, UnknownTasksAreNamed) {
  Requirements r;
  r.source = "job.yaml";
  r.margins["helpdeks"] = 0.02;
  const Result<void> checked = check_tasks(r, three().tasks);
  ASSERT_FALSE(checked.has_value());
  EXPECT_THAT(describe(checked.error()), testing::HasSubstr("'helpdeks'"));
  EXPECT_THAT(describe(checked.error()), testing::HasSubstr("one of helpdesk"));
  r.margins.clear();
  r.minimums["helpdesk"] = 0.5;
  EXPECT_TRUE(check_tasks(r, three().tasks).has_value());
}

}  // namespace
}  // namespace sizeup
