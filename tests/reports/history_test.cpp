#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

class HistoryTest : public testing::Test {
 protected:
  TemporaryFolder own;

  // Four days of the same job; the small model's weights change on the third.
  Store four_days(bool hostile = false) const {
    InventedRun run;
    run.timings = false;
    run.hostile = hostile;
    for (const auto& [day, version] : std::vector<std::pair<const char*, int>>{
             {"2026-11-18", 0}, {"2026-11-19", 0}, {"2026-11-20", 1}, {"2026-11-21", 1}}) {
      run.day = day;
      run.version = version;
      make_invented_run(own.path() / "store.db", run);
    }
    return Store::open(own.path() / "store.db", StoreAccess::read).value();
  }
};

TEST_F(HistoryTest, PointsAreTheStoredResultsAndMarksTheChangesOfWeights) {
  const Store store = four_days();
  const ReportData data = load_report(store, "", {}).value();
  ASSERT_EQ(data.history.size(), 6u);  // three tasks, two models
  for (const ReportHistory& history : data.history) {
    ASSERT_EQ(history.points.size(), 4u);
    EXPECT_EQ(history.points[0].run, "2026-11-18-1");
    EXPECT_FALSE(history.points[0].other_weights);
    EXPECT_FALSE(history.points[1].other_weights);
    EXPECT_TRUE(history.points[2].other_weights);
    EXPECT_FALSE(history.points[3].other_weights);
    // The newest point is what the report itself says.
    for (const ReportScore& score : data.scores) {
      if (score.model != history.model || score.task != history.task) continue;
      EXPECT_EQ(history.points[3].estimate.value, score.headline.value);
      EXPECT_EQ(history.points[3].estimate.lo, score.headline.lo);
      EXPECT_EQ(history.points[3].estimate.n, score.headline.n);
    }
  }
  EXPECT_NE(data.history[0].points[1].estimate.value, data.history[0].points[2].estimate.value);
}

TEST_F(HistoryTest, LaterRunsAreNotAReportsPast) {
  const Store store = four_days();
  const ReportData data = load_report(store, "2026-11-19-1", {}).value();
  ASSERT_EQ(data.history.size(), 6u);
  EXPECT_EQ(data.history[0].points.size(), 2u);
  EXPECT_TRUE(load_report(store, "2026-11-18-1", {}).value().history.empty());
}

TEST_F(HistoryTest, OtherQuestionsAreLeftOut) {
  four_days();
  InventedRun other;
  other.day = "2026-11-22";
  other.timings = false;
  other.other_data = true;
  const Store store = make_invented_run(own.path() / "store.db", other);
  EXPECT_TRUE(load_report(store, "", {}).value().history.empty());
  EXPECT_EQ(load_report(store, "2026-11-21-1", {}).value().history.front().left_out, 0);
  InventedRun again;
  again.day = "2026-11-23";
  again.timings = false;
  make_invented_run(own.path() / "store.db", again);
  const ReportData data = load_report(store, "2026-11-23-1", {}).value();
  EXPECT_EQ(data.history.front().points.size(), 5u);
  EXPECT_EQ(data.history.front().left_out, 1);
}

TEST_F(HistoryTest, PageAndJsonShowIt) {
  const ReportData data = load_report(four_days(true), "", {}).value();
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("Scores over 4 runs; weights changed once"));
  EXPECT_THAT(page, HasSubstr("aria-label=\"acc of helpdesk over 4 runs\""));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  const Json history = to_json(data)["history"];
  ASSERT_EQ(history.size(), 6u);
  EXPECT_EQ(history[0]["points"][2]["other_weights"], true);
  ASSERT_TRUE(write_csv(data, own.path() / "csv").has_value());
  EXPECT_THAT(read_whole(own.path() / "csv" / "history.csv"), HasSubstr("acc,2026-11-19-1,2026-11-19T04"));
  EXPECT_EQ(history[0]["points"][3]["value"].get<double>(), data.history[0].points[3].estimate.value);
}

}  // namespace
}  // namespace sizeup
