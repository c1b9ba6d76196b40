#include "harness/run/run_cost.h"

#include <gmock/gmock.h>

#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

AnswerRow answer(double score) {
  AnswerRow row;
  row.scores["acc"] = score;
  return row;
}

AnswerTally answers(int right, int wrong) {
  AnswerTally tally("acc");
  for (int i = 0; i < right + wrong; ++i) tally.add(answer(i < right ? 1.0 : 0.0));
  return tally;
}

MeasurementRow measured(int64_t samples, double pass_ms, double share = 1.0) {
  return {samples, 1000, 100, pass_ms, share, "r1"};
}

TEST(RunCost, UnknownStaysUnknown) {
  const CostRow none = cost_row(std::nullopt, measured(10, 5000), "r1", answers(5, 5));
  EXPECT_FALSE(none.total.has_value());
  EXPECT_FALSE(none.per_request.has_value());
  EXPECT_FALSE(none.per_1000_correct.has_value());
  EXPECT_THAT(none.basis, HasSubstr("unknown"));
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  const CostRow cached = cost_row(prices, std::nullopt, "r1", answers(5, 5));
  EXPECT_FALSE(cached.per_request.has_value());
  EXPECT_EQ(cached.total, 0.0) << "nothing was asked";
  EXPECT_THAT(cached.basis, HasSubstr("from the store"));
}

TEST(RunCost, ByTheHour) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;  // 0.001 a second
  const CostRow cost = cost_row(prices, measured(10, 40'000, 0.5), "r1", answers(4, 6));
  EXPECT_NEAR(cost.total.value(), 0.02, 1e-12);
  EXPECT_NEAR(cost.per_request.value(), 0.002, 1e-12);
  EXPECT_NEAR(cost.per_1000_correct.value(), 5.0, 1e-12);  // 0.02 for four right answers
  EXPECT_EQ(cost.currency, "EUR");
  EXPECT_THAT(cost.measured, HasSubstr("50.0 % of the pass's time"));
}

TEST(RunCost, ByTheToken) {
  Prices prices;
  prices.currency = "USD";
  prices.per_million_input = 1.0;
  prices.per_million_output = 10.0;
  const CostRow cost = cost_row(prices, measured(10, 20'000), "r1", answers(5, 5));
  EXPECT_NEAR(cost.total.value(), 0.002, 1e-12);
  EXPECT_NEAR(cost.per_request.value(), 0.0002, 1e-12);
  prices.per_million_cached_input = 0.1;
  MeasurementRow row = measured(10, 20'000);
  row.cached_input_tokens = 400;  // of 1000
  EXPECT_NEAR(cost_row(prices, row, "r1", answers(5, 5)).total.value(), 0.00164, 1e-12);
}

TEST(RunCost, ASampleFromTheStoreDoesNotMakeOthersCheaper) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  const CostRow cost = cost_row(prices, measured(5, 10'000), "r1", answers(4, 6));
  EXPECT_NEAR(cost.per_request.value(), 0.002, 1e-12);
  EXPECT_NEAR(cost.per_1000_correct.value(), 5.0, 1e-12);
  EXPECT_EQ(cost.measured, "on 5 of 10 samples");
}

TEST(RunCost, RightAnswersAreCountedOnlyWhereTheMetricIsRightOrWrong) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  AnswerTally graded = answers(1, 0);
  graded.add(answer(0.5));
  EXPECT_FALSE(cost_row(prices, measured(2, 1000), "r1", graded).per_1000_correct.has_value());
  EXPECT_FALSE(cost_row(prices, measured(2, 1000), "r1", answers(0, 2)).per_1000_correct.has_value());
  EXPECT_TRUE(cost_row(prices, measured(2, 1000), "r1", graded).per_request.has_value());
}

TEST(RunCost, AnswersFromTheStoreCostWhatTheyCostWhenTheyWereMeasured) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  const CostRow now = cost_row(prices, measured(10, 20'000), "r1", answers(5, 5));
  const CostRow later = cost_row(prices, measured(10, 20'000), "r2", answers(5, 5));
  EXPECT_EQ(later.per_request, now.per_request);
  EXPECT_EQ(later.per_1000_correct, now.per_1000_correct);
  EXPECT_EQ(later.total, 0.0) << "this run asked nothing";
  EXPECT_EQ(later.basis, now.basis);
  EXPECT_THAT(later.measured, HasSubstr("in run r1"));
}

class RunCostTest : public RunFixture {};

TEST_F(RunCostTest, ARerunFromTheStoreIsPricedByTheRunThatMeasured) {
  settings.prices["small"].currency = "EUR";
  settings.prices["small"].per_million_input = 100.0;
  settings.prices["small"].per_million_output = 0.0;
  const std::string first = done().run_name;
  done();
  done();
  EXPECT_EQ(query("SELECT count(DISTINCT round(per_request, 9)) FROM cost WHERE per_request > 0")[0], "1");
  EXPECT_EQ(query("SELECT count(*) FROM cost WHERE per_request > 0")[0], "3");
  EXPECT_EQ(query("SELECT count(*) FROM cost WHERE total = 0")[0], "2");
  EXPECT_EQ(query("SELECT count(*) FROM cost WHERE measured LIKE '%in run " + first + ",%'")[0], "2");
}

TEST_F(RunCostTest, AMeasurementOfAnotherModelOrMachineDoesNotCount) {
  settings.prices["small"].currency = "EUR";
  settings.prices["small"].per_hour = 1.0;
  done();
  machine = R"({"cpu":"another"})";
  done();
  EXPECT_EQ(query("SELECT per_request IS NULL FROM cost ORDER BY evaluation_id"),
            (std::vector<std::string>{"0", "1"}));
}

TEST_F(RunCostTest, EveryEvaluationOfARunHasACostRow) {
  settings.tasks = {"choice", "write"};
  settings.models = {"small=./s.gguf", "large=./l.gguf"};
  settings.prices["small"].currency = "EUR";
  settings.prices["small"].per_million_input = 100.0;
  settings.prices["small"].per_million_output = 0.0;
  done();
  // Ten prompt tokens a request, three requests a sample of "choice".
  EXPECT_EQ(
      query("SELECT round(per_request, 9) FROM cost JOIN evaluation ON evaluation.id = evaluation_id "
            "JOIN model ON model.id = model_id JOIN task ON task.id = task_id WHERE model.name = 'small' AND "
            "task.name = 'choice'")[0],
      "0.003");
  EXPECT_EQ(query("SELECT count(*) FROM cost WHERE per_request IS NULL AND total IS NULL")[0], "2");
  EXPECT_EQ(query("SELECT count(*) FROM cost")[0], "4");
}

}  // namespace
}  // namespace sizeup
