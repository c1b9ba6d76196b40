#include "harness/store/writer.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "store_fixture.h"

namespace sizeup {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// What on_commit said, for a test to wait on.
class Commits {
 public:
  std::function<void(const Committed&)> callback() {
    return [this](const Committed& committed) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(committed);
      changed_.notify_all();
    };
  }
  void wait_for_responses(int64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !seen_.empty() && seen_.back().responses >= count; });
  }
  std::vector<Committed> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Committed> seen_;
};

class WriterTest : public StoreFixture {
 protected:
  ExamplePlan example;
  std::optional<Store> store;
  Store::Planned planned;

  void SetUp() override {
    StoreFixture::SetUp();
    store.emplace(open());
    planned = *store->create_run(example.plan);
  }
  int64_t evaluation() const { return planned.evaluation_ids[0]; }
  int64_t sample(size_t i) const { return planned.sample_ids[0][i]; }
  ResponseWrite response(const std::string& key) const {
    return {example_response(key), {{evaluation(), sample(0), 0}}};
  }
};

TEST_F(WriterTest, CommitsWhenAGroupIsFullAndNotBefore) {
  Commits commits;
  StoreWriter writer(*store, {.writes = 4, .delay = hours(1)}, commits.callback());
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(writer.write(response("k" + std::to_string(i))).has_value());
  commits.wait_for_responses(4);
  ASSERT_TRUE(writer.flush().has_value());
  const std::vector<Committed> seen = commits.seen();
  EXPECT_EQ(seen.back().responses, 7);
  // The first commit waited for four writes (more may have arrived before the thread woke up).
  EXPECT_GE(seen.front().responses, 4);
}

TEST_F(WriterTest, CommitsAfterTheDelayByItself) {
  Commits commits;
  StoreWriter writer(*store, {.writes = 1'000'000, .delay = milliseconds(1)}, commits.callback());
  ASSERT_TRUE(writer.write(response("k")).has_value());
  commits.wait_for_responses(1);
  EXPECT_TRUE(store->find_response("k")->has_value());
}

TEST_F(WriterTest, WritesWhatIsLeftWhenItEnds) {
  {
    StoreWriter writer(*store, {.writes = 1000, .delay = hours(1)});
    ASSERT_TRUE(writer.write(response("k")).has_value());
    EXPECT_FALSE(store->find_response("k")->has_value());
  }
  EXPECT_TRUE(store->find_response("k")->has_value());
}

TEST_F(WriterTest, FlushingNothingReturns) {
  StoreWriter writer(*store, {});
  EXPECT_TRUE(writer.flush().has_value());
  EXPECT_TRUE(writer.flush().has_value());
}

