// What clients of a server ask beside an answer: the prompt's own log-probabilities and the most probable
// tokens, by token ids; and that a request is given up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "backends/engine/tokenizer/tokenizer.h"
#include "backends/registry.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class PromptScores : public testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        open_backend(*ModelReference::parse(source_path("models/pocket/pocket-small.gguf").string()));
    ASSERT_TRUE(opened.has_value()) << describe(opened.error());
    backend_ = std::move(*opened);
  }

  std::map<uint64_t, Response> run(std::vector<Request> requests, const RunOptions& options = {}) {
    std::map<uint64_t, Response> responses;
    ListSource source(std::move(requests));
    FunctionSink sink([&](Response response) {
      const uint64_t id = response.id;
      responses[id] = std::move(response);
    });
    EXPECT_TRUE(backend_->run(source, sink, options, {}).has_value());
    return responses;
  }

  static Request scored(uint64_t id, TokenIds ids, int max_tokens, int top) {
    return {.id = id,
            .ask = Generate{.prompt = std::move(ids),
                            .max_tokens = max_tokens,
                            .stop = {},
                            .sampling = {},
                            .score_prompt = true,
                            .top_logprobs = top}};
  }

  std::unique_ptr<Backend> backend_;
};

// A question's choices as lm-evaluation-harness sends them to a server: context and continuation as one list
// of ids.
TEST_F(PromptScores, HaveTheBitsOfScoresWhateverIsAskedBeside) {
  const std::string context = "Question: I was charged twice. Which queue?\nAnswer:";
  std::vector<Request> asked;
  for (const std::string_view choice : {" billing", " delivery and returns", " no"}) {
    asked.push_back({.id = asked.size(), .ask = ScoreContinuation{context, std::string(choice)}});
  }
  const auto expected = run(asked);
  std::vector<Request> echoed;
  for (const auto& [id, response] : expected) {
    TokenIds ids = backend_->tokenizer()->encode(context, {});
    ASSERT_EQ(static_cast<int>(ids.size()), response.prompt_tokens);
    ids.insert(ids.end(), response.tokens.begin(), response.tokens.end());
    for (const int max_tokens : {0, 1, 4}) {
      for (const int top : {0, 1, 5}) echoed.push_back(scored(echoed.size(), ids, max_tokens, top));
    }
  }
  for (const int concurrent : {0, 3}) {
    for (const auto& [id, response] : run(echoed, {.max_batch_rows = 9, .max_concurrent = concurrent})) {
      SCOPED_TRACE(testing::Message() << id << " " << concurrent);
      ASSERT_FALSE(response.error) << response.error->message;
      const Response& score = expected.at(id / 9);
      const auto& ask = std::get<Generate>(echoed[id].ask);
      const auto prompt = static_cast<size_t>(response.prompt_tokens);
      EXPECT_LE(response.completion_tokens, ask.max_tokens);
      EXPECT_EQ(response.completion_tokens > 0, ask.max_tokens > 0);
      ASSERT_EQ(response.tokens.size(), prompt + static_cast<size_t>(response.completion_tokens));
      ASSERT_EQ(response.token_logprobs.size(), response.tokens.size());
      EXPECT_TRUE(std::isnan(response.token_logprobs[0]));
      bool greedy = true;
      for (size_t i = 0; i < score.tokens.size(); ++i) {
        const size_t at = static_cast<size_t>(score.prompt_tokens) + i;
        EXPECT_EQ(response.token_logprobs[at], score.token_logprobs[i]);
        if (ask.top_logprobs == 0) continue;
        ASSERT_EQ(response.top[at].size(), static_cast<size_t>(ask.top_logprobs));
        greedy = greedy && response.top[at][0].token == response.tokens[at];
        // The harness compares these values.
        EXPECT_EQ(response.top[at][0].token == response.tokens[at],
                  response.top[at][0].logprob == response.token_logprobs[at]);
      }
      if (ask.top_logprobs > 0) {
        EXPECT_EQ(greedy, score.greedy);
        EXPECT_THAT(response.top[0], IsEmpty());
        EXPECT_EQ(response.top.size(), response.tokens.size());
      }
    }
  }
}

