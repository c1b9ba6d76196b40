// Unchanged re-runs cost nothing; whatever changes an answer is asked again.
#include <gmock/gmock.h>

#include "run_fixture.h"

namespace sizeup {
namespace {

class CacheTest : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    settings.tasks = {"choice", "write"};
  }
  static constexpr int64_t kRequests = 6 * 3 + 5;
};

TEST_F(CacheTest, TheSameAgainSendsNothingAndGivesTheSame) {
  const RunSummary first = done();
  const RunSummary second = done();
  EXPECT_EQ(first.requests_sent, kRequests);
  EXPECT_EQ(second.requests_sent, 0);
  EXPECT_EQ(second.requests_from_store, kRequests);
  EXPECT_EQ(logs["small"].runs.size(), 1U);
  ASSERT_EQ(second.evaluations.size(), first.evaluations.size());
  for (size_t e = 0; e < first.evaluations.size(); ++e) {
    EXPECT_NE(second.evaluations[e].evaluation_id, first.evaluations[e].evaluation_id);
    EXPECT_EQ(second.evaluations[e].headline.value, first.evaluations[e].headline.value);
    EXPECT_EQ(second.evaluations[e].headline.lo, first.evaluations[e].headline.lo);
  }
  EXPECT_EQ(query("SELECT count(*) FROM response")[0], std::to_string(kRequests));
  EXPECT_EQ(query("SELECT count(*) FROM sample_response")[0], std::to_string(2 * kRequests));
  EXPECT_EQ(query("SELECT count(*) FROM evaluation WHERE wall_ms IS NULL")[0], "2");
}

TEST_F(CacheTest, MoreDocumentsAskOnlyTheNewOnes) {
  settings.limit = 2;
  done();
  settings.limit = 0;
  EXPECT_EQ(done().requests_sent, kRequests - 2 * 3 - 2);
}

TEST_F(CacheTest, OtherWeightsAreAskedAgain) {
  done();
  models["small"].fingerprint = "other";
  EXPECT_EQ(done().requests_sent, kRequests);
}

TEST_F(CacheTest, AnotherNameForTheSameWeightsIsNot) {
  done();
  settings.models = {"renamed=./small.gguf"};
  models["renamed"] = models["small"];
  EXPECT_EQ(done().requests_sent, 0);
}

TEST_F(CacheTest, TheTemplateChangesTheRequests) {
  done();
  models["small"].has_chat_template = true;
  EXPECT_EQ(done().requests_sent, kRequests);
}

TEST_F(CacheTest, GreedyAnswersDoNotDependOnTheSeed) {
  done();
  settings.seed = 99;
  EXPECT_EQ(done().requests_sent, 0);
}

TEST_F(CacheTest, SampledAnswersDependOnTheSeedAndTheDocument) {
  class Sampled : public FakeTask {
   public:
    using FakeTask::FakeTask;
    std::vector<Sample> made_samples(int64_t limit) const override {
      std::vector<Sample> all = FakeTask::made_samples(limit);
      for (Sample& sample : all) {
        AskGenerate ask;
        ask.temperature = 0.7;
        sample.asks.clear();
        sample.asks.emplace_back(ask);
        sample.prompt.user = "the same prompt for all";
      }
      return all;
    }
  };
  tasks["write"] = [] { return std::make_unique<Sampled>("write", OutputType::generate_until, 5); };
  settings.tasks = {"write"};
  EXPECT_EQ(done().requests_sent, 5);  // equal prompts, yet each document draws for itself
  EXPECT_EQ(done().requests_sent, 0);
  settings.seed = 99;
  EXPECT_EQ(done().requests_sent, 5);
}

TEST_F(CacheTest, EqualRequestsOfTwoTasksAreAskedOnceAndLinkedToBoth) {
  class Copy : public FakeTask {
   public:
    Copy(const std::string& name, int documents)
        : FakeTask("choice", OutputType::multiple_choice, documents), own_name_(name) {}
    const std::string& name() const override { return own_name_; }
    std::string definition_hash() const override { return own_name_; }

   private:
    std::string own_name_;
  };
  tasks["copy"] = [] { return std::make_unique<Copy>("copy", 6); };
  settings.tasks = {"choice", "copy"};
  const RunSummary summary = done();
  EXPECT_EQ(summary.requests_sent, 18);
  EXPECT_EQ(query("SELECT count(*) FROM sample_response")[0], "36");
  EXPECT_EQ(summary.evaluations[0].headline.value, summary.evaluations[1].headline.value);

  settings.db = folder / "portions.db";
  RunEnvironment small = environment();
  small.portion_samples = 6;  // the second portion finds in the store what the first one asked
  const Result<RunSummary> portions = execute(settings, progress, stop.get_token(), small);
  ASSERT_TRUE(portions.has_value());
  EXPECT_EQ(portions->requests_sent, 18);
  EXPECT_EQ(portions->requests_from_store, 18);
  EXPECT_EQ(query("SELECT count(*) FROM sample_response")[0], "36");
}

}  // namespace
}  // namespace sizeup
