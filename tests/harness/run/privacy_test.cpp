// Texts left out of the store or redacted: no byte of what is secret reaches a file, and runs go on as ever.
#include <gmock/gmock.h>

#include <fstream>

#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

constexpr const char* kSecret = "Rumpelstilzchen";

// A task whose every text holds the secret; its scores do not depend on what is kept of it.
class SecretTask : public FakeTask {
 public:
  using FakeTask::FakeTask;

  std::vector<Sample> made_samples(int64_t limit) const override {
    std::vector<Sample> samples = FakeTask::made_samples(limit);
    for (Sample& sample : samples) {
      sample.prompt.user += std::string(" ") + kSecret;
      sample.target = kSecret + sample.target;
      sample.source = kSecret;
      sample.slices["who"] = sample.index < 3 ? "anyone" : "someone";
      for (Ask& ask : sample.asks) {
        if (auto* score = std::get_if<AskScore>(&ask)) score->continuation += kSecret;
        if (auto* generate = std::get_if<AskGenerate>(&ask)) generate->stop = {kSecret};
      }
    }
    return samples;
  }
  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
    Scored scored = FakeTask::score(sample, replies);
    scored.details.clear();
    scored.details["written"] = scored.answer + kSecret;
    scored.details["predicted"] = sample.index % 2 == 0 ? "1" : "0";  // a label
    scored.answer += kSecret;
    return scored;
  }
};

class PrivacyTest : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    settings.models = {"small=./small.gguf", "large=./large.gguf"};
    settings.tasks = {"choice", "write"};
    tasks["choice"] = [] { return std::make_unique<SecretTask>("choice", OutputType::multiple_choice, 6); };
    tasks["write"] = [] { return std::make_unique<SecretTask>("write", OutputType::generate_until, 6); };
    for (auto& [name, model] : models) {
      model.writes = [](const Request&) { return kSecret + std::string(" wrote this"); };
      // An endpoint may quote the question in its errors.
      model.fails = [](const Request& request) -> std::optional<Error> {
        if (!text_of(request).starts_with("question 5 of write")) return std::nullopt;
        return Error{ErrorKind::unavailable, "fake", "cannot answer: " + text_of(request), "", ""};
      };
    }
  }

  // Files of the store that hold these bytes: the database, its log and its index.
  std::vector<std::string> files_with(const std::string& bytes) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (read_whole(entry.path()).find(bytes) != std::string::npos) found.push_back(entry.path().filename());
    }
    return found;
  }

  std::vector<std::string> scores() const {
    return query(
        "SELECT model || task || metric || slice_field || slice_value || printf('%.17g', value) || n "
        "FROM results ORDER BY 1");
  }
};

TEST_F(PrivacyTest, NoByteOfATextReachesTheFileWithoutTexts) {
  settings.no_text = true;
  Store reader = Store::open(settings.db, StoreAccess::write).value();  // keeps the log from being emptied
  done();
  EXPECT_THAT(files_with(kSecret), testing::IsEmpty());
  EXPECT_THAT(files_with("wrote this"), testing::IsEmpty());
  EXPECT_THAT(files_with("question"), testing::IsEmpty());
  EXPECT_THAT(query("SELECT texts FROM run"), testing::ElementsAre("none"));
  EXPECT_EQ(query("SELECT count(*) FROM answer WHERE error IS NOT NULL")[0], "2") << "a failure stays one";
  const std::vector<std::string> without = scores();

  settings.db = folder / "all" / "sizeup.db";
  std::filesystem::create_directory(folder / "all");
  settings.no_text = false;
  done();
  EXPECT_EQ(scores(), without) << "what is stored changes no score";
}

TEST_F(PrivacyTest, WhatThePatternsMatchIsMaskedEverywhere) {
  settings.redact = {"(?i)rumpel\\w+"};
  Store reader = Store::open(settings.db, StoreAccess::write).value();
  done();
  EXPECT_THAT(files_with(kSecret), testing::IsEmpty());
  EXPECT_THAT(files_with("(?i)rumpel"), testing::IsEmpty())
      << "a pattern may be as secret as what it matches";
  EXPECT_THAT(query("SELECT texts FROM run"), testing::ElementsAre("redacted"));
  EXPECT_EQ(query("SELECT prompt FROM sample WHERE document_id = '2' ORDER BY id")[0],
            "question 2 of choice [redacted]");
  EXPECT_EQ(query("SELECT text FROM response WHERE text IS NOT NULL")[0], "[redacted] wrote this");
}

TEST_F(PrivacyTest, AStoppedRunGoesOnAndAsksOnlyWhatHasNoAnswer) {
  settings.no_text = true;
  settings.name = "private";
  models["large"].breaks_after = 4;
  ASSERT_FALSE(run().has_value());
  const size_t asked = logs["small"].count();
  models["large"].breaks_after.reset();
  settings.resume = "private";
  const RunSummary summary = done();
  EXPECT_EQ(summary.evaluations.size(), 4U);
  EXPECT_EQ(logs["small"].count(), asked) << "its answers are there";
  EXPECT_THAT(files_with(kSecret), testing::IsEmpty()) << "the rule is stored with the run";
}

TEST_F(PrivacyTest, AResumedRunNeedsItsPatterns) {
  settings.redact = {"Rumpel\\w+"};
  settings.name = "masked";
  models["large"].breaks_after = 4;
  ASSERT_FALSE(run().has_value());
  models["large"].breaks_after.reset();
  settings.resume = "masked";
  settings.redact = {"other"};
  Result<RunSummary> refused = run();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("with other patterns to redact"));
  settings.redact = {"Rumpel\\w+"};
  done();
  EXPECT_THAT(files_with(kSecret), testing::IsEmpty());
}

TEST_F(PrivacyTest, ScoredResponsesAreReusedWrittenOnesAreAskedAgain) {
  settings.models = {"small=./small.gguf"};
  settings.no_text = true;
  done();
  const RunSummary again = done();
  EXPECT_EQ(again.requests_from_store, 18) << "log-probabilities need no text";
  EXPECT_EQ(again.requests_sent, 6) << "what is gone cannot be scored";
}

TEST_F(PrivacyTest, ARunWithTextsFillsInWhatAnEarlierOneLeftOut) {
  settings.no_text = true;
  done();
  settings.no_text = false;
  done();
  EXPECT_EQ(query("SELECT count(*) FROM sample WHERE edited")[0], "0");
  EXPECT_THAT(query("SELECT prompt FROM sample ORDER BY id")[0], HasSubstr(kSecret));
  EXPECT_EQ(query("SELECT count(*) FROM response WHERE edited")[0], "0");
  settings.no_text = true;
  done();
  EXPECT_EQ(query("SELECT count(*) FROM sample WHERE edited")[0], "0") << "and what is there stays";
}

}  // namespace
}  // namespace sizeup
