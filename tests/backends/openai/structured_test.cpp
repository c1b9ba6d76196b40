// Answers held to a JSON Schema, and the weights of an answer's first tokens.
#include <gmock/gmock.h>

#include <cmath>

#include "core/json/json.h"
#include "tests/backends/openai/endpoint_fixture.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kSchema = R"({"type":"object","properties":{"total":{"type":"number"}}})";

Request record_request(uint64_t id) {
  Request request = chat_request(id);
  std::get<Generate>(request.ask).schema = kSchema;
  return request;
}

Json last_body(const ScriptedEndpoint& server) {
  return Json::parse(server.requests().back().body);
}

class EndpointSchema : public EndpointTest {
 protected:
  const ScriptedEndpoint server{
      [](const EndpointRequest& request) { return plain_chat_server(request, R"({"total": 3})"); }};
};

TEST_F(EndpointSchema, GoesWithTheRequestsThatHaveOne) {
  const auto backend = open(server, "response_format=strict_json_schema");
  ASSERT_NE(backend, nullptr);
  EXPECT_TRUE(backend->card().takes_schema);
  const auto result = ask(*backend, {record_request(0)});
  EXPECT_EQ(to_line(last_body(server)["response_format"]),
            std::string(R"({"type":"json_schema","json_schema":{"name":"answer","schema":)") + kSchema +
                R"(,"strict":true}})");
  EXPECT_THAT(result.counts->notes, Not(Contains(HasSubstr("response_format"))));
  ask(*backend, {chat_request(0)});
  EXPECT_FALSE(last_body(server).contains("response_format"));
}

TEST_F(EndpointSchema, MayBeASuggestionOrJsonAlone) {
  ask(*open(server, "response_format=json_schema"), {record_request(0)});
  EXPECT_EQ(last_body(server)["response_format"]["json_schema"]["strict"], false);
  ask(*open(server, "response_format=json_object"), {record_request(0)});
  EXPECT_EQ(to_line(last_body(server)["response_format"]), R"({"type":"json_object"})");
}

TEST_F(EndpointSchema, IsNotSentUnlessItIsWanted) {
  const auto backend = open(server);
  EXPECT_FALSE(backend->card().takes_schema);
  ask(*backend, {record_request(0)});
  EXPECT_FALSE(last_body(server).contains("response_format"));
}

// Held to a schema it is another model as far as stored answers go.
TEST_F(EndpointSchema, IsPartOfTheFingerprint) {
  const std::string free = open(server)->card().fingerprint;
  const std::string held = open(server, "response_format=json_schema")->card().fingerprint;
  EXPECT_NE(free, held);
  EXPECT_NE(open(server, "response_format=strict_json_schema")->card().fingerprint, held);
  EXPECT_EQ(open(server, "response_format=none")->card().fingerprint, free);
}

TEST_F(EndpointTest, AServerThatRefusesResponseFormatIsNotUsed) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.body.find("response_format") == std::string::npos) return plain_chat_server(request);
    return http_answer(400, "application/json", R"({"error": {"message": "response_format: unsupported"}})");
  });
  const auto backend = try_open(server.base_url(), "response_format=json_schema");
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(exit_code(backend.error().kind), 4);
  EXPECT_THAT(describe(backend.error()), HasSubstr("response_format=json_schema: the server answers 400"));
  EXPECT_THAT(describe(backend.error()), HasSubstr("response_format: unsupported"));
}

// Plain texts go to completions, which may take less than chats do.
TEST_F(EndpointTest, BothInterfacesMustTakeResponseFormat) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (!request.path.ends_with("/v1/completions")) return plain_chat_server(request, "{}");
    if (request.body.find("response_format") != std::string::npos)
      return http_answer(400, "application/json", R"({"error": {"message": "unknown field"}})");
    const Json choice = {{"index", 0}, {"text", "{}"}, {"finish_reason", "stop"}};
    return json_answer(to_line(Json{{"choices", Json::array({choice})}}));
  });
  const auto both = try_open(server.base_url(), "response_format=json_object");
  ASSERT_FALSE(both.has_value());
  EXPECT_THAT(describe(both.error()), HasSubstr("api=chat"));
  EXPECT_TRUE(try_open(server.base_url(), "response_format=json_object&api=chat").has_value());
}

