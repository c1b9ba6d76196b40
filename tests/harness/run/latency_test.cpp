// Latencies, by default in scenario "single": measured one request at a time, never from the store.
#include <gmock/gmock.h>

#include <set>

#include "harness/run/plan_run.h"
#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

class LatencyTest : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    settings.latency_samples = 4;
  }
};

TEST_F(LatencyTest, MeasuresASampleOfEachTaskOneAtATime) {
  settings.tasks = {"choice", "write"};
  const RunSummary summary = done();
  ASSERT_EQ(logs["small"].runs.size(), 2U);
  EXPECT_EQ(logs["small"].runs[0].max_concurrent, 0);
  EXPECT_EQ(logs["small"].runs[1].max_concurrent, 1);
  EXPECT_EQ(summary.requests_measured, 4 * 3 + 4);
  EXPECT_EQ(summary.requests_sent, 6 * 3 + 5);
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "8");
  EXPECT_EQ(query("SELECT count(*) FROM response")[0], "23");  // measurements are no answers
  EXPECT_EQ(query("SELECT count(*) FROM evaluation WHERE scenario = 'single' AND finished_at IS NOT NULL")[0],
            "2");
  EXPECT_THAT(query("SELECT samples FROM latency ORDER BY task"), ElementsAre("4", "4"));
  EXPECT_EQ(summary.evaluations.size(), 2U);  // the summary shows the answers' evaluations
}

// The fake model's times are invented: only the order of a slow pass shows.
TEST_F(LatencyTest, KeepsWhenASampleWasDue) {
  settings.tasks = {"choice"};
  models["small"].delay = std::chrono::milliseconds(40);
  done();
  EXPECT_EQ(query("SELECT count(*) FROM timing WHERE due_ms >= 0")[0], "4");
  EXPECT_EQ(query("SELECT max(due_ms) > min(due_ms) + 100 FROM timing")[0], "1");
}

TEST_F(LatencyTest, ASamplesTimeIsTheSumOverItsRequests) {
  settings.latency_samples = 1;
  done();
  Store read = store();
  const std::vector<EvaluationRow> evaluations = *read_evaluations(read, find_run(read, "latest")->id);
  ASSERT_EQ(evaluations.size(), 2U);
  EXPECT_EQ(evaluations[1].scenario, "single");
  EXPECT_EQ(evaluations[1].samples, 1);
  EXPECT_EQ(count_answers(read, evaluations[1].id)->answered, 1);
  const TimingRow timing = (*read_timings(read, evaluations[1].id))[0];
  const std::string row = (*read_samples(read, evaluations[1].id))[0].document_id;
  double total = 0;
  for (const char* letter : {"A", "B", "C"}) {
    total += 2.0 + opinion("small", "question " + row + " of choice| " + letter);
  }
  EXPECT_DOUBLE_EQ(timing.total_ms, total);
  EXPECT_DOUBLE_EQ(timing.ttft_ms, 1.0 + opinion("small", "question " + row + " of choice| A"));
  EXPECT_EQ(timing.prompt_tokens, 30);
}

TEST_F(LatencyTest, OfRepeatsIsThatOfOneAnswer) {
  class Repeated : public FakeTask {
   public:
    using FakeTask::FakeTask;
    std::vector<Sample> made_samples(int64_t limit) const override {
      std::vector<Sample> samples = FakeTask::made_samples(limit);
      AskGenerate ask;
      ask.temperature = 1.0;
      for (Sample& sample : samples) sample.asks.assign(3, ask);
      return samples;
    }
  };
  tasks["write"] = [] { return std::make_unique<Repeated>("write", OutputType::generate_until, 5); };
  settings.tasks = {"write"};
  const RunSummary summary = done();
  EXPECT_EQ(summary.requests_sent, 5 * 3);  // each repeat draws for itself
  EXPECT_EQ(summary.requests_measured, 4);
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "4");
}

TEST_F(LatencyTest, IsMeasuredAgainWhenTheAnswersComeFromTheStore) {
  done();
  const RunSummary second = done();
  EXPECT_EQ(second.requests_sent, 0);
  EXPECT_EQ(second.requests_measured, 12);
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "8");
}

TEST_F(LatencyTest, AllModelsAreMeasuredOnTheSameSamples) {
  settings.models = {"small=./s.gguf", "large=./l.gguf"};
  done();
  EXPECT_EQ(query("SELECT count(DISTINCT sample_id) FROM timing")[0], "4");
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "8");
}

