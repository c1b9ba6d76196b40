#include "reports/markdown/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/format.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MarkdownText, ShowsAsItIs) {
  EXPECT_EQ(markdown_text("a_b *c* [d](e) `f` | g"), "a\\_b \\*c\\* \\[d\\](e) \\`f\\` \\| g");
  EXPECT_EQ(markdown_text("<script>&"), "&lt;script&gt;&amp;");
  EXPECT_EQ(markdown_text("line\nbreak\rand @someone"), "line break\\[U+000D\\]and &#64;someone");
  EXPECT_EQ(markdown_text("\u202e\xff"), "\\[U+202E\\]\ufffd");
  EXPECT_EQ(markdown_text("see http://a.b or www.c.d: x"), "see http&#58;//a.b or www&#46;c.d: x");
  EXPECT_EQ(markdown_text("grüße 漢字"), "grüße 漢字");
}

TEST(MarkdownRow, HasOneCellForEachName) {
  EXPECT_EQ(markdown_header({"a", "b"}), "| a | b |\n|---|---|\n");
}

class ReportMarkdown : public testing::Test {
 protected:
  TemporaryFolder own;

  ReportData load(const InventedRun& what) const {
    return load_report(make_invented_run(own.path() / "store.db", what), "", {}).value();
  }
};

TEST_F(ReportMarkdown, HasVerdictDifferencesModelsAndNotes) {
  const ReportData data = load({});
  const std::string text = to_markdown(data);
  EXPECT_THAT(text, testing::StartsWith("# Is pocket-small enough?\n\n**Against pocket-large: "));
  for (const ReportDifference& difference : data.differences) {
    const PairedDifference& d = difference.result.difference;
    EXPECT_THAT(text, HasSubstr("| " + data.tasks[static_cast<size_t>(difference.task)].name + " | "));
    EXPECT_THAT(text, HasSubstr(format_points_range(d.lo, d.hi, 0.05)));
    EXPECT_THAT(text, HasSubstr(std::to_string(d.wins) + " / " + std::to_string(d.losses)));
  }
  EXPECT_THAT(text, HasSubstr("| all tasks | "));
  EXPECT_THAT(text, HasSubstr("| pocket-large | "));
  EXPECT_THAT(text, HasSubstr("- Run 2026-11-21-1, started"));
  EXPECT_THAT(text, Not(HasSubstr("Turazo")));  // no texts
}

TEST_F(ReportMarkdown, OneModelHasNoDifferences) {
  InventedRun one;
  one.models = 1;
  const std::string text = to_markdown(load(one));
  EXPECT_THAT(text, Not(HasSubstr("## Differences")));
  EXPECT_THAT(text, HasSubstr("## Models"));
}

TEST_F(ReportMarkdown, HostileNamesAreText) {
  InventedRun hostile;
  hostile.hostile = true;
  const std::string text = to_markdown(load(hostile));
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, Not(HasSubstr("\u202e")));
  EXPECT_THAT(text, HasSubstr("&lt;script&gt;alert(1)"));
}

}  // namespace
}  // namespace sizeup
