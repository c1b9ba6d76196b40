#include "harness/decide/verdict.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

PairedDifference with_interval(double difference, double lo, double hi, int64_t n = 1000) {
  PairedDifference d;
  d.difference = difference;
  d.lo = lo;
  d.hi = hi;
  d.n = n;
  d.p = 0.5;
  d.variance = 0.1 - difference * difference;
  return d;
}

TEST(NonInferiority, LooksAtTheEndsOfTheInterval) {
  EXPECT_EQ(non_inferiority(with_interval(-0.01, -0.019, -0.001), 0.02).verdict, Verdict::yes);
  EXPECT_EQ(non_inferiority(with_interval(-0.04, -0.059, -0.021), 0.02).verdict, Verdict::no);
  EXPECT_EQ(non_inferiority(with_interval(-0.01, -0.021, 0.001), 0.02).verdict, Verdict::not_enough_data);
  // Significantly worse, yet by less than the margin: good enough.
  EXPECT_EQ(non_inferiority(with_interval(-0.01, -0.015, -0.005), 0.02).verdict, Verdict::yes);
  // An end exactly at the margin decides nothing.
  EXPECT_EQ(non_inferiority(with_interval(-0.01, -0.02, 0.0), 0.02).verdict, Verdict::not_enough_data);
}

TEST(NonInferiority, EquivalentMeansBothSides) {
  EXPECT_TRUE(non_inferiority(with_interval(0.0, -0.01, 0.01), 0.02).equivalent);
  EXPECT_FALSE(non_inferiority(with_interval(0.03, 0.01, 0.05), 0.02).equivalent);
}

TEST(NonInferiority, EquivalenceAgreesWithStatsmodelsTost) {
  const Json& golden = statistics_golden().at("tost");
  const PairedDifference d = paired_difference(doubles(golden.at("a")), doubles(golden.at("b")));
  for (const Json& c : golden.at("margins")) {
    EXPECT_EQ(non_inferiority(d, c.at(0).get<double>()).equivalent, c.at(1).get<double>() < 0.025) << c;
  }
}

TEST(NonInferiority, WithoutAnIntervalNothingIsDecided) {
  const NonInferiority none = non_inferiority(paired_difference({}, {}), 0.02);
  EXPECT_EQ(none.verdict, Verdict::not_enough_data);
  EXPECT_EQ(none.more, std::nullopt);
  EXPECT_EQ(
      wording(none),
      "not enough data: whether the candidate is more than 2.00 points worse is open (no paired samples)");
}

TEST(NonInferiority, RefusesAMarginThatIsNotPositive) {
  EXPECT_THROW((void)non_inferiority(with_interval(0, -1, 1), 0), InternalError);
  EXPECT_THROW((void)non_inferiority(with_interval(0, -1, 1), kNoNumber), InternalError);
}

TEST(NonInferiority, TwoIdenticalAnswersAreNotEnough) {
  const std::vector<double> right(5, 1.0);
  const NonInferiority few = non_inferiority(paired_difference(right, right), 0.02);
  EXPECT_EQ(few.verdict, Verdict::not_enough_data);
  // z^2 (1 - m) / m = 188.2: so many agreeing pairs put the interval's end inside the margin.
  EXPECT_EQ(few.more, 189 - 5);
  const std::vector<double> enough(189, 1.0);
  EXPECT_EQ(non_inferiority(paired_difference(enough, enough), 0.02).verdict, Verdict::yes);
  const std::vector<double> short_by_one(188, 1.0);
  EXPECT_EQ(non_inferiority(paired_difference(short_by_one, short_by_one), 0.02).verdict,
            Verdict::not_enough_data);
}

TEST(SamplesToDecide, FollowsTheNormalApproximation) {
  // (1.959964 + 0.841621)^2 * (0.1 - 0.01^2) / (-0.01 + 0.02)^2 = 7841.03
  const PairedDifference d = with_interval(-0.01, -0.05, 0.03, 300);
  EXPECT_EQ(samples_to_decide(d, 0.02), 7842);
  EXPECT_EQ(non_inferiority(d, 0.02).more, 7542);
  EXPECT_EQ(samples_to_decide(with_interval(-0.02, -0.05, 0.01), 0.02), std::nullopt);
}

// Pairs that differ with probability 0.1, the candidate worse by `worse` on average.
PairedDifference simulate(int data_set, int64_t n, double worse) {
  std::vector<double> a;
  std::vector<double> b;
  for (int64_t i = 0; i < n; ++i) {
    const double u = uniform(77, static_cast<uint64_t>(data_set), static_cast<uint64_t>(i));
    const bool win = u < 0.05 - worse / 2;
    const bool loss = !win && u < 0.1;
    a.push_back(loss ? 0 : 1);
    b.push_back(win ? 0 : 1);
  }
  return paired_difference(a, b);
}