TEST_F(LatencyTest, AFailedRequestGivesNoTiming) {
  models["small"].fails = [](const Request& request) -> std::optional<Error> {
    if (text_of(request).find("| C") == std::string::npos) return std::nullopt;
    return Error{ErrorKind::unavailable, "", "no", "", ""};
  };
  done();
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "0");
}

TEST_F(LatencyTest, AStopWhileMeasuringResumesWithTheRest) {
  int measured = 0;
  models["small"].before = [&](const Request&) {
    if (logs["small"].runs.size() == 2 && ++measured == 6) stop.request_stop();
  };
  EXPECT_EQ(run().error().kind, ErrorKind::interrupted);
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "2");
  models["small"].before = {};
  stop = std::stop_source();
  settings.resume = "";
  const RunSummary summary = done();
  EXPECT_EQ(summary.requests_sent, 0);
  EXPECT_EQ(summary.requests_measured, 6);
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "4");
}

TEST(LatencySample, IsSeededDistinctAndShuffled) {
  const std::vector<size_t> one = latency_sample(1000, 40, 1);
  EXPECT_EQ(one, latency_sample(1000, 40, 1));
  EXPECT_NE(one, latency_sample(1000, 40, 2));
  EXPECT_EQ(std::set<size_t>(one.begin(), one.end()).size(), 40U);
  EXPECT_FALSE(std::is_sorted(one.begin(), one.end()));
  // Not the first ones: the sample reaches into every quarter of the data.
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    EXPECT_TRUE(std::any_of(one.begin(), one.end(), [&](size_t i) { return i / 250 == quarter; }));
  }
  EXPECT_EQ(latency_sample(3, 40, 1).size(), 3U);
}

TEST_F(LatencyTest, UnderLoadRatesAreStoredToo) {
  settings.tasks = {"write"};
  settings.latency_samples = 5;
  settings.scenario = {.kind = Scenario::Kind::server, .qps = 500.0};
  settings.limits.total = 1e6;
  models["small"].writes = [](const Request& request) {
    return request.asked_for.document == "1" ? "1" : "wrong";  // right for document 1 alone
  };
  done();
  EXPECT_GT(logs["small"].runs[1].max_concurrent, 1);
  EXPECT_THAT(query("SELECT DISTINCT scenario FROM evaluation ORDER BY id"),
              ElementsAre("offline", "server:500"));
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "5");
  const auto result = [&](const std::string& metric) {
    return std::stod(query("SELECT value FROM result JOIN evaluation ON evaluation.id = evaluation_id WHERE "
                           "scenario = 'server:500' AND metric = '" +
                           metric + "'")
                         .at(0));
  };
  EXPECT_GT(result("requests_per_second"), 0.0);
  EXPECT_DOUBLE_EQ(result("goodput"), result("requests_per_second"));
  EXPECT_NEAR(result("correct_goodput"), result("goodput") / 5, 1e-9 * result("goodput"));

  settings.db = folder / "late.db";
  settings.limits.total = 1e-6;
  done();
  EXPECT_EQ(result("goodput"), 0.0);
}

TEST_F(LatencyTest, WithoutLimitsThereIsNoGoodput) {
  settings.tasks = {"write"};
  settings.scenario = {.kind = Scenario::Kind::concurrent, .streams = 3};
  done();
  EXPECT_EQ(logs["small"].runs[1].max_concurrent, 3);
  EXPECT_THAT(query("SELECT metric FROM result JOIN evaluation ON evaluation.id = evaluation_id WHERE "
                    "scenario = 'concurrent:3'"),
              ElementsAre("requests_per_second"));
}

TEST_F(LatencyTest, OfflineMeasuresNone) {
  settings.scenario = {};
  done();
  EXPECT_EQ(logs["small"].runs.size(), 1U);
  EXPECT_EQ(query("SELECT count(*) FROM evaluation")[0], "1");
}

TEST_F(LatencyTest, SeveralChoicesAreNoRequestUnderLoad) {
  settings.scenario = {.kind = Scenario::Kind::concurrent, .streams = 2};
  const Result<RunSummary> refused = run();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  EXPECT_THAT(describe(refused.error()), testing::HasSubstr("--protocol generative"));
  EXPECT_EQ(logs["small"].count(), 0U);
  settings.protocol = ProtocolChoice::generative;
  done();
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "4");
}

}  // namespace
}  // namespace sizeup
