// Failed requests, broken backends, stops: counted, stored, resumable.
#include <gmock/gmock.h>

#include <cmath>

#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::HasSubstr;

class FailureTest : public RunFixture {
 protected:
  // Requests about this row fail.
  static std::function<std::optional<Error>(const Request&)> failing(const std::string& row) {
    return [row](const Request& request) -> std::optional<Error> {
      if (text_of(request).find("question " + row) == std::string::npos) return std::nullopt;
      return Error{ErrorKind::unavailable, "", "status 500", "", ""};
    };
  }
};

TEST_F(FailureTest, AFailedRequestFailsItsSampleOnly) {
  models["small"].fails = failing("2");
  const RunSummary summary = done();
  EXPECT_EQ(summary.samples_failed, 1);
  EXPECT_EQ(summary.evaluations[0].failed, 1);
  EXPECT_EQ(summary.evaluations[0].headline.n, 5);
  EXPECT_EQ(query("SELECT round(value * 6, 9) FROM result WHERE metric = 'error_rate'")[0], "1.0");
  EXPECT_EQ(query("SELECT n FROM result WHERE metric = 'error_rate'")[0], "6");
  EXPECT_EQ(query("SELECT n FROM result WHERE metric = 'no_answer_rate'")[0], "5");
  EXPECT_EQ(query("SELECT error FROM answer WHERE error IS NOT NULL")[0], "status 500");
  EXPECT_EQ(query("SELECT document_id FROM failures WHERE error IS NOT NULL")[0], "2");
  EXPECT_EQ(query("SELECT count(*) FROM score")[0], "5");
  EXPECT_EQ(query("SELECT count(*) FROM response")[0], "15");  // failures are not kept as answers
}

// The sandbox broke, not the model: such a sample is in no score, and is scored by the next run.
TEST_F(FailureTest, ASampleThatCannotBeScoredIsAnError) {
  class Unscorable : public FakeTask {
   public:
    using FakeTask::FakeTask;
    Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
      Scored scored = FakeTask::score(sample, replies);
      if (sample.id == "2") scored.error = "sandbox: does not end";
      return scored;
    }
  };
  const auto usual = tasks["choice"];
  tasks["choice"] = [] { return std::make_unique<Unscorable>("choice", OutputType::multiple_choice, 6); };
  const RunSummary first = done();
  EXPECT_EQ(first.samples_failed, 1);
  EXPECT_EQ(first.evaluations[0].headline.n, 5);
  EXPECT_EQ(query("SELECT error FROM answer WHERE error IS NOT NULL")[0], "sandbox: does not end");
  EXPECT_EQ(query("SELECT count(*) FROM score")[0], "5");
  EXPECT_EQ(query("SELECT count(*) FROM response")[0], "18");
  tasks["choice"] = usual;
  const RunSummary second = done();
  EXPECT_EQ(second.samples_failed, 0);
  EXPECT_EQ(second.requests_sent, 0);
}

TEST_F(FailureTest, TheNextRunAsksOnlyWhatFailed) {
  models["small"].fails = failing("2");
  done();
  models["small"].fails = {};
  const RunSummary second = done();
  EXPECT_EQ(second.requests_sent, 3);
  EXPECT_EQ(second.samples_failed, 0);
}

TEST_F(FailureTest, ARunWhereEverythingFailsIsFinishedAndSaysSo) {
  models["small"].fails = failing("");
  const RunSummary summary = done();
  EXPECT_EQ(summary.samples_failed, 6);
  EXPECT_TRUE(std::isnan(summary.evaluations[0].headline.value));
  EXPECT_EQ(query("SELECT value FROM result WHERE metric = 'error_rate'")[0], "1.0");
}

TEST_F(FailureTest, APromptThatCannotBeRenderedFailsItsSample) {
  class Refusing : public FakeBackend {
   public:
    using FakeBackend::FakeBackend;
    Result<std::string> render(const Prompt& prompt) const override {
      if (text_of(prompt).find("question 1") != std::string::npos) return bad_input("template", "too deep");
      return FakeBackend::render(prompt);
    }
  };
  RunEnvironment with = environment();
  with.open_model = [this](const ModelReference&) -> Result<std::unique_ptr<Backend>> {
    return std::make_unique<Refusing>(models.at("small"), logs["small"]);
  };
  Result<RunSummary> summary = execute(settings, progress, stop.get_token(), with);
  ASSERT_TRUE(summary.has_value()) << describe(summary.error());
  EXPECT_EQ(summary->samples_failed, 1);
  EXPECT_EQ(summary->requests_sent, 15);
  EXPECT_EQ(query("SELECT error FROM answer WHERE error IS NOT NULL")[0], "template: too deep");
}

