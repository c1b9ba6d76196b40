// Replies and the bytes of streams.
#include "harness/serve/api_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

class Replies : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = load_tokenizer(source_path("models/pocket/tokenizer.json"));
    ASSERT_TRUE(loaded.has_value());
    tokenizer = std::move(*loaded);
    model = {.name = "tiny",
             .fingerprint = "fp_1",
             .context_length = 512,
             .created = 7,
             .tokenizer = tokenizer.get()};
  }
  Token token_of(const std::string& text) const {
    const std::vector<Token> tokens = tokenizer->encode(text, {.add_special = false});
    EXPECT_EQ(tokens.size(), 1u) << text;
    return tokens.front();
  }

  std::unique_ptr<Tokenizer> tokenizer;
  ServedModel model;
};

TEST_F(Replies, EventsOfAStreamAreOpenAisBytes) {
  ApiRequest request{.kind = ApiKind::chat, .prompts = {"A"}, .ask = {}, .logprobs = {}};
  const ApiReply reply(model, request, "1", 9);
  const std::string head =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":9,"model":"tiny","system_fingerprint":"fp_1","choices":[{"index":0,)";
  EXPECT_EQ(
      reply.begin(0),
      head + R"("delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})" + "\n\n");
  EXPECT_EQ(reply.text(0, "a\n\""),
            head + R"("delta":{"content":"a\n\""},"logprobs":null,"finish_reason":null}]})" + "\n\n");
  Response response;
  response.finish = FinishReason::length;
  EXPECT_EQ(reply.end(0, response),
            head + R"("delta":{},"logprobs":null,"finish_reason":"length"}]})" + "\n\n");
  EXPECT_EQ(reply.usage({}), "");
  EXPECT_EQ(ApiReply::done(), "data: [DONE]\n\n");
  request.kind = ApiKind::completions;
  request.include_usage = true;
  const ApiReply other(model, request, "2", 9);
  EXPECT_EQ(other.begin(0), "");
  EXPECT_EQ(
      other.text(1, "a"),
      R"(data: {"id":"cmpl-2","object":"text_completion","created":9,"model":"tiny","system_fingerprint":"fp_1","choices":[{"index":1,"text":"a","logprobs":null,"finish_reason":null}],"usage":null})"
      "\n\n");
}

// A prompt with several choices is counted once.
TEST_F(Replies, UsageCountsPromptsOnce) {
  const ApiRequest request{.prompts = {"A", "B"}, .ask = {}, .choices = 2, .logprobs = {}};
  std::vector<Response> responses(4);
  for (size_t i = 0; i < 4; ++i) {
    responses[i].prompt_tokens = i < 2 ? 10 : 20;
    responses[i].completion_tokens = 1;
  }
  const Json reply = Json::parse(ApiReply(model, request, "1", 9).whole(responses));
  EXPECT_EQ(reply["usage"], (Json{{"prompt_tokens", 30}, {"completion_tokens", 4}, {"total_tokens", 34}}));
  EXPECT_EQ(reply["choices"].size(), 4u);
}

// What lm-evaluation-harness reads: a token is greedy if its value is the greatest of the alternatives'.
TEST_F(Replies, LogprobsKeepTheMostProbableValueAndTheTokensOwn) {
  const Token one = token_of("a");
  const Token two = token_of("b");
  const ApiRequest request{.prompts = {TokenIds{one, two, one}}, .ask = {}, .echo = true, .logprobs = 1};
  Response response;
  response.tokens = {one, two, one, one};
  const float infinite = std::numeric_limits<float>::infinity();
  response.token_logprobs = {std::nanf(""), -0.1F, -infinite, -2.0F};
  response.top = {{}, {{two, -0.1F}}, {{two, -0.5F}}, {{two, -0.25F}}};
  response.text = "a";
  const Json choice =
      Json::parse(ApiReply(model, request, "1", 9).whole(std::vector{response}))["choices"][0];
  EXPECT_EQ(choice["text"], "abaa");
  const Json& found = choice["logprobs"];
  EXPECT_EQ(found["tokens"], (Json{"a", "b", "a", "a"}));
  EXPECT_EQ(found["text_offset"], (Json{0, 1, 2, 3}));
  EXPECT_EQ(found["token_logprobs"], (Json{nullptr, static_cast<double>(-0.1F), -9999.0, -2.0}));
  EXPECT_EQ(found["top_logprobs"][0], nullptr);
  EXPECT_EQ(found["top_logprobs"][1], (Json{{"b", static_cast<double>(-0.1F)}}));
  EXPECT_EQ(found["top_logprobs"][3], (Json{{"b", -0.25}, {"a", -2.0}}));
}

// Tokens that are parts of one character show as the same replacement: the greater value stays.
TEST_F(Replies, AlternativesOfTheSameTextDoNotHideTheMostProbable) {
  const std::vector<Token> bytes = tokenizer->encode("\xF0\x9F\x98\x80", {.add_special = false});
  ASSERT_GE(bytes.size(), 2u);
  const ApiRequest request{.prompts = {"x"}, .ask = {}, .logprobs = 1};
  Response response;
  response.tokens = {bytes[1]};
  response.token_logprobs = {-3.0F};
  response.top = {{{bytes[0], -1.0F}}};
  const Json top =
      Json::parse(ApiReply(model, request, "1", 9)
                      .whole(std::vector{response}))["choices"][0]["logprobs"]["top_logprobs"][0];
  ASSERT_EQ(top.size(), 1u);
  EXPECT_EQ(top.begin().value(), -1.0);
}

}  // namespace
}  // namespace sizeup
