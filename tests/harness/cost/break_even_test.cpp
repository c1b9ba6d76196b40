#include "harness/cost/break_even.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/json/json.h"
#include "harness/cost/own_machine.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

// tests/oracles/cost_golden.py
const Json& golden() {
  static const Json parsed = Json::parse(read_whole(golden_folder() / "cost.json"));
  return parsed;
}

StepLine line_of(const Json& json) {
  StepLine line{json[0].get<double>(), json[1].get<double>(), json[2].get<double>()};
  if (!json[3].is_null()) line.width = json[3].get<double>();
  return line;
}

const char* word(Cheaper side) {
  if (side == Cheaper::neither) return "neither";
  return side == Cheaper::candidate ? "candidate" : "baseline";
}

double cost_at(const StepLine& line, double x) {
  const double steps = std::isfinite(line.width) ? std::floor(x / line.width) + 1 : 1;
  return line.fixed + line.slope * x + line.step * steps;
}

TEST(Crossing, IsTheLastChangeOfSign) {
  for (const Json& one : golden()["crossings"]) {
    const Crossing found = last_crossing(line_of(one["candidate"]), line_of(one["baseline"]));
    const Json& expected = one["crossing"];
    EXPECT_STREQ(word(found.above), expected["above"].get<std::string>().c_str()) << one;
    EXPECT_STREQ(word(found.below), expected["below"].get<std::string>().c_str()) << one;
    ASSERT_EQ(found.at.has_value(), !expected["at"].is_null()) << one;
    if (found.at) {
      EXPECT_NEAR(*found.at, expected["at"].get<double>(), 1e-9 * *found.at) << one;
    }
  }
}

TEST(Crossing, SwappingTheModelsMirrorsIt) {
  const auto mirrored = [](Cheaper side) {
    if (side == Cheaper::neither) return side;
    return side == Cheaper::candidate ? Cheaper::baseline : Cheaper::candidate;
  };
  for (const Json& one : golden()["crossings"]) {
    const StepLine a = line_of(one["candidate"]);
    const StepLine b = line_of(one["baseline"]);
    const Crossing found = last_crossing(a, b);
    const Crossing swapped = last_crossing(b, a);
    EXPECT_EQ(swapped.above, mirrored(found.above)) << one;
    EXPECT_EQ(swapped.below, mirrored(found.below)) << one;
    EXPECT_EQ(swapped.at, found.at) << one;
  }
}

TEST(Crossing, TheCurrencyDoesNotMoveIt) {
  const auto in_cents = [](StepLine line) {
    line.fixed *= 100;
    line.slope *= 100;
    line.step *= 100;
    return line;
  };
  for (const Json& one : golden()["crossings"]) {
    const Crossing euros = last_crossing(line_of(one["candidate"]), line_of(one["baseline"]));
    const Crossing cents =
        last_crossing(in_cents(line_of(one["candidate"])), in_cents(line_of(one["baseline"])));
    EXPECT_EQ(cents.above, euros.above);
    ASSERT_EQ(cents.at.has_value(), euros.at.has_value());
    if (euros.at) {
      EXPECT_NEAR(*cents.at, *euros.at, 1e-9 * *euros.at);
    }
  }
}

TEST(Crossing, BothCostTheSameThereUnlessAStepIsDue) {
  int equal = 0;
  for (const Json& one : golden()["crossings"]) {
    const StepLine a = line_of(one["candidate"]);
    const StepLine b = line_of(one["baseline"]);
    const Crossing found = last_crossing(a, b);
    if (!found.at) continue;
    const double x = *found.at;
    const double before = cost_at(a, x * (1 - 1e-9)) - cost_at(b, x * (1 - 1e-9));
    const double after = cost_at(a, x * (1 + 1e-9)) - cost_at(b, x * (1 + 1e-9));
    if (std::abs(after - before) < 1e-3) {  // no step here
      ++equal;
      EXPECT_NEAR(cost_at(a, x), cost_at(b, x), 1e-6 * cost_at(a, x)) << one;
    } else {
      EXPECT_LE(before * after, 1e-3) << one;
    }
  }
  EXPECT_GT(equal, 10);
}

