#include "harness/run/scoring.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fake_task.h"
#include "tasks/verbal_confidence.h"

namespace sizeup {
namespace {

std::string said(const std::string& text, const std::string& think_end) {
  ResponseRow row;
  row.text = text;
  return reply_of(row, think_end).text;
}

// As lm-evaluation-harness: text.split(end)[-1].lstrip(), and the whole text where there is no end.
TEST(Reply, ThoughtsAreNotTheAnswer) {
  EXPECT_EQ(said("Let me see.</think>\n\nParis\n", "</think>"), "Paris\n");
  EXPECT_EQ(said("a</think>b</think> c", "</think>"), "c");
  EXPECT_EQ(said("Let me see", "</think>"), "Let me see");
  EXPECT_EQ(said("a</think>b", ""), "a</think>b");
  EXPECT_EQ(said("only thoughts</think>", "</think>"), "");
}

TEST(Reply, FirstTokensOfAThoughtAreNotTheAnswers) {
  ResponseRow row;
  row.first_tokens = {{"A", -0.1}};
  row.text = "A customer asks.</think>B";
  EXPECT_TRUE(reply_of(row, "</think>").first_tokens.empty());
  EXPECT_EQ(reply_of(row, "").first_tokens.size(), 1u);
}

TEST(Reply, SaysHowManyTokensItsLogProbabilityIsOf) {
  ResponseRow row;
  row.logprob = -3.0;
  row.token_logprobs = {-1.0F, -2.0F};
  EXPECT_EQ(reply_of(row, "").tokens, 2);
}

// A task whose answers state a confidence in words, or none.
class VerbalFake : public FakeTask {
 public:
  explicit VerbalFake(double confidence)
      : FakeTask("write", OutputType::generate_until, 1), stated_(confidence) {}
  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
    Scored scored = FakeTask::score(sample, replies);
    scored.confidence = stated_;
    scored.details[kVerbalConfidence] = "";
    return scored;
  }

 private:
  double stated_;
};

double confidence_of(std::unique_ptr<Task> task) {
  LoadedTask loaded;
  loaded.task = std::move(task);
  const std::vector<Sample> samples = loaded.task->samples(1).value();
  const PlannedEvaluation evaluation;
  PendingSample pending;
  pending.evaluation = &evaluation;
  pending.task = &loaded;
  pending.sample = &samples.front();
  Reply reply;
  reply.text = "1";
  reply.logprob = std::log(0.5);
  pending.replies = {reply};
  return answer_of(pending).confidence;
}

// The tokens' probability is another kind: it does not stand in for what an answer does not say.
TEST(Answer, ConfidenceInWordsIsNotMixedWithThatOfTokens) {
  EXPECT_NEAR(confidence_of(std::make_unique<FakeTask>("write", OutputType::generate_until, 1)), 0.5, 1e-12);
  EXPECT_EQ(confidence_of(std::make_unique<VerbalFake>(0.8)), 0.8);
  EXPECT_TRUE(std::isnan(confidence_of(std::make_unique<VerbalFake>(std::nan("")))));
}

}  // namespace
}  // namespace sizeup