TEST(SamplesToDecide, SoManySamplesDecideAsOftenAsThePowerSays) {
  PairedDifference plan = with_interval(0, -0.1, 0.1);
  const int64_t n = samples_to_decide(plan, 0.05).value();
  int decided = 0;
  for (int i = 0; i < 1000; ++i) decided += non_inferiority(simulate(i, n, 0), 0.05).verdict == Verdict::yes;
  EXPECT_GT(decided, 740);  // 0.8, less what Tango's wider interval takes and simulation error
  EXPECT_LT(decided, 860);
}

TEST(NonInferiority, SaysYesToACandidateAtTheMarginAtMostAsOftenAsItMay) {
  int wrong = 0;
  for (int i = 0; i < 2000; ++i)
    wrong += non_inferiority(simulate(i, 400, 0.05), 0.05).verdict == Verdict::yes;
  EXPECT_GT(wrong, 20);  // 0.025 * 2000 = 50, standard error 7
  EXPECT_LT(wrong, 72);
}

TEST(NonInferiority, Wording) {
  EXPECT_EQ(
      wording(non_inferiority(with_interval(-0.004, -0.012, 0.004), 0.02)),
      "yes: the candidate is at most 2.00 points worse (difference -0.40, 95 % interval -1.20 to +0.40, "
      "n = 1000)");
  EXPECT_EQ(
      wording(non_inferiority(with_interval(-0.04, -0.06, -0.03), 0.02)),
      "no: the candidate is more than 2.00 points worse (difference -4.00, 95 % interval -6.00 to -3.00, "
      "n = 1000)");
  EXPECT_EQ(
      wording(non_inferiority(with_interval(-0.01, -0.05, 0.03, 300), 0.02)),
      "not enough data: whether the candidate is more than 2.00 points worse is open (difference -1.00, "
      "95 % interval -5.00 to +3.00, n = 300); about 7542 more samples would decide");
  EXPECT_EQ(
      wording(non_inferiority(with_interval(-1.5, -2.25, -0.75), 3), ScoreUnit::plain),
      "yes: the candidate is at most 3 worse (difference -1.5, 95 % interval -2.25 to -0.75, n = 1000)");
}

TaskVerdict task(const std::string& name, Verdict verdict, std::optional<int64_t> more = {},
                 double p = 0.01) {
  TaskVerdict t;
  t.task = name;
  t.result.verdict = verdict;
  t.result.more = more;
  t.result.difference.p = p;
  return t;
}

TEST(OverallVerdict, YesNeedsEveryTask) {
  const OverallVerdict yes = overall_verdict({task("a", Verdict::yes), task("b", Verdict::yes)});
  EXPECT_EQ(yes.verdict, Verdict::yes);
  EXPECT_EQ(wording(yes), "yes: within the margin on all tasks (2)");
}

TEST(OverallVerdict, OneNoDecidesAndIsNamed) {
  const OverallVerdict no =
      overall_verdict({task("a", Verdict::yes), task("b", Verdict::no),
                       task("c", Verdict::not_enough_data, 10), task("d", Verdict::no)});
  EXPECT_EQ(no.verdict, Verdict::no);
  EXPECT_EQ(no.failed, (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(no.open, (std::vector<std::string>{"c"}));
  EXPECT_EQ(wording(no), "no: worse by more than the margin on b, d");
}

TEST(OverallVerdict, OpenTasksLeaveItOpen) {
  const OverallVerdict open =
      overall_verdict({task("a", Verdict::yes), task("b", Verdict::not_enough_data, 200),
                       task("c", Verdict::not_enough_data, 90)});
  EXPECT_EQ(open.verdict, Verdict::not_enough_data);
  EXPECT_EQ(wording(open), "not enough data: open on b, c; about 200 more samples on each would decide");
  const OverallVerdict unknown =
      overall_verdict({task("b", Verdict::not_enough_data, 200), task("c", Verdict::not_enough_data)});
  EXPECT_EQ(unknown.more, std::nullopt);
  EXPECT_EQ(overall_verdict({}).verdict, Verdict::not_enough_data);
}

TEST(OverallVerdict, AdjustsTheTestsOfAllTasks) {
  const OverallVerdict o =
      overall_verdict({task("a", Verdict::yes, {}, 0.04), task("b", Verdict::yes, {}, 0.01),
                       task("c", Verdict::yes, {}, kNoNumber)});
  EXPECT_NEAR(o.tasks[0].holm_p, 0.04, 1e-12);
  EXPECT_NEAR(o.tasks[1].holm_p, 0.02, 1e-12);
  EXPECT_TRUE(std::isnan(o.tasks[2].holm_p));
}

}  // namespace
}  // namespace sizeup
