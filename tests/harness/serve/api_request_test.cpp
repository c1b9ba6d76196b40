// Bodies that are understood, and those that are refused with the field that is at fault.
#include "harness/serve/api_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ApiRequest read(ApiKind kind, const std::string& body) {
  auto request = parse_api_request(kind, body, "tiny");
  EXPECT_TRUE(request.has_value()) << body << ": " << request.error().message;
  return request.value_or(ApiRequest{});
}

ApiRequest completion(const std::string& members) {
  return read(ApiKind::completions, R"({"prompt": "A")" + members + "}");
}

ApiRequest chat(const std::string& members) {
  return read(ApiKind::chat, R"({"messages": [{"role": "user", "content": "A"}])" + members + "}");
}

TEST(ApiRequest, HasOpenAisDefaults) {
  const ApiRequest one = completion("");
  EXPECT_THAT(one.prompts, ElementsAre(Prompt("A")));
  EXPECT_EQ(one.ask.max_tokens, 16);
  EXPECT_EQ(one.truncate, Truncate::error);
  EXPECT_EQ(one.ask.sampling.temperature, 1.0);
  EXPECT_EQ(one.choices, 1);
  EXPECT_FALSE(one.seeded || one.echo || one.stream || one.logprobs || one.ask.score_prompt);
  const ApiRequest conversation = chat("");
  EXPECT_EQ(conversation.truncate, Truncate::answer);
  EXPECT_GT(conversation.ask.max_tokens, 1'000'000);
  EXPECT_EQ(chat(R"(, "max_tokens": 3)").truncate, Truncate::error);
}

TEST(ApiRequest, PromptsHaveFourForms) {
  const auto prompts = [](const std::string& form) {
    return read(ApiKind::completions, R"({"prompt": )" + form + "}").prompts;
  };
  EXPECT_THAT(prompts(R"("a b")"), ElementsAre(Prompt("a b")));
  EXPECT_THAT(prompts(R"(["a", ""])"), ElementsAre(Prompt("a"), Prompt("")));
  EXPECT_THAT(prompts("[1, 2]"), ElementsAre(Prompt(TokenIds{1, 2})));
  EXPECT_THAT(prompts("[[1, 2], [3]]"), ElementsAre(Prompt(TokenIds{1, 2}), Prompt(TokenIds{3})));
}

TEST(ApiRequest, MessagesMayHaveParts) {
  const ApiRequest request = read(
      ApiKind::chat,
      R"({"messages": [{"role": "developer", "content": "B"}, {"role": "user", "name": "x", "type": "text",
          "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]})");
  EXPECT_THAT(request.prompts,
              ElementsAre(Prompt(std::vector<ChatMessage>{{"system", "B"}, {"user", "ab"}})));
}

TEST(ApiRequest, FieldsArriveWhereTheyBelong) {
  const ApiRequest one = completion(
      R"(, "model": "tiny", "max_tokens": 0, "stop": ["x", "y"], "temperature": 0.5, "top_p": 0.9, "top_k": 7,
         "min_p": 0.1, "seed": -1, "n": 3, "echo": true, "logprobs": 2, "user": "u", "best_of": 1,
         "logit_bias": {}, "presence_penalty": 0, "suffix": null)");
  EXPECT_EQ(one.ask.max_tokens, 0);
  EXPECT_THAT(one.ask.stop, ElementsAre("x", "y"));
  const Sampling& sampling = one.ask.sampling;
  EXPECT_EQ(sampling.temperature, 0.5);
  EXPECT_EQ(sampling.top_p, 0.9);
  EXPECT_EQ(sampling.top_k, 7);
  EXPECT_EQ(sampling.min_p, 0.1);
  EXPECT_EQ(sampling.seed, ~uint64_t{0});
  EXPECT_TRUE(one.seeded);
  EXPECT_EQ(one.choices, 3);
  EXPECT_TRUE(one.ask.score_prompt);
  EXPECT_EQ(one.ask.top_logprobs, 2);
  EXPECT_FALSE(completion(R"(, "echo": true)").ask.score_prompt);
  EXPECT_EQ(completion(R"(, "top_k": -1)").ask.sampling.top_k, 0);
  const ApiRequest other =
      chat(R"(, "logprobs": true, "top_logprobs": 4, "max_completion_tokens": 9, "stream": true,
             "stream_options": {"include_usage": true}, "tools": [], "response_format": {"type": "text"})");
  EXPECT_EQ(other.logprobs, 4);
  EXPECT_EQ(other.ask.top_logprobs, 4);
  EXPECT_EQ(other.ask.max_tokens, 9);
  EXPECT_TRUE(other.stream && other.include_usage);
  EXPECT_FALSE(chat(R"(, "logprobs": false)").logprobs);
}

struct Refused {
  ApiKind kind;
  std::string body;
  std::string param;
  std::string message;
  int status = 400;
};