TEST_F(EndpointTest, AServerThatIgnoresResponseFormatIsFoundOut) {
  const ScriptedEndpoint server(
      [](const EndpointRequest& request) { return plain_chat_server(request, "The total is 3."); });
  const auto backend = open(server, "response_format=json_schema");
  const auto result = ask(*backend, {record_request(0), record_request(1), chat_request(2)});
  EXPECT_THAT(result.counts->notes, Contains(HasSubstr("2 of 3 answers: JSON was asked for")));
}

std::string weighed_delta(std::string_view text, const Json& top) {
  const Json token = {{"token", text}, {"logprob", -0.5}, {"top_logprobs", top}};
  const Json choice = {
      {"index", 0}, {"delta", {{"content", text}}}, {"logprobs", {{"content", Json::array({token})}}}};
  return "data: " + to_line(Json{{"choices", Json::array({choice})}}) + "\n\n";
}

Json weighed(std::string_view token, const Json& logprob) {
  return {{"token", token}, {"logprob", logprob}, {"bytes", nullptr}};
}

Request choice_request(uint64_t id) {
  Request request = chat_request(id);
  std::get<Generate>(request.ask).top_logprobs = 20;
  return request;
}

// Streams "B" and "." with the weights of each, and takes `most` of them at most.
EndpointScript weighing_server(const EndpointRequest& request, int most) {
  if (!request.path.ends_with("/chat/completions")) return plain_chat_server(request);
  const Json body = Json::parse(request.body);
  if (body.value("top_logprobs", 0) > most)
    return http_answer(400, "application/json", R"({"error": {"message": "top_logprobs is too large"}})");
  if (!body.value("stream", false)) {
    Json answer = Json::parse(chat_json("B"));
    Json token = weighed("B", -0.5);
    if (body.contains("top_logprobs")) token["top_logprobs"] = Json::array({weighed("B", -0.5)});
    if (body.value("logprobs", false)) answer["choices"][0]["logprobs"]["content"] = Json::array({token});
    return json_answer(to_line(answer));
  }
  return event_stream(
      {weighed_delta("B", Json::array({weighed("B", -0.5), weighed(" A", -1.5), weighed("C", nullptr)})),
       weighed_delta(".", Json::array({weighed(".", -0.1)})), chat_end(), std::string(kDone)});
}

TEST_F(EndpointTest, TheFirstTokensWeightsComeWithChoices) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return weighing_server(request, 20); });
  const auto backend = open(server, "logprobs=yes");
  const auto result = ask(*backend, {choice_request(0)});
  EXPECT_EQ(last_body(server)["top_logprobs"], 20);
  EXPECT_EQ(last_body(server)["logprobs"], true);
  const Response& response = result.responses.at(0);
  EXPECT_EQ(response.text, "B.");
  EXPECT_THAT(response.first_top, ElementsAre(TextLogprob{"B", -0.5F}, TextLogprob{" A", -1.5F}))
      << "of the first token alone, and without what is no number";
  EXPECT_THAT(ask(*backend, {chat_request(1)}).responses.at(1).first_top, IsEmpty()) << "not asked for";
  EXPECT_FALSE(last_body(server).contains("top_logprobs"));
}

TEST_F(EndpointTest, AServerThatGivesFewerIsAskedForThose) {
  for (const int most : {5, 0}) {
    const ScriptedEndpoint server(
        [most](const EndpointRequest& request) { return weighing_server(request, most); });
    const auto backend = open(server, "logprobs=yes");
    const auto result = ask(*backend, {choice_request(0)});
    ASSERT_FALSE(result.responses.at(0).error) << most;
    EXPECT_EQ(last_body(server).value("top_logprobs", 0), most);
    EXPECT_EQ(last_body(server)["logprobs"], true) << "still wanted without them";
    const auto says = Contains(HasSubstr("do not say which first tokens"));
    if (most == 0) {
      EXPECT_THAT(backend->card().notes, says);
    } else {
      EXPECT_THAT(backend->card().notes, Not(says));
    }
  }
}