// The text, the finish and the choice of tokens are the answer's alone.
TEST_F(PromptScores, LeaveTheAnswerAsItIs) {
  const TokenIds ids = backend_->tokenizer()->encode("A refund takes", {});
  for (const double temperature : {0.0, 1.0}) {
    Request plain = scored(0, ids, 12, 0);
    auto& ask = std::get<Generate>(plain.ask);
    ask.sampling = {.temperature = temperature, .seed = 7};
    ask.stop = {"zzz"};
    Request echoed = plain;
    echoed.id = 1;
    ask.score_prompt = false;
    const auto responses = run({plain, echoed});
    EXPECT_EQ(responses.at(0).text, responses.at(1).text);
    EXPECT_EQ(responses.at(0).finish, responses.at(1).finish);
    EXPECT_EQ(responses.at(0).completion_tokens, responses.at(1).completion_tokens);
    EXPECT_EQ(responses.at(0).prompt_tokens, static_cast<int>(ids.size()));
    // A prompt that holds a stop text would otherwise end its answer.
    std::get<Generate>(echoed.ask).stop = {"refund"};
    EXPECT_EQ(run({echoed}).at(1).completion_tokens, responses.at(0).completion_tokens);
  }
}

TEST_F(PromptScores, ShareTheComputationWithTheAnswer) {
  const TokenIds ids(200, 5);
  ListSource source({scored(0, ids, 1, 1)});
  FunctionSink sink([](const Response&) {});
  const auto counts = backend_->run(source, sink, {}, {});
  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->tokens_computed, 200);
}

TEST_F(PromptScores, SayWhatDoesNotFit) {
  const auto context = static_cast<size_t>(backend_->card().context_length);
  std::vector<Request> requests;
  for (const size_t length : {context + 1, context + 2}) {
    requests.push_back(scored(requests.size(), TokenIds(length, 5), 0, 0));
  }
  for (const size_t length : {context - 1, context}) {
    requests.push_back(scored(requests.size(), TokenIds(length, 5), 1000, 0));
  }
  for (Request& request : requests) request.truncate = Truncate::error;
  requests[2].truncate = requests[3].truncate = Truncate::answer;
  requests.push_back(scored(4, {5, -1}, 1, 0));
  requests.push_back(scored(5, {5, backend_->card().vocabulary}, 1, 0));
  const auto responses = run(requests);
  EXPECT_FALSE(responses.at(0).error);
  EXPECT_THAT(responses.at(1).error.value_or(Error{}).message, HasSubstr("the prompt has"));
  EXPECT_EQ(responses.at(2).completion_tokens, 1);
  EXPECT_THAT(responses.at(3).error.value_or(Error{}).message, HasSubstr("the prompt has"));
  EXPECT_THAT(responses.at(4).error.value_or(Error{}).message, HasSubstr("no embedding"));
  EXPECT_THAT(responses.at(5).error.value_or(Error{}).message, HasSubstr("no embedding"));
}

TEST_F(PromptScores, EndWhenTheRequestIsGivenUp) {
  class GivingUp : public ResponseSink {
   public:
    void on_response(Response response) override { responses.push_back(std::move(response)); }
    void on_token(uint64_t, int32_t, double) override {
      if (++tokens == 3) stop.request_stop();
    }
    std::stop_source stop;
    std::vector<Response> responses;
    int tokens = 0;
  } sink;
  Request request = scored(0, backend_->tokenizer()->encode("A refund takes", {}), 200, 0);
  request.cancelled = sink.stop.get_token();
  ListSource source({std::move(request)});
  ASSERT_TRUE(backend_->run(source, sink, {}, {}).has_value());
  ASSERT_EQ(sink.responses.size(), 1u);
  EXPECT_EQ(sink.responses[0].error.value_or(Error{}).kind, ErrorKind::interrupted);
  EXPECT_EQ(sink.tokens, 3);
}

}  // namespace
}  // namespace sizeup