TEST(ApiRequest, WhatIsWrongIsNamed) {
  constexpr ApiKind kText = ApiKind::completions;
  constexpr ApiKind kChat = ApiKind::chat;
  const std::string user = R"("messages": [{"role": "user", "content": "A"}])";
  const std::vector<Refused> table = {
      {kText, "", "", "not valid JSON"},
      {kText, "[]", "", "an object"},
      {kText, "{}", "prompt", "no prompt"},
      {kChat, "{}", "messages", "no prompt"},
      {kText, R"({"prompt": 3})", "prompt", "a list of token ids"},
      {kText, R"({"prompt": []})", "prompt", "a list of token ids"},
      {kText, R"({"prompt": [1, "a"]})", "prompt", "token ids"},
      {kText, R"({"prompt": [1.5]})", "prompt", "token ids"},
      {kText, R"({"prompt": [-1]})", "prompt", "token ids"},
      {kText, R"({"prompt": [99999999999]})", "prompt", "token ids"},
      {kText, R"({"prompt": [[1], []]})", "prompt", "a list of token ids"},
      {kText, R"({"prompt": "A", "model": "large"})", "model", "\"tiny\"", 404},
      {kText, R"({"prompt": "A", "max_tokens": -1})", "max_tokens", "from 0"},
      {kText, R"({"prompt": "A", "max_tokens": 1.5})", "max_tokens", "whole number"},
      {kText, R"({"prompt": "A", "max_tokens": "3"})", "max_tokens", "whole number"},
      {kText, R"({"prompt": "A", "logprobs": 6})", "logprobs", "to 5"},
      {kText, R"({"prompt": "A", "logprobs": true})", "logprobs", "to 5"},
      {kText, R"({"prompt": "A", "temperature": -0.1})", "temperature", "from 0"},
      {kText, R"({"prompt": "A", "top_p": 1.1})", "top_p", "to 1"},
      {kText, R"({"prompt": "A", "n": 0})", "n", "from 1"},
      {kText, R"({"prompt": "A", "n": 129})", "n", "to 128"},
      {kText, R"({"prompt": "A", "seed": 1.5})", "seed", "whole number"},
      {kText, R"({"prompt": "A", "stop": [""]})", "stop", "none of them empty"},
      {kText, R"({"prompt": "A", "stop": [3]})", "stop", "texts"},
      {kText, R"({"prompt": "A", "stream": 1})", "stream", "true or false"},
      {kText, R"({"prompt": "A", "stream": true, "echo": true})", "echo", "stream"},
      {kText, R"({"prompt": "A", "suffix": "B"})", "suffix", "not supported"},
      {kText, R"({"prompt": "A", "best_of": 2})", "best_of", "not supported"},
      {kText, R"({"prompt": "A", "frequency_penalty": 0.5})", "frequency_penalty", "not supported"},
      {kText, R"({"prompt": "A", "logit_bias": {"5": 1}})", "logit_bias", "not supported"},
      {kText, R"({"prompt": "A", "messages": []})", "messages", "not known"},
      {kText, R"({"prompt": "A", "guided_regex": "x"})", "guided_regex", "might change"},
      {kChat, "{" + user + R"(, "tools": [{}]})", "tools", "not supported"},
      {kChat, "{" + user + R"(, "response_format": {"type": "json_object"}})", "response_format",
       "not supported: the engine does not hold its answers to a form"},
      {kChat, "{" + user + R"(, "response_format": {"type": "json_schema", "json_schema": {"name": "a"}}})",
       "response_format", "not supported"},
      {kChat, "{" + user + R"(, "response_format": {"type": "text", "strict": true}})", "response_format",
       "not supported"},
      {kText, R"({"prompt": "A", "response_format": {"type": "json_object"}})", "response_format",
       "not supported"},
      {kText, R"({"prompt": "A", "ignore_eos": 1})", "ignore_eos", "true or false"},
      {kChat, "{" + user + R"(, "top_logprobs": 2})", "top_logprobs", "needs"},
      {kChat, "{" + user + R"(, "max_tokens": 0})", "max_tokens", "from 1"},
      {kChat, "{" + user + R"(, "echo": true})", "echo", "not known"},
      {kChat, R"({"messages": "A"})", "messages", "a list"},
      {kChat, R"({"messages": []})", "messages", "a list"},
      {kChat, R"({"messages": [3]})", "messages", "role"},
      {kChat, R"({"messages": [{"content": "A"}]})", "messages", "role"},
      {kChat, R"({"messages": [{"role": "user"}]})", "messages", "a text"},
      {kChat, R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})", "messages",
       "only text"},
      {kChat, R"({"messages": [{"role": "user", "content": "A", "tool_calls": [1]}]})", "messages",
       "tool_calls"},
  };
  for (const Refused& row : table) {
    SCOPED_TRACE(row.body);
    const auto read = parse_api_request(row.kind, row.body, "tiny");
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().param, row.param);
    EXPECT_THAT(read.error().message, HasSubstr(row.message));
    EXPECT_EQ(read.error().status, row.status);
  }
}

TEST(ApiRequest, ErrorsHaveOpenAisForm) {
  EXPECT_EQ(api_error_body({.status = 400, .message = "m", .param = "p"}),
            R"({"error":{"message":"m","type":"invalid_request_error","param":"p","code":null}})");
  EXPECT_EQ(api_error_body({.status = 429, .message = "m", .code = "c"}),
            R"({"error":{"message":"m","type":"rate_limit_error","param":null,"code":"c"}})");
}

}  // namespace
}  // namespace sizeup
