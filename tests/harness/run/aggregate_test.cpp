#include "harness/run/aggregate.h"

#include <gmock/gmock.h>

#include <cmath>

#include "fake_task.h"

namespace sizeup {
namespace {

// Answers of a task "write" with these scores, one sample each, slices as given.
struct Answers {
  std::vector<AnswerRow> answers;
  std::vector<std::map<std::string, std::string>> slices;

  void add(const std::string& metric, double value, const std::string& slice = "even",
           const std::string& predicted = "0") {
    const auto id = static_cast<int64_t>(answers.size()) + 1;
    AnswerRow answer;
    answer.sample_id = id;
    answer.scores[metric] = value;
    answer.details["predicted"] = predicted;
    answers.push_back(answer);
    slices.push_back({{"parity", slice}});
  }
  ResultRow result(const std::string& metric, const std::string& slice = "") const {
    const FakeTask task("write", OutputType::generate_until, 1);
    Aggregator aggregator(task);
    for (size_t i = 0; i < answers.size(); ++i) aggregator.add(answers[i], slices[i]);
    for (const ResultRow& row : aggregator.results()) {
      if (row.metric == metric && row.slice_value == slice) return row;
    }
    return {"none", "", "", std::nan(""), {}, {}, -1};
  }
};

TEST(Aggregate, ProportionsHaveWilsonIntervals) {
  Answers data;
  for (int i = 0; i < 10; ++i) data.add("exact_match", i < 8 ? 1.0 : 0.0);
  const ResultRow row = data.result("exact_match");
  EXPECT_DOUBLE_EQ(row.value, 0.8);
  EXPECT_EQ(row.n, 10);
  // statsmodels.stats.proportion.proportion_confint(8, 10, method="wilson")
  EXPECT_NEAR(row.lo.value(), 0.4901624715366418, 1e-12);
  EXPECT_NEAR(row.hi.value(), 0.9433178485456248, 1e-12);
}

TEST(Aggregate, OtherMeansHaveStudentIntervals) {
  Answers data;
  for (const double value : {0.1, 0.4, 0.35, 0.8}) data.add("length", value);
  const ResultRow row = data.result("length");
  EXPECT_DOUBLE_EQ(row.value, 0.4125);
  // scipy.stats.t.interval(0.95, 3, 0.4125, scipy.stats.sem([0.1, 0.4, 0.35, 0.8]))
  EXPECT_NEAR(row.lo.value(), -0.04856588962558245, 1e-12);
  EXPECT_NEAR(row.hi.value(), 0.8735658896255825, 1e-12);
}

TEST(Aggregate, SlicesAreTheSamplesWithThatValue) {
  Answers data;
  data.add("exact_match", 1.0, "odd");
  data.add("exact_match", 0.0, "odd");
  data.add("exact_match", 0.0, "odd");
  data.add("exact_match", 1.0, "even");
  const ResultRow odd = data.result("exact_match", "odd");
  EXPECT_DOUBLE_EQ(odd.value, 1.0 / 3.0);
  EXPECT_EQ(odd.slice_field, "parity");
  EXPECT_EQ(odd.n, 3);
  EXPECT_NEAR(odd.lo.value(), 0.06149194472039615, 1e-12);  // Wilson, 1 of 3, as above
  EXPECT_NEAR(odd.hi.value(), 0.7923403991979523, 1e-12);
  EXPECT_EQ(data.result("exact_match", "even").n, 1);
  EXPECT_DOUBLE_EQ(data.result("exact_match").value, 0.5);
}

TEST(Aggregate, SetMetricsAreTheTasksFormulaWithABootstrapInterval) {
  Answers data;
  for (int i = 0; i < 50; ++i) data.add("exact_match", 1.0, "even", i % 5 == 0 ? "1" : "0");
  const ResultRow row = data.result("share_of_ones");
  EXPECT_DOUBLE_EQ(row.value, 0.2);
  // The share of ten in fifty: the bootstrap's interval lies near the binomial one, 0.2 -+ 1.96 sqrt(0.16 /
  // 50).
  EXPECT_NEAR(row.lo.value(), 0.09, 0.03);
  EXPECT_NEAR(row.hi.value(), 0.31, 0.03);
  EXPECT_EQ(data.result("share_of_ones").lo, row.lo);  // a fixed seed
}

TEST(Aggregate, FailedSamplesCountInTheErrorRateOnly) {
  Answers data;
  data.add("exact_match", 1.0);
  data.add("exact_match", 1.0);
  data.answers[1].error = "status 500";
  data.answers[1].scores.clear();
  data.answers[0].no_answer = true;
  EXPECT_EQ(data.result("exact_match").n, 1);
  EXPECT_DOUBLE_EQ(data.result("error_rate").value, 0.5);
  EXPECT_EQ(data.result("error_rate").n, 2);
  EXPECT_DOUBLE_EQ(data.result("no_answer_rate").value, 1.0);
  EXPECT_EQ(data.result("no_answer_rate").n, 1);
  EXPECT_DOUBLE_EQ(data.result("invalid_rate").value, 0.0);
  EXPECT_DOUBLE_EQ(data.result("truncated_rate").value, 0.0);
}

TEST(Aggregate, AMetricThatAppliesToNoSampleHasNoRow) {
  Answers data;
  data.add("exact_match", 1.0);
  EXPECT_EQ(data.result("length").n, -1);
}

TEST(Aggregate, ASharesIntervalIsWilsonsOverItsOwnSamples) {
  FakeTask task("write", OutputType::generate_until, 1);
  task.share = ShareCount{5, 5};
  AnswerRow answer;
  answer.details["predicted"] = "1";
  Aggregator aggregator(task);
  for (int i = 0; i < 8; ++i) aggregator.add(answer, {});
  for (const ResultRow& row : aggregator.results()) {
    if (row.metric != "share_of_ones") continue;
    EXPECT_EQ(row.n, 5);
    EXPECT_EQ(row.value, 1.0);
    // statsmodels.stats.proportion.proportion_confint(5, 5, method="wilson")
    EXPECT_NEAR(row.lo.value(), 0.5655175352168252, 1e-12);
    return;
  }
  FAIL() << "no row";
}

// A document that is asked in three ways is not three documents.
TEST(Aggregate, VariantsOfADocumentDependOnEachOther) {
  FakeTask task("write", OutputType::generate_until, 1);
  task.fields = {"variant"};
  Aggregator aggregator(task);
  for (int document = 0; document < 10; ++document) {
    for (const char* variant : {"original", "typos", "long"}) {
      AnswerRow answer;
      answer.scores["exact_match"] = document < 8 ? 1.0 : 0.0;
      answer.details["predicted"] = "1";
      aggregator.add(answer, {{"variant", variant}}, "hash-" + std::to_string(document));
    }
  }
  for (const ResultRow& row : aggregator.results()) {
    if (row.metric != "exact_match") continue;
    EXPECT_DOUBLE_EQ(row.value, 0.8);
    if (row.slice_value.empty()) {
      EXPECT_EQ(row.n, 30);
      // Three equal samples a document: the t interval of ten, 0.8 -+ t_9 sqrt(0.8 * 0.2 / 9).
      EXPECT_NEAR(row.lo.value(), 0.8 - 2.2621571628540993 * std::sqrt(0.16 / 9), 1e-9);
    } else {
      EXPECT_EQ(row.n, 10);
      EXPECT_NEAR(row.lo.value(), 0.490162471, 1e-6) << "Wilson, 8 of 10";
    }
  }
}

// As numpy.mean in lm-evaluation-harness; its nanmean leaves them out.
TEST(Aggregate, AnUndefinedScoreMakesTheMeanUndefined) {
  Answers data;
  data.add("length", std::nan(""));
  data.add("length", 1.0);
  EXPECT_TRUE(std::isnan(data.result("length").value));
  EXPECT_EQ(data.result("length").n, 2);
}

TEST(Aggregate, AnUndefinedMeanIsNoNumber) {
  Answers data;
  data.add("length", -std::numeric_limits<double>::infinity());
  data.add("length", 1.0);
  EXPECT_TRUE(std::isnan(data.result("length").value));
  EXPECT_FALSE(data.result("length").lo.has_value());
}

}  // namespace
}  // namespace sizeup