TEST_F(FailureTest, ARequestWithoutAResponseIsAFailure) {
  models["small"].forgets_after = 7;
  const RunSummary summary = done();
  EXPECT_EQ(summary.samples_failed, 4);  // two samples and a third of one were answered
  EXPECT_THAT(query("SELECT DISTINCT error FROM answer WHERE error IS NOT NULL"),
              Contains(HasSubstr("no response")));
}

TEST_F(FailureTest, AStoreThatCannotBeWrittenStopsTheBackend) {
  add_task("choice", OutputType::multiple_choice, 1000);
  // The disk is full after the first response; the backend must not go on for nobody.
  models["small"].before = [this](const Request& request) {
    if (request.id == 0) {
      query(
          "CREATE TRIGGER full BEFORE INSERT ON response BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  };
  RunEnvironment with = environment();
  with.commits = {.writes = 4, .delay = std::chrono::milliseconds(1)};
  Result<RunSummary> failed = execute(settings, progress, stop.get_token(), with);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("the disk is full"));
  EXPECT_LT(logs["small"].count(), 3000U);
  EXPECT_EQ(query("SELECT count(*) FROM run WHERE finished_at IS NULL")[0], "1");
}

TEST_F(FailureTest, ABrokenBackendLeavesARunThatResumes) {
  models["small"].breaks_after = 7;
  Result<RunSummary> broken = run();
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().message, "the device is gone");
  EXPECT_EQ(query("SELECT count(*) FROM response")[0], "7");
  EXPECT_EQ(query("SELECT count(*) FROM run WHERE finished_at IS NULL")[0], "1");

  models["small"].breaks_after.reset();
  logs["small"] = {};
  settings.resume = "";
  const RunSummary summary = done();
  EXPECT_EQ(logs["small"].count(), 18U - 7U);
  EXPECT_EQ(summary.evaluations[0].headline.n, 6);
  EXPECT_EQ(query("SELECT count(*) FROM run")[0], "1");
}

TEST_F(FailureTest, AStopIsInterruptedAndResumes) {
  settings.tasks = {"choice", "write"};
  models["small"].before = [this](const Request& request) {
    if (request.id == 9) stop.request_stop();
  };
  Result<RunSummary> stopped = run();
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().kind, ErrorKind::interrupted);
  EXPECT_EQ(exit_code(stopped.error().kind), 130);
  EXPECT_EQ(query("SELECT count(*) FROM response")[0], "10");
  EXPECT_EQ(query("SELECT count(*) FROM answer WHERE error IS NOT NULL")[0], "0");

  stop = std::stop_source();
  models["small"].before = {};
  settings.resume = "";
  const RunSummary summary = done();
  EXPECT_EQ(summary.requests_sent, 23 - 10);
  EXPECT_EQ(summary.evaluations.size(), 2U);
}

TEST_F(FailureTest, ResumingUsesTheStoredSettings) {
  models["small"].breaks_after = 1;
  settings.seed = 77;
  settings.limit = 4;
  settings.name = "mine";
  ASSERT_FALSE(run().has_value());
  models["small"].breaks_after.reset();
  RunSettings resumed;
  resumed.db = settings.db;
  resumed.resume = "mine";
  settings = resumed;
  opened.clear();
  const RunSummary summary = done();
  EXPECT_EQ(summary.run_name, "mine");
  EXPECT_EQ(summary.evaluations[0].samples, 4);
  EXPECT_EQ(opened[0].options.at("now"), "2026-11-21T03:00:00");
  EXPECT_EQ(query("SELECT seed FROM run")[0], "77");
}

TEST_F(FailureTest, ResumingRetriesFailedSamples) {
  settings.models = {"small=./s.gguf", "large=./l.gguf"};
  models["small"].fails = failing("3");
  models["large"].breaks_after = 1;
  ASSERT_FALSE(run().has_value());
  // The first model's evaluation is finished with its failure; the second one's goes on.
  models["large"].breaks_after.reset();
  settings.resume = "";
  const RunSummary summary = done();
  EXPECT_EQ(logs["small"].runs.size(), 1U);
  EXPECT_EQ(summary.samples_failed, 1);
  EXPECT_EQ(summary.requests_sent, 17);
}

TEST_F(FailureTest, ResumingRefusesWhatHasChanged) {
  models["small"].breaks_after = 1;
  ASSERT_FALSE(run().has_value());
  models["small"].fingerprint = "other weights";
  settings.resume = "";
  Result<RunSummary> refused = run();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("model 'small' is not what it was"));
}

TEST_F(FailureTest, ResumingNeedsAnUnfinishedRun) {
  settings.resume = "";
  EXPECT_EQ(run().error().message, "file not found");
  settings.resume.reset();
  const RunSummary summary = done();
  settings.resume = "";
  EXPECT_EQ(run().error().kind, ErrorKind::usage);
  settings.resume = summary.run_name;
  EXPECT_THAT(run().error().message, HasSubstr("is finished"));
}

}  // namespace
}  // namespace sizeup
