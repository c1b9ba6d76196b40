#include "reports/html/svg.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/io/file.h"
#include "core/json/json.h"
#include "reports/html/cost_plot.h"
#include "reports/html/forest.h"
#include "reports/html/history_plot.h"
#include "reports/html/reliability.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

TEST(LinearAxis, RoundTicksCoverTheData) {
  const Axis axis = linear_axis(-31.8, 2.9, 8);
  EXPECT_EQ(axis.lo, -40.0);
  EXPECT_EQ(axis.hi, 10.0);
  EXPECT_EQ(axis.ticks, (std::vector<double>{-40, -30, -20, -10, 0, 10}));
  EXPECT_DOUBLE_EQ(axis.at(-40.0), 0.0);
  EXPECT_DOUBLE_EQ(axis.at(-15.0), 50.0);
}

TEST(LinearAxis, FewTicksWhateverTheRange) {
  for (const auto& [lo, hi] : std::vector<std::pair<double, double>>{
           {0, 0}, {5, 5}, {-0.3, 0.1}, {0, 100}, {59.8, 90.53}, {1e-7, 3e-7}, {-99, 99}}) {
    const Axis axis = linear_axis(lo, hi, 6);
    EXPECT_LE(axis.ticks.size(), 7u) << lo << ' ' << hi;
    EXPECT_GE(axis.ticks.size(), 2u);
    EXPECT_LE(axis.lo, lo + 1e-9);
    EXPECT_GE(axis.hi, hi - 1e-9);
  }
}

TEST(LogAxis, OnesAndThrees) {
  const Axis axis = log_axis(0.02, 1.555);
  ASSERT_EQ(axis.ticks.size(), 6u);
  EXPECT_NEAR(axis.lo, 0.01, 1e-12);
  EXPECT_NEAR(axis.hi, 3.0, 1e-12);
  EXPECT_NEAR(axis.at(0.1), 40.37, 0.005);  // as in the design prototype's cost plot
  EXPECT_NEAR(axis.at(1.555), 88.48, 0.005);
}

TEST(LogAxis, SurvivesAnyRange) {
  for (const auto& [lo, hi] :
       std::vector<std::pair<double, double>>{{0, 0}, {1, 1}, {1e-30, 1e30}, {3, 3}, {0.999, 1.001}}) {
    const Axis axis = log_axis(lo, hi);
    EXPECT_GE(axis.ticks.size(), 2u);
    EXPECT_LE(axis.ticks.size(), 45u);
    EXPECT_GT(axis.hi, axis.lo);
  }
}

// tests/oracles/report_fragments.py writes these by the design's drawing rules, without our code.
TEST(Golden, ForestRows) {
  Result<std::string> text = read_file(golden_folder() / "reports/forest_rows.json");
  ASSERT_TRUE(text.has_value());
  const Json cases = Json::parse(*text);
  ASSERT_GE(cases.size(), 4u);
  Axis axis;
  axis.lo = -50.0;
  axis.hi = 10.0;
  for (double tick = -40.0; tick <= 10.0; tick += 10.0) axis.ticks.push_back(tick);
  for (const Json& one : cases) {
    ForestRow row;
    row.tone = one["tone"] == "small" ? Tone::small : one["tone"] == "both" ? Tone::both : Tone::other;
    row.difference = one["difference"].get<double>();
    row.interval = {one["lo"].get<double>(), one["hi"].get<double>()};
    row.margin = one["margin"].get<double>();
    EXPECT_EQ(forest_row(row, axis).str(), one["svg"].get<std::string>());
  }
}