// Where there are completions alone the probe asks them: what they refuse or leave out is known before the
// run.
TEST_F(EndpointTest, CompletionsAloneAreAskedForLogProbabilities) {
  enum class Gives { all, no_top, nothing, refusal };
  for (const Gives gives : {Gives::all, Gives::no_top, Gives::nothing, Gives::refusal}) {
    const ScriptedEndpoint server([gives](const EndpointRequest& request) {
      if (!request.path.ends_with("/v1/completions")) return plain_chat_server(request);
      const Json body = Json::parse(request.body);
      if (body.value("echo", false))
        return http_answer(400, "application/json", R"({"error": {"message": "echo"}})");
      if (gives == Gives::refusal && body.contains("logprobs"))
        return http_answer(400, "application/json", R"({"error": {"message": "no logprobs here"}})");
      Json choice = {{"index", 0}, {"text", " B"}, {"finish_reason", "length"}};
      if (gives != Gives::nothing && body.contains("logprobs"))
        choice["logprobs"] = {{"tokens", {" B"}}, {"token_logprobs", {-0.5}}, {"text_offset", {0}}};
      if (gives == Gives::all && body.contains("logprobs"))
        choice["logprobs"]["top_logprobs"] = Json::array({{{" B", -0.5}}});
      return json_answer(to_line(Json{{"choices", Json::array({choice})}}));
    });
    const auto backend = open(server, "api=completions&logprobs=yes&stream=no");
    const std::vector<std::string>& notes = backend->card().notes;
    const auto no_first = Contains(HasSubstr("completions do not say which first tokens"));
    EXPECT_EQ(testing::Matches(no_first)(notes), gives == Gives::no_top);
    EXPECT_EQ(testing::Matches(Contains(HasSubstr("completions give no log-probabilities")))(notes),
              gives == Gives::nothing);
    EXPECT_EQ(testing::Matches(Contains(HasSubstr("refuse log-probabilities of written answers")))(notes),
              gives == Gives::refusal);
    Request request = choice_request(0);
    std::get<Generate>(request.ask).prompt = std::string("Which?");
    const auto result = ask(*backend, {request});
    EXPECT_FALSE(result.responses.at(0).error) << "a refusal must not fail the answers";
    const bool asked = last_body(server).contains("logprobs");
    EXPECT_EQ(asked, gives == Gives::all || gives == Gives::no_top);
  }
}

// Of what would end the answer; not sent unless it is wanted, since many servers refuse what they do not
// know.
TEST_F(EndpointTest, AnExactLengthIsAskedForByIgnoreEos) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return plain_chat_server(request); });
  const auto backend = open(server);
  Request request = chat_request(0);
  ask(*backend, {request});
  EXPECT_FALSE(last_body(server).contains("ignore_eos"));
  std::get<Generate>(request.ask).ignore_end = true;
  ask(*backend, {request});
  EXPECT_EQ(last_body(server)["ignore_eos"], true);
}

// Completions give an object, for at most five.
TEST_F(EndpointTest, CompletionsWeighTheFirstTokenToo) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (!request.path.ends_with("/v1/completions")) return plain_chat_server(request);
    const Json choice = {{"index", 0},
                         {"text", " B."},
                         {"finish_reason", "stop"},
                         {"logprobs",
                          {{"tokens", {" B", "."}},
                           {"token_logprobs", {-0.5, -0.1}},
                           {"text_offset", {0, 2}},
                           {"top_logprobs", Json::array({{{" B", -0.5}, {" A", -1.5}}, {{".", -0.1}}})}}}};
    return json_answer(to_line(Json{{"choices", Json::array({choice})}}));
  });
  const auto backend = open(server, "api=completions&logprobs=yes&stream=no");
  Request request = choice_request(0);
  std::get<Generate>(request.ask).prompt = std::string("Which?");
  const auto result = ask(*backend, {request});
  EXPECT_EQ(last_body(server)["logprobs"], 5);
  EXPECT_THAT(result.responses.at(0).first_top,
              ElementsAre(TextLogprob{" B", -0.5F}, TextLogprob{" A", -1.5F}));
}

}  // namespace
}  // namespace sizeup
