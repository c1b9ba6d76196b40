#include "harness/statistics/betting.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "harness/statistics/paired.h"
#include "tests/harness/statistics/golden.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

constexpr uint64_t kSeed = 20261126;
constexpr int kDataSets = 2000;

BettingOptions options_of(const Json& c) {
  BettingOptions options;
  options.lowest = c.at("lowest").get<double>();
  options.highest = c.at("highest").get<double>();
  options.confidence = c.at("confidence").get<double>();
  if (!c.at("population").is_null()) options.population = c.at("population").get<int64_t>();
  return options;
}

TEST(Betting, AgreesWithTheAuthorsPackage) {
  constexpr double kTolerance = 1e-9;  // roots by bisection on one side, Brent's method on the other
  const Json golden = Json::parse(read_whole(golden_folder() / "betting.json"));
  ASSERT_FALSE(golden.empty());
  for (const Json& c : golden) {
    SCOPED_TRACE(c.dump().substr(0, 60));
    const auto values = doubles(c.at("values"));
    BettingInterval interval(options_of(c));
    interval.add(values);
    const Estimate estimate = interval.estimate();
    expect_interval(estimate.lo, estimate.hi, c.at("interval"), kTolerance);
    EXPECT_NEAR(estimate.value, mean(values), 1e-12);
    EXPECT_EQ(estimate.n, interval.n());
  }
}

TEST(Betting, BatchesAndLooksChangeNothing) {
  const std::vector<double> values{1, 0, 0, -1, 1, 0, 0.5, 1, 0, 1};
  BettingInterval at_once;
  at_once.add(values);
  BettingInterval one_by_one;
  for (const double value : values) {
    one_by_one.add(value);
    (void)one_by_one.estimate();
  }
  EXPECT_EQ(one_by_one.estimate().lo, at_once.estimate().lo);
  EXPECT_EQ(one_by_one.estimate().hi, at_once.estimate().hi);
}

TEST(Betting, SwappingTheModelsFlipsTheSign) {
  BettingInterval ab;
  BettingInterval ba;
  for (const double d : {1.0, 1.0, 0.25, 0.0, -1.0, 1.0, 0.0, 1.0, 0.75}) {
    ab.add(d);
    ba.add(-d);
  }
  EXPECT_NEAR(ab.estimate().lo, -ba.estimate().hi, 1e-12);
  EXPECT_NEAR(ab.estimate().hi, -ba.estimate().lo, 1e-12);
}

TEST(Betting, AllOfAPopulationSeenIsCertain) {
  BettingOptions options;
  options.population = 7;
  BettingInterval interval(options);
  for (const double d : {0.1, 0.0, -0.7, 0.0, 0.3, 1.0}) interval.add(d);
  // One value is left: the mean of all seven lies within what it can add.
  EXPECT_GE(interval.estimate().lo, (0.7 - 1) / 7 - 1e-12);
  EXPECT_LE(interval.estimate().hi, (0.7 + 1) / 7 + 1e-12);
  interval.add(-0.2);
  const Estimate all = interval.estimate();
  EXPECT_NEAR(all.value, 0.5 / 7, 1e-12);
  EXPECT_EQ(all.lo, all.value);
  EXPECT_EQ(all.hi, all.value);
  EXPECT_THROW(interval.add(0.0), InternalError);
}

TEST(Betting, EdgeCases) {
  BettingInterval interval;
  EXPECT_TRUE(std::isnan(interval.estimate().value));
  EXPECT_EQ(interval.estimate().lo, -1);
  EXPECT_EQ(interval.estimate().hi, 1);
  EXPECT_THROW(interval.add(1.5), InternalError);
  EXPECT_THROW(interval.add(kNoNumber), InternalError);
  interval.add(1);
  interval.add(1);
  EXPECT_EQ(interval.estimate().hi, 1);  // no value seen so far excludes a mean at the end of the range
  EXPECT_LT(interval.estimate().lo, 0.5);
}

// Differences of two models' right and wrong answers: +1, 0 and -1 with these chances.
struct Pairs {
  double win;
  double loss;
  double mean() const { return win - loss; }
  double draw(uint64_t data_set, uint64_t position) const {
    const double u = uniform(kSeed, data_set, position);
    return u < win ? 1 : u < win + loss ? -1 : 0;
  }
};

