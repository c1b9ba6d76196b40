// Simulated data sets with a known truth: do 95 % intervals hold it 95 times in 100? The data sets are a pure
// function of the seed, so these tests cannot fail by chance. 2,000 data sets give a standard error of 0.5
// points.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/random/counter_random.h"
#include "harness/statistics/bootstrap.h"
#include "harness/statistics/interval.h"
#include "harness/statistics/paired.h"
#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

constexpr int kDataSets = 2000;
constexpr uint64_t kSeed = 20260801;

// A stream of uniform numbers for one data set.
class Stream {
 public:
  explicit Stream(int data_set) : data_set_(static_cast<uint64_t>(data_set)) {}
  double uniform() { return sizeup::uniform(kSeed, data_set_, position_++); }
  double normal() { return normal_quantile(std::max(uniform(), 1e-300)); }
  bool coin(double p) { return uniform() < p; }

 private:
  uint64_t data_set_;
  uint64_t position_ = 0;
};

double coverage(double truth, const std::function<Interval(Stream&)>& interval, int data_sets = kDataSets) {
  int held = 0;
  for (int i = 0; i < data_sets; ++i) {
    Stream stream(i);
    const auto [lo, hi] = interval(stream);
    held += lo <= truth && truth <= hi;
  }
  return static_cast<double>(held) / data_sets;
}

TEST(Coverage, Wilson) {
  const double share = coverage(0.7, [](Stream& stream) {
    int64_t right = 0;
    for (int i = 0; i < 150; ++i) right += stream.coin(0.7);
    return wilson_interval(right, 150);
  });
  EXPECT_GT(share, 0.94);
  EXPECT_LT(share, 0.96);
}

TEST(Coverage, StudentTWithFewSamples) {
  const double share = coverage(0.5, [](Stream& stream) {
    std::vector<double> values;
    for (int i = 0; i < 8; ++i) values.push_back(0.5 + 0.1 * stream.normal());
    const Estimate e = t_estimate(values);
    return Interval{e.lo, e.hi};
  });
  EXPECT_GT(share, 0.94);
  EXPECT_LT(share, 0.96);
}

TEST(Coverage, TangoWithFewDiscordantPairs) {
  const double share = coverage(-0.03, [](Stream& stream) {
    int64_t only_a = 0;
    int64_t only_b = 0;
    for (int i = 0; i < 200; ++i) {
      const double u = stream.uniform();
      only_a += u < 0.05;
      only_b += u >= 0.05 && u < 0.13;
    }
    return tango_interval(only_a, only_b, 200);
  });
  EXPECT_GT(share, 0.94);
  EXPECT_LT(share, 0.96);
}

// 60 conversations of 1 to 6 samples that share a level: the plain interval is far too narrow.
TEST(Coverage, ClusteredSamples) {
  const auto draw = [](Stream& stream, std::vector<double>& values, std::vector<int64_t>& clusters) {
    for (int64_t cluster = 0; cluster < 60; ++cluster) {
      const double level = 0.6 + 0.1 * stream.normal();
      const int size = 1 + static_cast<int>(6 * stream.uniform());
      for (int i = 0; i < size; ++i) {
        values.push_back(level + 0.03 * stream.normal());
        clusters.push_back(cluster);
      }
    }
  };
  const double clustered = coverage(0.6, [&](Stream& stream) {
    std::vector<double> values;
    std::vector<int64_t> clusters;
    draw(stream, values, clusters);
    const Estimate e = clustered_estimate(values, clusters);
    return Interval{e.lo, e.hi};
  });
  EXPECT_GT(clustered, 0.935);  // cluster-robust errors run slightly small with 60 clusters
  EXPECT_LT(clustered, 0.96);
  const double plain = coverage(0.6, [&](Stream& stream) {
    std::vector<double> values;
    std::vector<int64_t> clusters;
    draw(stream, values, clusters);
    const Estimate e = t_estimate(values);
    return Interval{e.lo, e.hi};
  });
  EXPECT_LT(plain, 0.80);
}

