#include "harness/run/run_cost.h"

#include <gmock/gmock.h>

#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::vector<AnswerRow> answers(int right, int wrong) {
  std::vector<AnswerRow> rows;
  for (int i = 0; i < right + wrong; ++i) {
    AnswerRow row;
    row.scores["acc"] = i < right ? 1.0 : 0.0;
    rows.push_back(row);
  }
  return rows;
}

TEST(RunCost, UnknownStaysUnknown) {
  const CostRow none = cost_row(std::nullopt, {10, 1000, 100}, {5000, 1}, answers(5, 5), "acc");
  EXPECT_FALSE(none.total.has_value());
  EXPECT_FALSE(none.per_request.has_value());
  EXPECT_FALSE(none.per_1000_correct.has_value());
  EXPECT_THAT(none.basis, HasSubstr("unknown"));
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  const CostRow cached = cost_row(prices, {0, 0, 0}, {0, 1}, answers(5, 5), "acc");
  EXPECT_FALSE(cached.total.has_value());
  EXPECT_THAT(cached.basis, HasSubstr("from the store"));
}

TEST(RunCost, ByTheHour) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;  // 0.001 a second
  const CostRow cost = cost_row(prices, {10, 1000, 100}, {40'000, 0.5}, answers(4, 6), "acc");
  EXPECT_NEAR(cost.total.value(), 0.02, 1e-12);
  EXPECT_NEAR(cost.per_request.value(), 0.002, 1e-12);
  EXPECT_NEAR(cost.per_1000_correct.value(), 5.0, 1e-12);  // 0.02 for four right answers
  EXPECT_EQ(cost.currency, "EUR");
  EXPECT_THAT(cost.basis, HasSubstr("50.0 % of the pass's time"));
}

TEST(RunCost, ByTheToken) {
  Prices prices;
  prices.currency = "USD";
  prices.per_million_input = 1.0;
  prices.per_million_output = 10.0;
  const CostRow cost = cost_row(prices, {10, 1000, 100}, {20'000, 1}, answers(5, 5), "acc");
  EXPECT_NEAR(cost.total.value(), 0.002, 1e-12);
  EXPECT_NEAR(cost.per_request.value(), 0.0002, 1e-12);
}

TEST(RunCost, ASampleFromTheStoreDoesNotMakeOthersCheaper) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  const CostRow cost = cost_row(prices, {5, 1000, 100}, {10'000, 1}, answers(4, 6), "acc");
  EXPECT_NEAR(cost.per_request.value(), 0.002, 1e-12);
  EXPECT_NEAR(cost.per_1000_correct.value(), 5.0, 1e-12);
  EXPECT_THAT(cost.basis, HasSubstr("measured on 5 of 10 samples"));
}

TEST(RunCost, RightAnswersAreCountedOnlyWhereTheMetricIsRightOrWrong) {
  Prices prices;
  prices.currency = "EUR";
  prices.per_hour = 3.6;
  std::vector<AnswerRow> graded = answers(1, 1);
  graded[1].scores["acc"] = 0.5;
  EXPECT_FALSE(cost_row(prices, {2, 10, 1}, {1000, 1}, graded, "acc").per_1000_correct.has_value());
  EXPECT_FALSE(cost_row(prices, {2, 10, 1}, {1000, 1}, answers(0, 2), "acc").per_1000_correct.has_value());
  EXPECT_TRUE(cost_row(prices, {2, 10, 1}, {1000, 1}, graded, "acc").per_request.has_value());
}

class RunCostTest : public RunFixture {};

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