struct Misses {
  int above = 0;
  int below = 0;
};

// In how many data sets any of 20 looks, one after every 15 pairs, has an interval above or below the mean:
// the most that somebody who stops when it suits can be wrong. `Looker` has add(d) and interval().
template <typename Looker>
Misses misses(const Pairs& pairs) {
  Misses count;
  for (uint64_t data_set = 0; data_set < kDataSets; ++data_set) {
    Looker looker;
    bool above = false;
    bool below = false;
    for (uint64_t i = 1; i <= 300; ++i) {
      looker.add(pairs.draw(data_set, i));
      if (i % 15 != 0) continue;
      const Interval now = looker.interval();
      above = above || now.lo > pairs.mean();
      below = below || now.hi < pairs.mean();
    }
    count.above += above;
    count.below += below;
  }
  return count;
}

struct BettingLooker {
  BettingInterval betting;
  void add(double d) { betting.add(d); }
  Interval interval() const {
    const Estimate now = betting.estimate();
    return {now.lo, now.hi};
  }
};

// The interval for a fixed number of samples.
struct TangoLooker {
  int64_t wins = 0;
  int64_t losses = 0;
  int64_t n = 0;
  void add(double d) {
    wins += d > 0;
    losses += d < 0;
    ++n;
  }
  Interval interval() const { return tango_interval(wins, losses, n); }
};

// Three seconds: a rate of 2.5 % needs this many data sets, and each look is a search.
TEST(Betting, FalseAlarmsStayBelowAlphaWhoeverStopsWhen) {
  for (const Pairs& pairs : {Pairs{0.08, 0.10}, Pairs{0.25, 0.31}}) {
    SCOPED_TRACE(pairs.loss);
    const Misses count = misses<BettingLooker>(pairs);
    EXPECT_LE(count.above, 0.025 * kDataSets);
    EXPECT_LE(count.below, 0.025 * kDataSets);
    EXPECT_GT(count.above + count.below, 0);  // the data sets are long enough to be wrong on
  }
}

// What looking twenty times at an interval for a fixed number of samples does.
TEST(Betting, TheFixedIntervalDoesNotAllowLooking) {
  const Misses count = misses<TangoLooker>({0.08, 0.10});
  EXPECT_GT(count.above + count.below, 0.10 * kDataSets);
}

// Drawn from 200 values without replacement; the mean of these 200 is what may not be missed.
TEST(Betting, FalseAlarmsWithoutReplacement) {
  int missed = 0;
  for (uint64_t data_set = 0; data_set < kDataSets; ++data_set) {
    std::vector<double> values;
    for (int i = 0; i < 200; ++i) values.push_back(i < 20 ? 1 : i < 44 ? -1 : 0);
    const double truth = mean(values);
    BettingOptions options;
    options.population = 200;
    BettingInterval interval(options);
    bool miss = false;
    for (size_t i = 0; i < values.size(); ++i) {
      const double u = uniform(kSeed, data_set, i);
      std::swap(values[i], values[i + static_cast<size_t>(u * static_cast<double>(values.size() - i))]);
      interval.add(values[i]);
      if ((i + 1) % 10 != 0) continue;
      const Estimate now = interval.estimate();
      miss = miss || now.lo > truth + 1e-12 || now.hi < truth - 1e-12;
    }
    missed += miss;
  }
  EXPECT_LE(missed, 0.05 * kDataSets);
}

// 14 of 100 answers get worse and 2 better, at a margin of 2 points: seen before half of 600 samples are
// used.
TEST(Betting, AClearLossEndsEarly) {
  const Pairs pairs{0.02, 0.14};
  constexpr int kFewer = 200;
  int decided = 0;
  for (uint64_t data_set = 0; data_set < kFewer; ++data_set) {
    BettingInterval interval;
    for (uint64_t i = 1; i <= 300; ++i) interval.add(pairs.draw(data_set, i));
    decided += interval.estimate().hi < -0.02;
  }
  EXPECT_GT(decided, 0.9 * kFewer);
}

}  // namespace
}  // namespace sizeup