TEST(Golden, HistoryOfAScore) {
  const Json golden = Json::parse(read_whole(golden_folder() / "reports" / "history.json"));
  Axis y;
  y.lo = golden["lo"].get<double>();
  y.hi = golden["hi"].get<double>();
  std::vector<HistorySeries> series;
  const auto number = [](const Json& value) { return value.is_null() ? kNoNumber : value.get<double>(); };
  for (const Json& one : golden["series"]) {
    HistorySeries drawn;
    drawn.tone = one["tone"] == "small" ? Tone::small : Tone::large;
    for (const Json& point : one["points"]) {
      drawn.points.push_back({point[0].get<size_t>(),
                              {number(point[1]), number(point[2]), number(point[3]), 100},
                              point[0].dump(),
                              point[4].get<bool>()});
    }
    series.push_back(std::move(drawn));
  }
  EXPECT_EQ(history_drawing(series, golden["runs"].get<size_t>(), y).str(), golden["svg"].get<std::string>());
}

TEST(Golden, CostByVolume) {
  const Json golden = Json::parse(read_whole(golden_folder() / "reports" / "cost.json"));
  for (const Json& one : golden) {
    const Axis x = log_axis(one["x"][0].get<double>(), one["x"][1].get<double>());
    const Axis y = log_axis(one["y"][0].get<double>(), one["y"][1].get<double>());
    std::vector<CostLine> lines;
    for (const Json& line : one["lines"]) {
      StepLine cost{line["fixed"].get<double>(), line["slope"].get<double>(), line["step"].get<double>()};
      if (!line["width"].is_null()) cost.width = line["width"].get<double>();
      lines.push_back(
          {line["tone"] == "small" ? Tone::small : Tone::large, cost, line["tone"].get<std::string>()});
    }
    std::optional<CostMark> mark;
    if (!one["mark"].is_null())
      mark = {one["mark"][0].get<double>(), one["mark"][1].get<double>(), "break-even"};
    std::optional<double> volume;
    if (!one["volume"].is_null()) volume = one["volume"].get<double>();
    EXPECT_EQ(cost_drawing(lines, mark, volume, x, y).str(), one["svg"].get<std::string>());
  }
}

TEST(Golden, ShareRightAgainstConfidence) {
  const Json golden = Json::parse(read_whole(golden_folder() / "reports" / "reliability.json"));
  ASSERT_EQ(golden.size(), 3u);
  for (const Json& one : golden) {
    Axis x;
    x.lo = one["x"][0].get<double>();
    x.hi = one["x"][1].get<double>();
    Axis y;
    y.lo = one["y"][0].get<double>();
    y.hi = one["y"][1].get<double>();
    std::vector<ReliabilitySeries> series;
    for (const Json& drawn : one["series"]) {
      series.push_back(
          {drawn["tone"] == "small" ? Tone::small : Tone::large, drawn["name"].get<std::string>(), {}});
      for (const Json& bin : drawn["bins"]) {
        series.back().bins.push_back({bin[0].get<int64_t>(),
                                      bin[1].get<int64_t>(),
                                      bin[2].get<double>(),
                                      {bin[3].get<double>(), bin[4].get<double>()}});
      }
    }
    EXPECT_EQ(reliability_drawing(series, x, y).str(), one["svg"].get<std::string>());
  }
}

TEST(RowMark, LargeIsASquareAndOutsideIsNothing) {
  const Axis axis = linear_axis(0, 100);
  EXPECT_NE(row_mark(Tone::large, axis, 50, 11).str().find("<rect class=\"f-large\" x=\"50%\""),
            std::string::npos);
  EXPECT_NE(row_mark(Tone::small, axis, 50, 11).str().find("<circle class=\"f-small\" cx=\"50%\""),
            std::string::npos);
  EXPECT_TRUE(row_mark(Tone::small, axis, 101, 11).empty());
  EXPECT_TRUE(row_mark(Tone::small, axis, kNoNumber, 11).empty());
  EXPECT_TRUE(whisker(Tone::small, axis, {}, 11).empty());
}

TEST(Curve, IsOnePath) {
  EXPECT_EQ(curve(html("s-small w2"), {{0, 100}, {12.345, 50}, {100, 0}}).str(),
            "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\"><path class=\"s-small w2\" "
            "d=\"M0 100L12.35 50L100 0\"/></svg>");
}

}  // namespace
}  // namespace sizeup
