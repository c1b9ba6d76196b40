// Tasks of several turns: earlier answers become context.
#include <gmock/gmock.h>

#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// Three documents of three turns, the last one of two.
class Talk : public FakeTask {
 public:
  Talk() : FakeTask("talk", OutputType::generate_until, 3) {}

  std::vector<Sample> made_samples(int64_t limit) const override {
    std::vector<Sample> samples = FakeTask::made_samples(limit);
    for (Sample& sample : samples) {
      sample.later_turns = {"Why?", "So?"};
      if (sample.index == 2) sample.later_turns.pop_back();
      sample.asks.assign(1 + sample.later_turns.size(), AskGenerate{});
    }
    return samples;
  }

  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
    Scored scored = FakeTask::score(sample, replies);
    scored.answer = replies.back().text;
    return scored;
  }
};

class Conversation : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    tasks["talk"] = [] { return std::make_unique<Talk>(); };
    settings.tasks = {"talk"};
    FakeModel& model = models["small"];
    model.has_chat_template = true;
    model.writes = [](const Request& request) {
      const auto& messages = std::get<std::vector<ChatMessage>>(std::get<Generate>(request.ask).prompt);
      return "hm</think> answer " + std::to_string(messages.size());
    };
    settings.think_end = "</think>";
  }

  const std::vector<std::string>& asked() { return logs["small"].asked; }
};

TEST_F(Conversation, EachTurnFollowsTheAnswersBeforeIt) {
  const RunSummary summary = done();
  EXPECT_EQ(asked().size(), 8U);
  EXPECT_THAT(asked(), Contains("<user>question 0 of talk<assistant>answer 1<user>Why?<assistant>answer 3"
                                "<user>So?<assistant>|"));
  EXPECT_THAT(asked(), Not(Contains("<user>question 2 of talk<assistant>answer 1<user>Why?<assistant>answer 3"
                                    "<user>So?<assistant>|")));
  EXPECT_EQ(logs["small"].runs.size(), 3U);
  const Store stored = store();
  const int64_t evaluation = summary.evaluations[0].evaluation_id;
  const auto answers = read_answers(stored, evaluation).value();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].answer, "answer 5");
  EXPECT_EQ(answers[2].answer, "answer 3");
  EXPECT_EQ(read_responses(stored, evaluation, answers[0].sample_id).value().size(), 3U);
}

TEST_F(Conversation, WhatIsStoredIsNotAskedAgain) {
  done();
  const RunSummary again = done();
  EXPECT_EQ(again.requests_sent, 0);
  EXPECT_EQ(again.requests_from_store, 8);
  EXPECT_EQ(again.evaluations[0].failed, 0);
}

TEST_F(Conversation, AFailedTurnEndsItsConversationOnly) {
  models["small"].fails = [](const Request& request) -> std::optional<Error> {
    const std::string text = text_of(request);
    if (text.find("question 0") == std::string::npos || text.find("Why?") == std::string::npos) return {};
    return unavailable("fake", "no second turn").value();
  };
  const RunSummary summary = done();
  EXPECT_EQ(summary.evaluations[0].failed, 1);
  EXPECT_EQ(asked().size(), 7U);
  EXPECT_EQ(query("SELECT count(*) FROM answer WHERE error LIKE '%no second turn%'")[0], "1");
}

// A user who waits waits for one answer.
TEST_F(Conversation, LatencyIsThatOfTheFirstTurn) {
  settings.latency_samples = 2;
  EXPECT_EQ(done().requests_measured, 2);
}

TEST_F(Conversation, NeedsAChatTemplate) {
  models["small"].has_chat_template = false;
  const Result<RunSummary> summary = run();
  ASSERT_FALSE(summary.has_value());
  EXPECT_THAT(summary.error().message, HasSubstr("'talk' holds conversations"));
}

}  // namespace
}  // namespace sizeup
