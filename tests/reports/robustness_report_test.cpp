// Variants and the worst slice in every form of the report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/json/json.h"
#include "reports/report.h"
#include "reports/robustness_text.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

ReportData loaded_with_variants(bool variants) {
  const TemporaryFolder folder;
  InventedRun run;
  run.variants = variants;
  return load_report(make_invented_run(folder.path() / "store.db", run), "", {}).value();
}

// An entry made by hand: a spread and a slice with these p.
ReportRobustness invented_entry(double p, double loss) {
  ReportRobustness entry;
  VariantSpread spread;
  spread.documents = 200;
  spread.variants.resize(2);
  spread.variants[0].score.value = 0.8;
  spread.variants[1].score.value = 0.8 - loss;
  spread.variants[1].difference.difference = -loss;
  spread.variants[1].difference.lo = -loss - 0.02;
  spread.variants[1].difference.hi = -loss + 0.02;
  spread.variants[1].difference.losses = 21;
  spread.variants[1].difference.wins = 3;
  spread.variants[1].holm_p = p;
  spread.lowest = 1;
  spread.spread = loss;
  spread.interval = {0.0, 0.14};
  spread.chance = 0.021;
  spread.p = p;
  spread.changed.value = 0.12;
  spread.always_right.value = 0.7;
  entry.variants = spread;
  entry.names = {"original", "typos"};
  entry.worst = WorstSlice{"tier", "free", {0.5, 0.4, 0.6, 100}, 0.75, p, 6, 1};
  return entry;
}

TEST(RobustnessText, SaysTheSpreadBesideWhatChanceGives) {
  EXPECT_EQ(
      spread_sentence(invented_entry(0.5, 0.04)),
      "2 ways of asking 200 documents lie 4.0\u00a0pp apart (0.0…14.0; by chance alone 2.1\u00a0pp, "
      "p = 0.50): lowest typos 76.0\u00a0%, highest original 80.0\u00a0%. 12.0\u00a0% of the documents are "
      "right in some ways and wrong in others, 70.0\u00a0% right in all.");
}

TEST(RobustnessText, AClaimNeedsATestThatAllowsForAll) {
  EXPECT_THAT(worst_slice_sentence(invented_entry(0.3, 0.1)), HasSubstr("which may be chance"));
  EXPECT_THAT(worst_slice_sentence(invented_entry(0.01, 0.1)), HasSubstr("shown to be lower"));
  ReportData data = loaded_with_variants(true);
  data.robustness = {invented_entry(0.3, 0.1)};
  EXPECT_EQ(robustness_finding(data), "No way of asking is shown to lower small’s score");
  data.robustness = {invented_entry(0.01, 0.1), invented_entry(0.01, 0.2)};
  EXPECT_EQ(robustness_finding(data), "Small loses 20.0\u00a0pp with helpdesk: typos") << "the largest loss";
  data.robustness = {invented_entry(0.01, -0.1)};
  EXPECT_EQ(robustness_finding(data), "Small’s score hangs on the way it is asked");
}

TEST(RobustnessReport, CountsDocumentsOfTheStore) {
  const ReportData data = loaded_with_variants(true);
  ASSERT_EQ(data.robustness.size(), 6U) << "three tasks with slices, two models";
  for (const ReportRobustness& entry : data.robustness) {
    ASSERT_TRUE(entry.worst);
    EXPECT_EQ(entry.variants.has_value(), data.tasks[static_cast<size_t>(entry.task)].name == "handbook");
    if (!entry.variants) continue;
    EXPECT_EQ(entry.variants->documents, 30);
    EXPECT_THAT(entry.names, testing::ElementsAre("original", "typos", "<long>"));
    EXPECT_TRUE(std::isfinite(entry.variants->spread));
  }
}

TEST(RobustnessReport, IsInEveryForm) {
  const ReportData data = loaded_with_variants(true);
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("id=\"robustness\""));
  EXPECT_THAT(page, HasSubstr("&lt;long&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<long>")));
  const std::string markdown = to_markdown(data);
  EXPECT_THAT(markdown, HasSubstr("\n## Robustness\n"));
  EXPECT_THAT(markdown, HasSubstr("| handbook | pocket-small | typos | "));
  const Json json = Json::parse(to_line(to_json(data)));
  size_t shown = 0;
  for (const ReportRobustness& entry : data.robustness) {
    EXPECT_THAT(markdown, HasSubstr(" slices: " + entry.worst->field + " " + entry.worst->value));
    if (!entry.variants) continue;
    const Json& one = json.at("robustness").at(shown++);
    EXPECT_EQ(one.at("worst_slice").at("value"), entry.worst->value);
    EXPECT_NEAR(one["worst_slice"]["score"]["hi"].get<double>(), entry.worst->score.hi, 1e-5);
    EXPECT_NEAR(one["variants"]["spread"].get<double>(), entry.variants->spread, 1e-5);
    EXPECT_EQ(one["variants"]["rows"][2]["variant"], "<long>");
    EXPECT_EQ(one["variants"]["rows"][1]["now_wrong"], entry.variants->variants[1].difference.losses);
  }
  EXPECT_EQ(shown, 2U);
  EXPECT_EQ(json["robustness"].size(), shown);
}

TEST(RobustnessReport, WithoutVariantsThereIsNoSection) {
  const ReportData data = loaded_with_variants(false);
  EXPECT_THAT(to_html(data), Not(HasSubstr("id=\"robustness\"")));
  EXPECT_THAT(to_html(data), HasSubstr("lowest of 6 slices"))
      << "helpdesk's are three channels and three tiers";
}

}  // namespace
}  // namespace sizeup
