#include "reports/format.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

TEST(FormatPoints, HasATrueMinusAndNoSignedZero) {
  EXPECT_EQ(format_points(-0.008), "−0.8");
  EXPECT_EQ(format_points(0.0026), "+0.3");
  EXPECT_EQ(format_points(0.0), "0.0");
  EXPECT_EQ(format_points(-0.0001), "0.0");
  EXPECT_EQ(format_points(kNoNumber), "–");
}

TEST(FormatPointsRange, OneDigitWhereThatIsEnough) {
  EXPECT_EQ(format_points_range(-0.0194, 0.0025, 0.02), "−1.9…+0.2");
  EXPECT_EQ(format_points_range(kNoNumber, 0.1, 0.02), "no interval");
}

// The brief's rule: if the rounded bound equals the margin or changes side, one more digit.
TEST(FormatPointsRange, NeverContradictsTheVerdict) {
  EXPECT_EQ(format_points_range(-0.0204, 0.005, 0.02), "−2.04…+0.5");  // not yes, so not "−2.0"
  EXPECT_EQ(format_points_range(-0.0196, 0.005, 0.02), "−1.96…+0.5");  // yes, so not "−2.0"
  EXPECT_EQ(format_points_range(-0.02004, 0.005, 0.02), "−2.004…+0.5");
  EXPECT_EQ(format_points_range(-0.1, -0.0004, 0.05), "−10.0…−0.04");  // excludes zero, so not "0.0"
  EXPECT_EQ(format_points_range(-0.02, 0.0, 0.02), "−2.0…0.0");        // exactly there
}

TEST(FormatNumbers, UnitsAndGroups) {
  EXPECT_EQ(format_count(1336400), "1,336,400");
  EXPECT_EQ(format_count(-1234), "−1,234");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_percent(0.8924), "89.2\u00a0%");
  EXPECT_EQ(format_percent_range(0.8782, 0.9053), "87.8…90.5");
  EXPECT_EQ(format_bytes(3'400'000'000), "3.4\u00a0GB");
  EXPECT_EQ(format_bytes(512), "512\u00a0B");
  EXPECT_EQ(format_parameters(3'500'000), "3.5\u00a0M");
  EXPECT_EQ(format_p(0.18492), "0.18");
  EXPECT_EQ(format_p(2.8e-6), "<\u00a00.0001");
  EXPECT_EQ(format_margin(0.05), "5");
  EXPECT_EQ(format_margin(0.025), "2.5");
}

TEST(FormatDuration, ThreeDigitsInTheUnitThatFits) {
  EXPECT_EQ(format_duration(3.207), "3.21\u00a0ms");
  EXPECT_EQ(format_duration(321.4), "321\u00a0ms");
  EXPECT_EQ(format_duration(1839), "1.84\u00a0s");
  EXPECT_EQ(format_duration(566'000),
            "9\u00a0min\u00a0"
            "26\u00a0s");
  EXPECT_EQ(format_duration(4'080'000),
            "1\u00a0h\u00a0"
            "8\u00a0min");
  EXPECT_EQ(format_duration_range(980, 1200), "0.980…1.20\u00a0s");  // one unit for both ends
}

TEST(FormatMoney, SymbolOrCode) {
  EXPECT_EQ(format_money(10885, "USD"), "$10,885");
  EXPECT_EQ(format_money(12.5, "EUR"), "€12.50");
  EXPECT_EQ(format_money(0.111, "USD"), "$0.111");
  EXPECT_EQ(format_money(3400, "CHF"),
            "CHF\u00a0"
            "3,400");
}

}  // namespace
}  // namespace sizeup
