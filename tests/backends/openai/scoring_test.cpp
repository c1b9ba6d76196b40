// Scores from completions with echo: how the server is found to have them, and where its tokens are divided.
#include <gmock/gmock.h>

#include "core/json/json.h"
#include "tests/backends/openai/endpoint_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A server of completions whose tokens are `width` characters each; the log-probability of a token is minus
// its number in the text, and what is most probable is that token where its number is even.
struct EchoServer {
  size_t width = 2;
  bool marks_beginning = false;  // with a token "<s>", counted in the offsets as vLLM does
  bool needs_a_token = false;    // max_tokens 0 is refused
  bool hides_written = false;    // only the text's tokens are listed

  EndpointScript operator()(const EndpointRequest& request) const {
    if (!request.path.ends_with("/completions") || request.path.ends_with("/chat/completions"))
      return http_answer(404, "application/json", "{}");
    const Json asked = Json::parse(request.body);
    const int more = asked["max_tokens"].get<int>();
    if (more == 0 && needs_a_token) return http_answer(400, "application/json", R"({"error": "max_tokens"})");
    const auto text = asked["prompt"].get<std::string>();
    Json tokens = Json::array();
    if (marks_beginning) tokens.push_back("<s>");
    for (size_t at = 0; at < text.size(); at += width) tokens.push_back(text.substr(at, width));
    for (int i = 0; i < more && !hides_written; ++i) tokens.push_back("!");
    Json logprobs = Json::array(), offsets = Json::array(), top = Json::array();
    size_t offset = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const double value = -static_cast<double>(i);
      logprobs.push_back(i == 0 ? Json() : Json(value));
      top.push_back(i == 0 ? Json() : Json{{"best", i % 2 == 0 ? value : value + 0.5}});
      offsets.push_back(offset);
      offset += tokens[i].get<std::string>().size();
    }
    const Json choice = {{"index", 0},
                         {"text", text + std::string(static_cast<size_t>(more), '!')},
                         {"finish_reason", "length"},
                         {"logprobs",
                          {{"tokens", tokens},
                           {"token_logprobs", logprobs},
                           {"top_logprobs", top},
                           {"text_offset", offsets}}}};
    return json_answer(to_line(Json{
        {"choices", {choice}}, {"usage", {{"prompt_tokens", tokens.size()}, {"completion_tokens", more}}}}));
  }
};

Request continuation(std::string context, std::string text) {
  Request request;
  request.ask = ScoreContinuation{std::move(context), std::move(text)};
  return request;
}

class EndpointScores : public EndpointTest {
 protected:
  Response score(const EchoServer& echo, Request request) {
    const ScriptedEndpoint server(echo);
    const auto backend = open(server);
    EXPECT_TRUE(backend->card().can_score);
    EXPECT_FALSE(backend->card().scores_conversations);
    EXPECT_FALSE(backend->card().has_chat_template);
    return ask(*backend, {std::move(request)}).responses.at(0);
  }
};

TEST_F(EndpointScores, SumsTheContinuationsTokens) {
  const Response response = score({}, continuation("abcd", "efgh"));
  ASSERT_FALSE(response.error) << describe(*response.error);
  EXPECT_EQ(response.logprob, -5.0);
  EXPECT_THAT(response.token_logprobs, ElementsAre(-2.0F, -3.0F));
  EXPECT_FALSE(response.greedy) << "token 3 is not the most probable one";
  EXPECT_EQ(response.prompt_tokens, 2);
  EXPECT_EQ(response.completion_tokens, 2);
  EXPECT_EQ(response.finish, FinishReason::none);
  EXPECT_TRUE(score({}, continuation("abcd", "ef")).greedy);
}

TEST_F(EndpointScores, SpacesAtTheContextsEndBelongToTheContinuation) {
  EXPECT_EQ(score({}, continuation("abcd ", "efg")).logprob, -5.0);
}

TEST_F(EndpointScores, ATokenAcrossTheBoundaryIsAnError) {
  const Response response = score({}, continuation("abc", "def"));
  ASSERT_TRUE(response.error);
  EXPECT_THAT(describe(*response.error), HasSubstr("a token stands across the end of the context"));
  EXPECT_THAT(describe(*score({.width = 9}, continuation("ab", "cd")).error), HasSubstr("stands across"));
}

TEST_F(EndpointScores, ATokenForTheBeginningIsNoText) {
  EXPECT_EQ(score({.marks_beginning = true}, continuation("abcd", "ef")).logprob, -3.0);
  EXPECT_EQ(score({.marks_beginning = true}, continuation("", "ab")).logprob, -1.0);
}

TEST_F(EndpointScores, WithoutOneTheFirstTokenOfATextIsUnconditioned) {
  EXPECT_THAT(describe(*score({}, continuation("", "ab")).error),
              HasSubstr("token 0 has no log-probability"));
  Request whole;
  whole.ask = ScoreText{"abcd"};
  const Response response = score({}, whole);
  ASSERT_FALSE(response.error) << describe(*response.error);
  EXPECT_EQ(response.logprob, -1.0);
  EXPECT_TRUE(std::isnan(response.token_logprobs[0]));
}

TEST_F(EndpointScores, TheTokenThatHadToBeWrittenIsNotScored) {
  EXPECT_EQ(score({.needs_a_token = true}, continuation("abcd", "efgh")).logprob, -5.0);
}

// llama-cpp-python lists one token less, and then the text's last one would be taken for the written one.
TEST_F(EndpointScores, AServerThatHidesTheWrittenTokenHasNoScores) {
  const ScriptedEndpoint server(EchoServer{.needs_a_token = true, .hides_written = true});
  const auto backend = open(server);
  EXPECT_FALSE(backend->card().can_score);
  EXPECT_TRUE(backend->card().can_generate);
}

TEST_F(EndpointScores, ConversationsAreRefused) {
  Request request;
  request.ask = ScoreContinuation{std::vector<ChatMessage>{{"user", "abcd"}}, "ef"};
  EXPECT_THAT(describe(*score({}, request).error), HasSubstr("scores plain texts only"));
}

// Offsets that do not fit would divide the tokens somewhere else than the text.
TEST_F(EndpointScores, OffsetsThatDoNotFitAreAnError) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    EndpointScript script = EchoServer{}(request);
    if (request.number == 0) return script;
    std::string& bytes = script.steps[0].bytes;
    const size_t at = bytes.find("[0,2,4");
    if (at != std::string::npos) bytes.replace(at, 6, "[0,9,4");
    return script;
  });
  const auto backend = open(server);
  EXPECT_THAT(describe(*ask(*backend, {continuation("abcd", "ef")}).responses.at(0).error),
              HasSubstr("offsets do not fit"));
}

}  // namespace
}  // namespace sizeup
