#include "reports/gate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/json/json.h"
#include "tests/reports/invented_run.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

GateLine line(const std::string& task, GateOutcome outcome, const std::string& finding) {
  GateLine out;
  out.task = task;
  out.rule = "acc at least 0.9";
  out.place = "ci/policy.yaml:12";
  out.outcome = outcome;
  out.finding = finding;
  out.measured = {0.5, 0.4, 0.6, 100};
  out.bound = 0.9;
  return out;
}

GateReport report_of(std::vector<GateLine> lines) {
  GateReport report;
  report.result.lines = std::move(lines);
  report.result.outcome = GateOutcome::fail;
  report.policy = "ci/policy.yaml";
  report.candidate = "run:small";
  report.baseline = "run:large";
  return report;
}

GateReport three() {
  return report_of({line("a", GateOutcome::pass, "fine"), line("b", GateOutcome::fail, "too low"),
                    line("c", GateOutcome::not_enough_data, "open")});
}

TEST(JUnit, CountsAndKindsOfCases) {
  GateReport report = three();
  const std::string xml = to_junit(report);
  EXPECT_THAT(xml, HasSubstr("tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\""));
  EXPECT_THAT(
      xml, HasSubstr("<testcase classname=\"sizeup.gate.b\" name=\"acc at least 0.9\"><failure type=\"fail\" "
                     "message=\"too low\">ci/policy.yaml:12</failure></testcase>"));
  EXPECT_THAT(xml, HasSubstr("<error type=\"not enough data\" message=\"open\">"));
  report.inconclusive_passes = true;
  EXPECT_THAT(to_junit(report), HasSubstr("errors=\"0\" skipped=\"1\""));
  EXPECT_THAT(to_junit(report), HasSubstr("<skipped message=\"open\"/>"));
}

TEST(JUnit, AnEnemysNamesAreText) {
  const std::string enemy = enemy_text() + "</failure>]]>&\"'<\xef\xbf\xbf\x01\xff";
  GateReport report = report_of({line(enemy, GateOutcome::fail, enemy)});
  report.candidate = enemy;
  const std::string xml = to_junit(report);
  EXPECT_THAT(xml, HasSubstr("&lt;/failure&gt;]]&gt;&amp;&quot;"));
  EXPECT_THAT(xml, HasSubstr("[U+FFFF][U+0001]\xef\xbf\xbd"));
  for (const char c : xml) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(std::count(xml.begin(), xml.end(), '<'), 9)
      << "declaration, two suites, case, failure, and their ends";
}

TEST(GitHub, AnnotationsPointAtThePolicy) {
  const std::string text = to_annotations(three());
  EXPECT_EQ(
      text,
      "::error file=ci/policy.yaml,line=12,title=sizeup gate%3A b%3A fail::acc at least 0.9: too low\n"
      "::warning file=ci/policy.yaml,line=12,title=sizeup gate%3A c%3A not enough data::acc at least 0.9: "
      "open\n");
}

TEST(GitHub, NothingEndsItsLine) {
  GateReport report = report_of({line("a,b:c\r\n::set-env", GateOutcome::fail, "100 %\n::error::x")});
  report.result.lines[0].place = "no line";
  EXPECT_EQ(to_annotations(report),
            "::error title=sizeup gate%3A a%2Cb%3Ac%0D%0A%3A%3Aset-env%3A fail::acc at least 0.9: 100 "
            "%25%0A::error::x\n");
}

TEST(Markdown, ShowsTheTableAndNobodysMarkup) {
  GateReport report = three();
  report.result.lines.push_back(line("x|y", GateOutcome::fail, "<img src=x>\n| @someone [a](b) `c` \u202e"));
  report.result.notes = {"a *note*"};
  const std::string text = to_markdown(report);
  EXPECT_THAT(text, HasSubstr("### sizeup gate: fail: 2 of 4 checks failed"));
  EXPECT_THAT(text, HasSubstr("| ❌ fail | b | acc at least 0.9 | too low |\n"));
  EXPECT_THAT(text, HasSubstr("| ❌ fail | x\\|y | acc at least 0.9 | &lt;img src=x&gt; \\| &#64;someone "
                              "\\[a\\](b) \\`c\\` \\[U+202E\\] |\n"));
  EXPECT_THAT(text, HasSubstr("- a \\*note\\*"));
}

TEST(GateJson, HoldsEveryNumber) {
  GateReport report = three();
  report.result.lines[2].measured = {};
  report.result.lines[2].more = 40;
  const Json json = to_json(report);
  EXPECT_EQ(json["schema"], "sizeup.gate/1");
  EXPECT_EQ(json["outcome"], "fail");
  EXPECT_EQ(json["checks"][1]["hi"], 0.6);
  EXPECT_EQ(json["checks"][1]["bound"], 0.9);
  EXPECT_TRUE(json["checks"][2]["value"].is_null());
  EXPECT_EQ(json["checks"][2]["more"], 40);
}

}  // namespace
}  // namespace sizeup
