// The real thing, small: the bundled model on bundled tasks.
#include <gmock/gmock.h>

#include "run_fixture.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

class EngineRunTest : public RunFixture {
 protected:
  std::filesystem::path source = source_path("");

  void SetUp() override {
    RunFixture::SetUp();
    const std::filesystem::path model = source / "models" / "pocket" / "pocket-small.gguf";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "the bundled model is not there: " << model;
    settings.models = {"small=" + model.string()};
    settings.tasks = {"helpdesk", "invoices"};
    settings.limit = 4;
    settings.threads = 1;
  }

  RunSummary run_engine(const RunSettings& with) {
    Result<RunSummary> summary =
        execute(with, progress, stop.get_token(), RunEnvironment::standard(source / "tasks" / "definitions"));
    EXPECT_TRUE(summary.has_value()) << describe(summary.error());
    return summary ? *summary : RunSummary{};
  }

  // Every response with its bits, and every result.
  std::vector<std::string> content() const {
    std::vector<std::string> rows = query(
        "SELECT key || coalesce(text, '') || coalesce(printf('%.17g', logprob), '') || tokens || "
        "token_logprobs "
        "FROM response ORDER BY 1");
    for (const std::string& row :
         query("SELECT task || metric || slice_field || slice_value || "
               "printf('%.17g %.17g %.17g', value, lo, hi) FROM results ORDER BY 1")) {
      rows.push_back(row);
    }
    return rows;
  }
};

TEST_F(EngineRunTest, AnswersScoresAndReusesWhatItHas) {
  settings.latency_samples = 1;
  const RunSummary first = run_engine(settings);
  ASSERT_EQ(first.evaluations.size(), 2U);
  EXPECT_EQ(first.samples_failed, 0);
  EXPECT_EQ(first.requests_sent, 4 * 8 + 4);  // eight queues to choose from, one record to write
  EXPECT_EQ(first.evaluations[0].headline.metric, "acc");
  EXPECT_EQ(first.evaluations[0].headline.n, 4);
  EXPECT_EQ(
      query("SELECT count(*) FROM timing WHERE total_ms > 0 AND ttft_ms > 0 AND ttft_ms <= total_ms")[0],
      "2");
  EXPECT_EQ(run_engine(settings).requests_sent, 0);
}

TEST_F(EngineRunTest, AStopAndAResumeChangeNoBit) {
  run_engine(settings);
  const std::vector<std::string> undisturbed = content();

  settings.db = folder / "stopped.db";
  class StopEarly : public ProgressSink {
   public:
    explicit StopEarly(std::stop_source& source) : source_(source) {}
    void on_progress(const Progress& seen) override {
      if (seen.samples_done > 0) source_.request_stop();
    }
    void on_message(const std::string&) override {}

   private:
    std::stop_source& source_;
  } stopping(stop);
  RunEnvironment eager = RunEnvironment::standard(source / "tasks" / "definitions");
  eager.commits = {.writes = 1, .delay = std::chrono::milliseconds(0)};
  Result<RunSummary> stopped = execute(settings, stopping, stop.get_token(), eager);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().kind, ErrorKind::interrupted);

  stop = std::stop_source();
  RunSettings resumed;
  resumed.db = settings.db;
  resumed.resume = "";
  run_engine(resumed);
  EXPECT_EQ(content(), undisturbed);
}

}  // namespace
}  // namespace sizeup
