#include "harness/cost/traffic.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sizeup {
namespace {

constexpr double kDay = 86'400;

// Expected: Python's datetime.fromisoformat(...).timestamp().
TEST(TrafficTime, IsSecondsSince1970) {
  EXPECT_EQ(seconds_of("2026-03-01T10:00:00Z"), 1772359200.0);
  EXPECT_EQ(seconds_of("2026-03-01 10:00"), 1772359200.0);
  EXPECT_EQ(seconds_of("2026-03-01T10:00:00.250+02:00"), 1772352000.25);
  EXPECT_EQ(seconds_of("2026-02-28T23:30:00-0530"), 1772341200.0);
  EXPECT_EQ(seconds_of("1969-12-31T23:00:00Z"), -3600.0);
  EXPECT_EQ(seconds_of("2028-02-29"), 1835395200.0);
  for (const char* wrong :
       {"", "soon", "2026-02-29", "2026-03-01T", "2026-03-01T25:00", "2026-03-01T10:00:00X",
        "2026-03-01T10:00:00+2", "2026-03-01T10:00Z+01:00", "2026-03-01T1:00"}) {
    EXPECT_EQ(seconds_of(wrong), std::nullopt) << wrong;
  }
}

// scipy.stats.t.interval(0.95, 7, mean, sem) of 2.0 five times, 3.5 twice, 10.0.
TEST(Traffic, ARowStandsForItsRequests) {
  const Estimate found = counted_estimate({2.0, 3.5, 10.0}, {5, 2, 1});
  EXPECT_DOUBLE_EQ(found.value, 3.375);
  EXPECT_NEAR(found.lo, 1.0664617756695556, 1e-12);
  EXPECT_NEAR(found.hi, 5.683538224330444, 1e-12);
  EXPECT_EQ(found.n, 8);
}

// A request at 0 h, 6 h, ... 18 h: three gaps in 18 hours, not four requests in them.
TEST(Traffic, TheRateIsThatBetweenTheRows) {
  std::vector<TrafficRow> rows;
  for (const double hour : {12.0, 0.0, 18.0, 6.0}) rows.push_back({1, hour * 3600});
  EXPECT_NEAR(requests_per_month(rows).value(), 730.0 / 6, 1e-9);
  for (TrafficRow& row : rows) row.count = 100;
  EXPECT_NEAR(requests_per_month(rows).value(), 100 * 730.0 / 6, 1e-9);
  EXPECT_EQ(requests_per_month({{5, 10.0}, {5, 10.0}}), std::nullopt);
  EXPECT_EQ(requests_per_month({{5, {}}, {5, {}}}), std::nullopt);
}

std::vector<TrafficRow> daily(const std::vector<int64_t>& counts) {
  std::vector<TrafficRow> rows;
  for (size_t day = 0; day < counts.size(); ++day)
    rows.push_back({counts[day], kDay * static_cast<double>(day)});
  rows.push_back({1, kDay * static_cast<double>(counts.size())});  // ends the last day
  return rows;
}

// An endpoint's month by days that are all alike is certain; by days that differ it is not, though every
// request costs the same.
TEST(Traffic, DaysThatDifferMakeTheMonthUncertain) {
  ModelUse use;
  use.mean = 0.002;
  const std::vector<TrafficRow> alike = daily({100, 100, 100, 100, 100, 100, 100});
  ASSERT_TRUE(covers_days(alike));
  use.per_sample.assign(alike.size(), 0.002);
  const double month = 0.002 * 100 * 730 / 24;
  const Estimate certain = month_by_days(use, alike, 100.0 * 730 / 24);
  EXPECT_NEAR(certain.value, month, 1e-9);
  EXPECT_NEAR(certain.lo, month, 1e-9);
  EXPECT_NEAR(certain.hi, month, 1e-9);

  const Estimate uncertain = month_by_days(use, daily({40, 160, 40, 160, 40, 160, 100}), 100.0 * 730 / 24);
  // Standard deviation of a day: 60 requests or so; of the mean of 7 days 21, and 95 % of the means lie
  // within 2.
  EXPECT_GT(uncertain.lo, 0.4 * month);
  EXPECT_LT(uncertain.lo, 0.75 * month);
  EXPECT_GT(uncertain.hi, 1.25 * month);
  EXPECT_LT(uncertain.hi, 1.6 * month);
  EXPECT_FALSE(covers_days(daily({100, 100, 100, 100, 100, 100})));
}

TEST(Traffic, AMonthOfAMachineGrowsInSteps) {
  ModelUse use;
  use.machine_per_month = 100.0;
  use.utilisation = 0.5;
  use.mean = 1.0;  // a machine answers 730 * 3600 / 2 requests
  const double capacity = 730 * 3600 * 0.5;
  const Estimate month = month_of(use, {1.0, 0.8, 1.3, 50}, capacity);
  EXPECT_DOUBLE_EQ(month.value, 100.0);
  EXPECT_DOUBLE_EQ(month.lo, 100.0);
  EXPECT_DOUBLE_EQ(month.hi, 200.0);  // 1.3 machines
}

// Rows with counts and the same rows written out have the same break-even.
TEST(Traffic, CountsAreAsManyRows) {
  ModelUse machine;
  machine.machine_per_month = 300.0;
  machine.mean = 0.5;
  ModelUse endpoint;
  endpoint.mean = 0.001 * 1.75;
  ModelUse counted_machine = machine;
  ModelUse counted_endpoint = endpoint;
  for (int i = 0; i < 400; ++i) {
    const double tokens = i % 4 == 0 ? 4.0 : 1.0;
    machine.per_sample.push_back(tokens);
    endpoint.per_sample.push_back(tokens);
  }
  for (ModelUse* use : {&counted_machine, &counted_endpoint}) {
    use->per_sample = {4.0, 1.0};
    use->counts = {100, 300};
  }
  const BreakEven rows = break_even_volume(machine, endpoint);
  const BreakEven counts = break_even_volume(counted_machine, counted_endpoint);
  ASSERT_TRUE(rows.crossing.at && counts.crossing.at);
  EXPECT_DOUBLE_EQ(*counts.crossing.at, *rows.crossing.at);
  EXPECT_LT(rows.lo, *rows.crossing.at);
  EXPECT_NEAR(counts.lo, rows.lo, 0.01 * rows.lo);  // of 10,000 resamples each
  EXPECT_NEAR(counts.hi, rows.hi, 0.01 * rows.hi);
}

}  // namespace
}  // namespace sizeup
