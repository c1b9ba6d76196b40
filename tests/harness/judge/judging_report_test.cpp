// The report of a run that is a judging, beside what `sizeup judge` prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "harness/judge/judging.h"
#include "harness/judge/summary.h"
#include "harness/store/labels.h"
#include "reports/json/judging_json.h"
#include "reports/judging_text.h"
#include "reports/report.h"
#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class JudgingReport : public RunFixture {
 protected:
  // A judge of pairs that names the first too often and is mute now and then; three documents have labels.
  Judging judge_pairs() {
    add_task("write", OutputType::generate_until, 40);
    settings.tasks = {"write"};
    settings.models = {"small=./small.gguf", "large=./large.gguf"};
    settings.name = "judged";
    done();
    std::vector<LabelRow> labels;
    for (const char* document : {"1", "2", "3"}) {
      labels.push_back({"", "write", document, "small", "", "ann", std::nullopt, 1.0});
      labels.push_back({"", "write", document, "large", "", "ann", std::nullopt, 0.5});
    }
    {
      Store write = Store::open(settings.db, StoreAccess::write).value();
      EXPECT_EQ(store_labels(write, labels)->imported, 6);
    }
    models["judge-wise"] = {.name = "wise", .fingerprint = "w"};
    models["judge-wise"].writes = [](const Request& asked) -> std::string {
      if (asked.asked_for.row % 10 == 9) return "I cannot say.";
      return asked.asked_for.row % 4 == 0 ? "Verdict: B" : "Verdict: A";
    };
    models["judge-wise"].fails = [](const Request& asked) -> std::optional<Error> {
      if (asked.asked_for.row != 5) return std::nullopt;
      return Error{ErrorKind::unavailable, "judge", "judged too much", "", ""};
    };
    JudgingRequest request;
    request.candidate = "small";
    request.baseline = "large";
    request.run.db = settings.db;
    request.run.models = {"./wise.gguf"};
    request.run.name = "opinion";
    return run_judging(request, environment(), progress, {}).value().judging;
  }
};

TEST_F(JudgingReport, SaysWhatTheCommandSaid) {
  const Judging judging = judge_pairs();
  const JudgingSummary summary = summarize(judging);
  const ReportData data = load_report(store(), "opinion", {}).value();
  ASSERT_TRUE(data.judging.has_value());
  EXPECT_EQ(judging_json(data.judging->judging, data.judging->summary), judging_json(judging, summary));
  EXPECT_EQ(to_json(data)["judging"]["people"]["documents"], 3);
  EXPECT_EQ(to_json(data)["judging"]["judges"][0]["unparsed"], 8);

  const std::string page = to_html(data);
  const std::string markdown = to_markdown(data);
  EXPECT_THAT(page, HasSubstr("<section id=\"judging\""));
  EXPECT_THAT(page, HasSubstr("judged:small against judged:large on write, judged 1 time in each order"));
  for (const std::string& sentence : judging_sentences(judging, summary)) {
    if (sentence.find('\'') != std::string::npos) continue;  // is escaped
    EXPECT_THAT(page, HasSubstr(sentence));
  }
  EXPECT_THAT(markdown, HasSubstr("## Judges"));
  EXPECT_THAT(markdown, HasSubstr("favours the first"));
  EXPECT_THAT(page, HasSubstr("prefers the answer that is shown first"));
}

TEST_F(JudgingReport, IsInNoOtherReport) {
  judge_pairs();
  const ReportData data = load_report(store(), "", {}).value();
  EXPECT_EQ(data.run.name, "judged") << "the latest run is the one that was judged";
  EXPECT_FALSE(data.judging.has_value());
  EXPECT_THAT(to_html(data), Not(HasSubstr("judging")));
  EXPECT_THAT(to_markdown(data), Not(HasSubstr("Judges")));
}

TEST_F(JudgingReport, MasksNames) {
  judge_pairs();
  ReportOptions options;
  options.redact = {"judged"};
  const ReportData data = load_report(store(), "opinion", options).value();
  EXPECT_THAT(data.judging->judging.candidate, Not(HasSubstr("judged")));
  EXPECT_THAT(judging_title(data.judging->judging), Not(HasSubstr("judged:small")));
  EXPECT_THAT(data.judging->judging.judges[0].error, AllOf(HasSubstr("too much"), Not(HasSubstr("judged"))));
}

}  // namespace
}  // namespace sizeup
