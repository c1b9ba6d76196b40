#include "reports/recommendation.h"

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

class RecommendationTest : public testing::Test {
 protected:
  TemporaryFolder own;

  Store store(int models, bool hostile = false) const {
    InventedRun what;
    what.models = models;
    what.hostile = hostile;
    return make_invented_run(own.path() / "store.db", what);
  }
};

Requirements job() {
  Requirements r;
  r.source = "job.yaml";
  r.margin = 0.2;
  r.margins["invoices"] = 0.4;
  r.p95_ms = 60;
  r.budget = MonthlyBudget{5, "EUR", 100'000};
  r.memory_bytes = 20'000'000;
  r.local_only = true;
  return r;
}

TEST_F(RecommendationTest, SaysWhatToTakeAndWhyNotTheOthers) {
  const RequirementsReport report = load_recommendation(store(3), {}, "", job()).value();
  EXPECT_EQ(report.candidates.models[static_cast<size_t>(report.candidates.best)].name, "pocket-large");
  const std::vector<std::string> said = recommendation_sentences(report);
  ASSERT_EQ(said.size(), 5u);
  EXPECT_THAT(said[0], HasSubstr("Take pocket-small: the only one of 3 models"));
  EXPECT_THAT(said[0], HasSubstr("helpdesk "));
  EXPECT_THAT(said[0], HasSubstr("margin\u00a020\u00a0pp"));
  EXPECT_THAT(said[1], HasSubstr("Cost at 100,000 requests a month €40.00, at most €5.00"));
  EXPECT_THAT(said[2], HasSubstr("pocket-tiny: no: invoices "));
  EXPECT_THAT(said[3], HasSubstr("no other model beats: "));
  EXPECT_THAT(said[4], HasSubstr("97.5\u00a0% each"));
}

TEST_F(RecommendationTest, WithoutAFileTheMarginIsAllThatIsAsked) {
  EXPECT_THAT(recommendation_sentences(load_recommendation(store(1), {}, "", {}).value()),
              testing::ElementsAre(HasSubstr("There is only pocket-small")));
  std::filesystem::remove(own.path() / "store.db");
  EXPECT_EQ(recommendation_sentences(load_recommendation(store(2), {}, "", {}).value()).front(),
            "Take pocket-large: no other model is shown to be good enough.");
}

// The same pairs as the report, at the confidence that allows for two comparisons.
TEST_F(RecommendationTest, DifferencesAreTheReportsWidened) {
  const Store three = store(3);
  const RequirementsReport report = load_recommendation(three, {}, "pocket-large", {}).value();
  ReportOptions pair;
  pair.candidate = "pocket-tiny";
  const ReportData data = load_report(three, "", pair).value();
  const ModelFacts& tiny = report.candidates.models[2];
  for (size_t task = 0; task < data.differences.size(); ++task) {
    const PairedDifference& d = data.differences[task].result.difference;
    EXPECT_EQ(tiny.against_best[task].difference, d.difference);
    EXPECT_EQ(tiny.against_best[task].n, d.n);
    EXPECT_LT(tiny.against_best[task].lo, d.lo);
    EXPECT_GT(tiny.against_best[task].hi, d.hi);
  }
}

TEST_F(RecommendationTest, PageAndJsonHaveTheRequirementsOfThePair) {
  ReportOptions options;
  options.requirements = job();
  const Store two = store(2);
  const ReportData data = load_report(two, "", options).value();
  ASSERT_TRUE(data.requirements.has_value());
  // The requirements' margins are the report's: one verdict, not two.
  for (const ReportDifference& difference : data.differences) {
    const size_t task = static_cast<size_t>(difference.task);
    const Judged& judged = data.requirements->result.models[0].requirements[task];
    EXPECT_EQ(judged.limit, difference.result.margin);
    EXPECT_EQ(judged.found.lo, difference.result.difference.lo);
    EXPECT_EQ(judged.fit == Fit::met, difference.result.verdict == Verdict::yes);
  }
  EXPECT_EQ(data.tasks[1].margin, 0.4);
  const Json rows = to_json(data)["requirements"];
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0]["text"], "helpdesk within 20\u00a0pp of large");
  EXPECT_EQ(rows[0]["large"], Json::array({"na", "is the baseline"}));
  EXPECT_EQ(rows[4]["small"], Json::array({"yes", "€3.00"}));
  EXPECT_EQ(rows[4]["large"], Json::array({"no", "€40.00"}));
  EXPECT_TRUE(rows[4]["small_first"].is_null());
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("Your requirements, from <code>job.yaml</code>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"v no\">not met</span><small>€40.00</small>"));
  EXPECT_THAT(to_html(load_report(two, "", {}).value()), Not(HasSubstr("Your requirements")));
}

TEST_F(RecommendationTest, ModelsOfSeveralRunsAreComparedOnTheirCommonSamples) {
  InventedRun tiny;
  tiny.day = "2026-11-22";
  tiny.models = 1;
  tiny.first_model = 2;
  store(2);
  const Store first = make_invented_run(own.path() / "store.db", tiny);
  const std::vector<std::string> both{"2026-11-21-1", "2026-11-22-1"};
  const RequirementsReport report = load_recommendation(first, both, "", {}).value();
  ASSERT_EQ(report.candidates.models.size(), 3u);
  EXPECT_EQ(report.candidates.models[2].name, "pocket-tiny");
  EXPECT_EQ(report.candidates.models[2].against_best[0].n, 220);
  EXPECT_EQ(load_recommendation(first, {"2026-11-22-1"}, "", {}).value().candidates.models.size(), 1u);
  EXPECT_FALSE(load_recommendation(first, {"2026-11-22-1", "nobody"}, "", {}).has_value());
}

TEST_F(RecommendationTest, MistakesAreErrors) {
  const Store two = store(2);
  Requirements r;
  r.minimums["no-such-task"] = 0.5;
  EXPECT_EQ(load_recommendation(two, {}, "", r).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(load_recommendation(two, {}, "nobody", {}).error().kind, ErrorKind::usage);
}

TEST_F(RecommendationTest, JsonNamesTheChoiceAndItsGrounds) {
  const Json json = to_json(load_recommendation(store(3), {}, "", job()).value());
  EXPECT_EQ(json["schema"], "sizeup.recommend/1");
  EXPECT_EQ(json["take"], "pocket-small");
  EXPECT_EQ(json["best"], "pocket-large");
  EXPECT_EQ(json["models"][1]["verdict"], "no");
  EXPECT_EQ(json["models"][0]["requirements"].size(), 7u);
  EXPECT_EQ(json["models"][0]["requirements"][0]["task"], "helpdesk");
  EXPECT_EQ(json["sentences"].size(), 5u);
}

TEST_F(RecommendationTest, HostileNamesAreText) {
  ReportOptions options;
  options.requirements = job();
  options.requirements->source = "<img src=x>\u202e";
  options.requirements->budget->currency = "<b>";
  const std::string page = to_html(load_report(store(2, true), "", options).value());
  EXPECT_THAT(page, HasSubstr("&lt;img src=x&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page, HasSubstr("its price is in EUR"));
}

}  // namespace
}  // namespace sizeup
