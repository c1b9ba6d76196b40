#include "harness/decide/pairs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/statistics/betting.h"

namespace sizeup {
namespace {

TEST(ComparableMetric, IsTheFirstShareThatSamplesHave) {
  const std::vector<MetricRow> metrics = {
      {"macro_f1", "", true, false},  {"edit_distance", "", false, true}, {"word_perplexity", "", true, true},
      {"length", "", true, true},     {"absent", "", true, true},         {"acc", "", true, true},
      {"exact_match", "", true, true}};
  std::map<std::string, ScoreRange> scores;
  for (const MetricRow& metric : metrics) {
    if (metric.name == "absent") continue;
    for (const double score : {0.25, kNoNumber, 1.0, 0.0}) scores[metric.name].add(score);
  }
  scores["length"].add(12.0);
  std::string last;
  const RangeOf range_of = [&](const std::string& metric) -> Result<ScoreRange> {
    last = metric;
    return scores[metric];
  };
  EXPECT_EQ(comparable_metric(metrics, range_of).value(), "acc");
  EXPECT_EQ(last, "acc") << "whoever is asked for ranges keeps what was read for the last one";
  scores["acc"].add(-0.1);
  EXPECT_EQ(comparable_metric(metrics, range_of).value(), "exact_match");
  scores.clear();
  EXPECT_EQ(comparable_metric(metrics, range_of).value(), "");
}

TEST(DocumentNumbers, AreEqualForEqualContentAlone) {
  DocumentNumbers numbers;
  EXPECT_EQ(numbers.number_of("a"), 0);
  EXPECT_EQ(numbers.number_of(""), 1);
  EXPECT_EQ(numbers.number_of("b"), 2);
  EXPECT_EQ(numbers.number_of("a"), 0);
  EXPECT_EQ(numbers.number_of(""), 3) << "without a hash nothing is known to be equal";
}

TEST(Pairs, DocumentsOfAnotherTaskAreOthers) {
  Pairs pairs;
  pairs.add(1.0, 0.0, 0);
  pairs.add(1.0, 1.0, 1);
  Pairs other;
  other.add(0.0, 0.0, 0);
  pairs.append(other);
  EXPECT_FALSE(pairs.has_repeats());
  EXPECT_EQ(pairs.documents.back(), 2);
  pairs.add(0.0, 0.0, 2);
  EXPECT_TRUE(pairs.has_repeats());
}

TEST(AnytimeDifference, RepeatsCountOnceInTheOrderAsked) {
  Pairs pairs;
  pairs.add(1.0, 0.0, 0);
  pairs.add(0.0, 0.0, 0);
  pairs.add(0.0, 1.0, 1);
  pairs.add(0.5, 0.5, 2);
  BettingInterval expected;
  for (const double value : {0.5, -1.0, 0.0}) expected.add(value);
  const PairedDifference difference = anytime_difference(pairs);
  EXPECT_EQ(difference.lo, expected.estimate().lo);
  EXPECT_EQ(difference.hi, expected.estimate().hi);
  EXPECT_EQ(difference.n, 4);
  EXPECT_TRUE(std::isnan(difference.p)) << "a p-value holds for one look";
  EXPECT_FALSE(non_inferiority(difference, 0.05).more.has_value());
}

}  // namespace
}  // namespace sizeup