TEST(Crossing, LinesThatGrowAlike) {
  const StepLine machine{0, 0, 500, 100'000};
  const StepLine line{0, 0.005};
  EXPECT_EQ(last_crossing(machine, machine).above, Cheaper::neither);
  EXPECT_EQ(last_crossing({-1, 0, 500, 100'000}, machine).above, Cheaper::candidate);
  EXPECT_EQ(last_crossing(machine, line).above, Cheaper::baseline);  // it waits for its machine to fill
  EXPECT_EQ(last_crossing(machine, {250, 0.005}).above, Cheaper::neither);
  EXPECT_EQ(last_crossing({}, {}).above, Cheaper::neither);
  EXPECT_EQ(last_crossing({0, 0.01}, {0, 0.02}).at, std::nullopt);
}

TEST(Crossing, AlmostEqualGrowthEndsInTime) {
  const Crossing found = last_crossing({0, 0, 500, 100'000}, {250, 0.005 * (1 + 1e-10)});
  EXPECT_EQ(found.above, Cheaper::neither);
}

OwnMachine machine_of(const Json& json) {
  OwnMachine machine;
  machine.purchase = json["purchase"].get<double>();
  machine.lifetime_months = json["lifetime_months"].get<double>();
  machine.watts = json["watts"].get<double>();
  if (!json["idle_watts"].is_null()) machine.idle_watts = json["idle_watts"].get<double>();
  machine.price_per_kwh = json["price_per_kwh"].get<double>();
  machine.monthly = json["monthly"].get<double>();
  return machine;
}

TEST(OwnMachine, PriceOfAnHour) {
  for (const Json& one : golden()["hours"]) {
    EXPECT_NEAR(price_per_hour(machine_of(one), one["utilisation"].get<double>()),
                one["per_hour"].get<double>(), 1e-12);
  }
}

TEST(OwnMachine, FiguresAreChecked) {
  OwnMachine machine;
  machine.purchase = 1000;
  EXPECT_EQ(check_machine(machine, "prices.yaml:3").error().place, "prices.yaml:3");
  machine.lifetime_months = 36;
  EXPECT_TRUE(check_machine(machine, "").has_value());
  machine.watts = -1;
  EXPECT_FALSE(check_machine(machine, "").has_value());
  machine.watts = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(check_machine(machine, "").has_value());
}

ModelUse use_of(const Json& json) {
  ModelUse use;
  use.per_sample = json["per_sample"].get<std::vector<double>>();
  use.mean = mean(use.per_sample);
  if (!json["machine_per_month"].is_null()) use.machine_per_month = json["machine_per_month"].get<double>();
  use.utilisation = json["utilisation"].get<double>();
  use.running = {json["one_time"].get<double>(), json["monthly"].get<double>(),
                 json["retraining"].get<double>(), json["retraining_months"].get<double>()};
  return use;
}

// Two percentiles of 10,000 resamples against those of 200,000: each end carries about 2 % of the width.
void expect_close(double lo, double hi, const Json& expected) {
  const double width = expected[1].get<double>() - expected[0].get<double>();
  EXPECT_NEAR(lo, expected[0].get<double>(), 0.05 * width);
  EXPECT_NEAR(hi, expected[1].get<double>(), 0.05 * width);
}

TEST(BreakEven, VolumeAndMonthWithIntervals) {
  for (const Json& one : golden()["intervals"]) {
    const ModelUse small = use_of(one["small"]);
    const ModelUse large = use_of(one["large"]);
    const double volume = one["volume"].get<double>();
    EXPECT_NEAR(VolumeCost(small, small.mean).per_month(volume), one["per_month"][0].get<double>(), 1e-9);
    EXPECT_NEAR(VolumeCost(large, large.mean).per_month(volume), one["per_month"][1].get<double>(), 1e-9);

    const BreakEven found = break_even_volume(small, large);
    EXPECT_EQ(found.crossing.above, Cheaper::candidate);
    EXPECT_NEAR(found.crossing.at.value(), one["at"].get<double>(), 1e-6);
    expect_close(found.lo, found.hi, one["interval"]);
    if (!one.contains("month")) continue;
    const BreakEven month = break_even_month(small, large, volume);
    EXPECT_EQ(month.crossing.above, Cheaper::candidate);
    EXPECT_NEAR(month.crossing.at.value(), one["month"].get<double>(), 1e-9);
    expect_close(month.lo, month.hi, one["month_interval"]);
  }
}

ModelUse endpoint(std::vector<double> prices) {
  ModelUse use;
  use.mean = mean(prices);
  use.per_sample = std::move(prices);
  return use;
}

TEST(BreakEven, TheSecondMachineIsBoughtWhenTheFirstIsFull) {
  ModelUse use;
  use.machine_per_month = 100;
  use.utilisation = 0.5;
  use.mean = 1.314;  // seconds
  const VolumeCost cost(use, use.mean);
  EXPECT_DOUBLE_EQ(cost.capacity().value(), 1e6);
  EXPECT_EQ(cost.machines(1), 1);
  EXPECT_EQ(cost.machines(999'999), 1);
  EXPECT_EQ(cost.machines(1'000'001), 2);
  EXPECT_DOUBLE_EQ(cost.per_month(3), 100);
  EXPECT_DOUBLE_EQ(cost.per_month(2'500'000), 300);
  EXPECT_DOUBLE_EQ(cost.per_request(), 1e-4);
  EXPECT_EQ(VolumeCost(endpoint({1}), 1).machines(1e6), 0);
}

TEST(BreakEven, NeverIsAnAnswer) {
  const ModelUse dear = endpoint({0.02, 0.03, 0.025});
  const ModelUse cheap = endpoint({0.002, 0.003, 0.0025});
  const BreakEven never = break_even_volume(dear, cheap);
  EXPECT_EQ(never.crossing.above, Cheaper::baseline);
  EXPECT_EQ(never.crossing.at, std::nullopt);
  EXPECT_EQ(never.lo, 0);
  EXPECT_EQ(never.hi, 0);
}

TEST(BreakEven, TheIntervalMayIncludeNever) {
  // Two prices whose means cannot be told apart, and a fixed cost: some resamples never get it back.
  ModelUse candidate = endpoint({0.001, 0.004, 0.002, 0.006, 0.001, 0.003});
  const ModelUse baseline = endpoint({0.004, 0.001, 0.005, 0.002, 0.006, 0.002});
  candidate.running.monthly = 100;
  const BreakEven found = break_even_volume(candidate, baseline);
  EXPECT_EQ(found.crossing.above, Cheaper::candidate);
  EXPECT_TRUE(found.crossing.at.has_value());
  EXPECT_GT(found.lo, 0);
  EXPECT_TRUE(std::isinf(found.hi));
}

TEST(BreakEven, NoIntervalWithoutSamples) {
  ModelUse candidate = endpoint({});
  candidate.mean = 0.001;
  candidate.running.monthly = 10;
  ModelUse baseline = endpoint({});
  baseline.mean = 0.002;
  const BreakEven found = break_even_volume(candidate, baseline);
  EXPECT_NEAR(found.crossing.at.value(), 10'000, 1e-6);
  EXPECT_TRUE(std::isnan(found.lo));
}

TEST(BreakEven, TrainingAgainMustHavePaidForItself) {
  ModelUse candidate = endpoint({0.001, 0.001});
  const ModelUse baseline = endpoint({0.002, 0.002});
  candidate.running.one_time = 500;
  EXPECT_NEAR(break_even_month(candidate, baseline, 1e5).crossing.at.value(), 5, 1e-9);  // saves 100 a month
  candidate.running.retraining = 300;
  candidate.running.retraining_months = 6;  // paid back in month 5, behind again from 6 to 8
  const Crossing found = break_even_month(candidate, baseline, 1e5).crossing;
  EXPECT_EQ(found.above, Cheaper::candidate);
  EXPECT_NEAR(found.at.value(), 8, 1e-9);
  candidate.running.retraining = 700;
  EXPECT_EQ(break_even_month(candidate, baseline, 1e5).crossing.above, Cheaper::baseline);
}

}  // namespace
}  // namespace sizeup