TEST(Coverage, MedianByOrderStatisticsIsNeverShort) {
  const double share = coverage(0.5, [](Stream& stream) {
    std::vector<double> values;
    for (int i = 0; i < 75; ++i) values.push_back(stream.uniform());
    const Estimate e = percentile_estimate(values, 50);
    return Interval{e.lo, e.hi};
  });
  EXPECT_GT(share, 0.945);  // whole ranks: at least 95 %, less simulation error
}

TEST(Coverage, McNemarRejectsATrueNullAtMostAsOftenAsItSays) {
  int exact = 0;
  int mid = 0;
  for (int i = 0; i < kDataSets; ++i) {
    Stream stream(i);
    int64_t only_a = 0;
    for (int j = 0; j < 40; ++j) only_a += stream.coin(0.5);
    exact += mcnemar_exact(only_a, 40 - only_a) < 0.05;
    mid += mcnemar_mid_p(only_a, 40 - only_a) < 0.05;
  }
  EXPECT_LT(exact, 0.05 * kDataSets);
  EXPECT_GE(mid, exact);  // the mid-p gives back some of what the exact test leaves unused
  EXPECT_LT(mid, 0.06 * kDataSets);
}

// Three answers of one conversation share a chance to be right: candidate minus baseline.
TEST(Coverage, ClusteredPairs) {
  const double share = coverage(-0.05, [](Stream& stream) {
    std::vector<double> a;
    std::vector<double> b;
    std::vector<int64_t> clusters;
    for (int64_t cluster = 0; cluster < 80; ++cluster) {
      const double level = 0.6 + 0.6 * (stream.uniform() - 0.5);
      const double lost = 0.2 * (stream.uniform() - 0.25);
      for (int i = 0; i < 3; ++i) {
        b.push_back(stream.coin(level));
        a.push_back(stream.coin(level - lost));
        clusters.push_back(cluster);
      }
    }
    const PairedDifference d = clustered_paired_difference(a, b, clusters);
    return Interval{d.lo, d.hi};
  });
  EXPECT_GT(share, 0.94);
  EXPECT_LT(share, 0.96);
}

// Paired t of partial scores, and the sign of what is found when the models are swapped.
TEST(Coverage, PairedPartialScores) {
  const double share = coverage(0.02, [](Stream& stream) {
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < 60; ++i) {
      const double common = stream.uniform();
      a.push_back(0.5 * common + 0.3 * stream.uniform() + 0.02);
      b.push_back(0.5 * common + 0.3 * stream.uniform());
    }
    const PairedDifference d = paired_difference(a, b);
    const PairedDifference swapped = paired_difference(b, a);
    EXPECT_EQ(d.lo, -swapped.hi);
    return Interval{d.lo, d.hi};
  });
  EXPECT_GT(share, 0.94);
  EXPECT_LT(share, 0.96);
}

TEST(Coverage, RetentionByBootstrapAndByFieller) {
  // Large right with 0.8; small right with 0.8 of those and 0.3 of the others: retention 0.7 / 0.8.
  BootstrapOptions quick;
  quick.resamples = 400;  // enough for a coverage within a point
  constexpr int kFewer = 1000;
  const auto draw = [](Stream& stream, std::vector<double>& small, std::vector<double>& large) {
    for (int i = 0; i < 150; ++i) {
      large.push_back(stream.coin(0.8));
      small.push_back(stream.coin(large.back() == 1 ? 0.8 : 0.3));
    }
  };
  const double truth = (0.8 * 0.8 + 0.2 * 0.3) / 0.8;
  int by_bootstrap = 0;
  int by_fieller = 0;
  for (int i = 0; i < kFewer; ++i) {
    Stream stream(i);
    std::vector<double> small;
    std::vector<double> large;
    draw(stream, small, large);
    const Retention r = retention(small, large, quick);
    by_bootstrap += r.bootstrap.lo <= truth && truth <= r.bootstrap.hi;
    by_fieller += r.fieller.lo <= truth && truth <= r.fieller.hi;
  }
  EXPECT_GT(by_bootstrap, 0.93 * kFewer);
  EXPECT_LT(by_bootstrap, 0.97 * kFewer);
  EXPECT_GT(by_fieller, 0.935 * kFewer);
  EXPECT_LT(by_fieller, 0.965 * kFewer);
}

}  // namespace
}  // namespace sizeup