TEST_F(WriterTest, TakesMoreWritesThanMayWait) {
  StoreWriter writer(*store, {.writes = 100'000, .delay = hours(1)});
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(writer.write(response("k" + std::to_string(i))).has_value());
  ASSERT_TRUE(writer.flush().has_value());
  EXPECT_TRUE(store->find_response("k9999")->has_value());
}

TEST_F(WriterTest, AResponseComesBackAsItWas) {
  ResponseWrite write = response("k");
  write.response.token_logprobs = {-0.1F, std::nanf(""), -1e-30F};
  write.response.truncated = true;
  write.response.first_tokens = {{" B", -0.25}, {"\"", -3.5}};
  write.response.cached_prompt_tokens = 3;
  write.response.reasoning_tokens = 1;
  {
    StoreWriter writer(*store, {});
    ASSERT_TRUE(writer.write(write).has_value());
    ASSERT_TRUE(writer.write(response("plain")).has_value());
  }
  EXPECT_FALSE((*store->find_response("plain"))->cached_prompt_tokens.has_value()) << "unknown is not 0";
  EXPECT_TRUE((*store->find_response("plain"))->first_tokens.empty());
  const ResponseRow row = **store->find_response("k");
  EXPECT_EQ(row.first_tokens, write.response.first_tokens);
  EXPECT_EQ(row.cached_prompt_tokens, 3);
  EXPECT_EQ(row.reasoning_tokens, 1);
  EXPECT_GT(row.id, 0);
  EXPECT_EQ(row.key_json, write.response.key_json);
  EXPECT_EQ(row.prompt, "Question?");
  EXPECT_EQ(row.logprob, -1.5);
  EXPECT_TRUE(row.greedy);
  EXPECT_FALSE(row.text.has_value());
  EXPECT_EQ(row.finish, "none");
  EXPECT_EQ(row.tokens, (std::vector<int32_t>{3, 4}));
  ASSERT_EQ(row.token_logprobs.size(), 3U);
  EXPECT_EQ(row.token_logprobs[0], -0.1F);
  EXPECT_TRUE(std::isnan(row.token_logprobs[1]));
  EXPECT_EQ(row.token_logprobs[2], -1e-30F);
  EXPECT_EQ(row.prompt_tokens, 5);
  EXPECT_EQ(row.completion_tokens, 2);
  EXPECT_TRUE(row.truncated);
}

TEST_F(WriterTest, ImpossibleAndGeneratedResponsesComeBackAsTheyWere) {
  ResponseWrite impossible = response("impossible");
  impossible.response.logprob = -std::numeric_limits<double>::infinity();
  ResponseWrite generated = response("generated");
  generated.response.logprob = std::nan("");
  generated.response.text = std::string("ein \"Text\"\n\0mit Null, \xF0\x9F\x98\x80", 26);
  generated.response.finish = "stop";
  {
    StoreWriter writer(*store, {});
    ASSERT_TRUE(writer.write(impossible).has_value());
    ASSERT_TRUE(writer.write(generated).has_value());
  }
  EXPECT_EQ((*store->find_response("impossible"))->logprob, -std::numeric_limits<double>::infinity());
  const ResponseRow row = **store->find_response("generated");
  EXPECT_TRUE(std::isnan(row.logprob));
  EXPECT_EQ(row.text, generated.response.text);
  EXPECT_EQ(row.finish, "stop");
}

TEST_F(WriterTest, AKeyKeepsItsFirstResponseAndServesEveryUse) {
  ResponseWrite second{example_response("k"), {{evaluation(), sample(1), 0}, {evaluation(), sample(1), 1}}};
  second.response.logprob = -99;
  {
    StoreWriter writer(*store, {});
    ASSERT_TRUE(writer.write(response("k")).has_value());
    ASSERT_TRUE(writer.write(second).has_value());
  }
  EXPECT_EQ((*store->find_response("k"))->logprob, -1.5);
  EXPECT_EQ(read_responses(*store, evaluation(), sample(0))->size(), 1U);
  const std::vector<ResponseRow> used = *read_responses(*store, evaluation(), sample(1));
  ASSERT_EQ(used.size(), 2U);
  EXPECT_EQ(used[0].logprob, -1.5);
  EXPECT_EQ(used[0].id, used[1].id);
}

TEST_F(WriterTest, AnAnswerComesBackAsItWasAndCanBeReplaced) {
  AnswerRow answer;
  answer.evaluation_id = evaluation();
  answer.sample_id = sample(2);
  answer.error = "the endpoint gave status 500";
  AnswerRow better;
  better.evaluation_id = evaluation();
  better.sample_id = sample(2);
  better.answer = "A";
  better.truncated = true;
  better.invalid = true;
  better.confidence = 1.0 / 3.0;
  better.details = {{"gold", "A"}, {"predicted", "\"B\"\n"}};
  better.scores = {{"acc", 0.1}, {"undefined", std::nan("")}};
  StoreWriter writer(*store, {});
  ASSERT_TRUE(writer.write(answer).has_value());
  ASSERT_TRUE(writer.flush().has_value());
  EXPECT_EQ((*read_answers(*store, evaluation()))[0].error, answer.error);
  EXPECT_EQ(count_answers(*store, evaluation())->failed, 1);
  EXPECT_EQ(count_answers(*store, evaluation())->answered, 1);

  ASSERT_TRUE(writer.write(better).has_value());
  ASSERT_TRUE(writer.flush().has_value());
  const std::vector<AnswerRow> answers = *read_answers(*store, evaluation());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].answer, "A");
  EXPECT_FALSE(answers[0].error.has_value());
  EXPECT_FALSE(answers[0].no_answer);
  EXPECT_TRUE(answers[0].invalid);
  EXPECT_TRUE(answers[0].truncated);
  EXPECT_EQ(answers[0].confidence, 1.0 / 3.0);
  EXPECT_EQ(answers[0].details, better.details);
  EXPECT_EQ(answers[0].scores.at("acc"), 0.1);
  EXPECT_TRUE(std::isnan(answers[0].scores.at("undefined")));

  better.scores = {{"acc", 0.2}};
  ASSERT_TRUE(writer.write(better).has_value());
  ASSERT_TRUE(writer.flush().has_value());
  EXPECT_EQ((*read_answers(*store, evaluation()))[0].scores, better.scores)
      << "no score of another answer stays";
}

TEST_F(WriterTest, AFailedCommitIsReportedAndNotForgotten) {
  StoreWriter writer(*store, {.writes = 1000, .delay = hours(1)});
  AnswerRow orphan;  // no such evaluation: the foreign key refuses it
  orphan.evaluation_id = 999;
  orphan.sample_id = 999;
  ASSERT_TRUE(writer.write(orphan).has_value());
  EXPECT_FALSE(writer.flush().has_value());
  EXPECT_FALSE(writer.write(response("k")).has_value());
  EXPECT_FALSE(writer.flush().has_value());
  EXPECT_FALSE(store->find_response("k")->has_value());
}

TEST_F(WriterTest, AGroupIsCommittedWholeOrNotAtAll) {
  StoreWriter writer(*store, {.writes = 1000, .delay = hours(1)});
  AnswerRow orphan;
  orphan.evaluation_id = 999;
  orphan.sample_id = 999;
  ASSERT_TRUE(writer.write(response("k")).has_value());
  ASSERT_TRUE(writer.write(orphan).has_value());
  EXPECT_FALSE(writer.flush().has_value());
  EXPECT_FALSE(store->find_response("k")->has_value());
}

}  // namespace
}  // namespace sizeup
