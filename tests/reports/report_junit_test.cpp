#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReportJUnit : public testing::Test {
 protected:
  TemporaryFolder own;

  ReportData load(const InventedRun& what, const ReportOptions& options = {}) const {
    return load_report(make_invented_run(own.path() / "store.db", what), "", options).value();
  }
};

TEST_F(ReportJUnit, DifferencesPassFailOrAreOpenByTheirVerdicts) {
  ReportData data = load({});
  ASSERT_GE(data.differences.size(), 3U);
  for (ReportScore& score : data.scores) score.errors = 0, score.answered = score.planned;
  data.differences[0].result.verdict = Verdict::yes;
  data.differences[1].result.verdict = Verdict::no;
  data.differences[2].result.verdict = Verdict::not_enough_data;
  data.differences.resize(3);
  const std::string xml = to_junit(data);
  const std::string cases = std::to_string(data.scores.size() + 3);
  EXPECT_THAT(xml, HasSubstr("tests=\"" + cases + "\" failures=\"1\" errors=\"0\" skipped=\"1\""));
  const std::string lost = data.tasks[static_cast<size_t>(data.differences[1].task)].name;
  EXPECT_THAT(xml,
              HasSubstr("<testcase classname=\"sizeup.report." + lost +
                        "\" name=\"pocket-small within 5 points of pocket-large\"><failure type=\"no\""));
}

TEST_F(ReportJUnit, SamplesWithoutAnAnswerAreAnError) {
  ReportData data = load({});
  for (ReportScore& score : data.scores) score.errors = 0, score.answered = score.planned;
  data.differences.clear();
  EXPECT_THAT(to_junit(data), HasSubstr("errors=\"0\""));
  data.scores[0].errors = 2;
  data.scores[1].answered -= 1;
  const std::string xml = to_junit(data);
  EXPECT_THAT(xml, HasSubstr("errors=\"2\""));
  EXPECT_THAT(xml, HasSubstr("<error type=\"failed samples\""));
  EXPECT_THAT(xml, HasSubstr("<error type=\"not finished\""));
}

TEST_F(ReportJUnit, RequirementsAreCases) {
  ReportOptions options;
  Requirements requirements;
  requirements.source = "needs.yaml";
  requirements.p95_ms = 1e-6;
  options.requirements = requirements;
  EXPECT_THAT(
      to_junit(load({}, options)),
      testing::ContainsRegex("classname=\"sizeup.requirements\" name=\"[^\"]*\"><failure type=\"not met\""));
}

TEST_F(ReportJUnit, AnEnemysNamesStayText) {
  InventedRun enemy;
  enemy.hostile = true;
  const std::string xml = to_junit(load(enemy));
  EXPECT_THAT(xml, Not(HasSubstr("<script")));
  for (const char c : xml) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

}  // namespace
}  // namespace sizeup
