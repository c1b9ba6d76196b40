// Conversations with a server that does as it should: what is sent, what is made of the answer.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>

#include "core/json/json.h"
#include "tests/backends/openai/endpoint_fixture.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class EndpointChat : public EndpointTest {};

TEST_F(EndpointChat, StreamsAnAnswer) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.number == 0 || !request.path.ends_with("/chat/completions"))
      return plain_chat_server(request);
    return event_stream(
        {chat_delta("fo"), chat_delta("ur"), chat_end("length"), chat_usage(9, 5), std::string(kDone)},
        std::chrono::milliseconds(20));
  });
  const auto backend = open(server);
  ASSERT_NE(backend, nullptr);
  EXPECT_TRUE(backend->card().has_chat_template);
  EXPECT_FALSE(backend->card().can_score);
  EXPECT_EQ(backend->card().context_length, 2048);
  EXPECT_THAT(backend->card().fingerprint, StartsWith("unknown:"));
  const auto result = ask(*backend, {chat_request(5)});
  ASSERT_TRUE(result.counts.has_value()) << describe(result.counts.error());
  ASSERT_EQ(result.responses.count(5), 1U);
  const Response& response = result.responses.at(5);
  ASSERT_FALSE(response.error) << describe(*response.error);
  EXPECT_EQ(response.text, "four");
  EXPECT_EQ(response.finish, FinishReason::length);
  EXPECT_EQ(response.prompt_tokens, 9);
  EXPECT_EQ(response.completion_tokens, 5);
  EXPECT_EQ(response.cached_prompt_tokens, 2);
  EXPECT_EQ(response.reasoning_tokens, 1);
  ASSERT_THAT(result.pieces.at(5), SizeIs(2));
  EXPECT_EQ(response.timing.ttft_ms, result.pieces.at(5)[0]);
  EXPECT_EQ(response.timing.total_ms, result.pieces.at(5)[1]) << "the last text, not the end of the stream";
  EXPECT_THAT(response.timing.total_ms, Gt(response.timing.ttft_ms));
  EXPECT_EQ(result.counts->tokens_generated, 5);
}

TEST_F(EndpointChat, SendsWhatIsAsked) {
  const ScriptedEndpoint server(
      [](const EndpointRequest& request) { return plain_chat_server(request, "four\nfive"); });
  const auto backend = open(server, "stream=no");
  Request request = chat_request(0);
  auto& ask_for = std::get<Generate>(request.ask);
  ask_for.stop = {"\n", "b", "c", "d", "e"};
  ask_for.sampling = {.temperature = 0.5, .top_k = 40, .top_p = 0.9, .min_p = 0.1, .seed = 3, .stream = 4};
  const auto result = ask(*backend, {request});
  EXPECT_EQ(result.responses.at(0).text, "four") << "cut at a stop string that the server left in";
  EXPECT_EQ(result.responses.at(0).finish, FinishReason::stop);
  EXPECT_EQ(result.responses.at(0).timing.ttft_ms, result.responses.at(0).timing.total_ms);
  Json body = Json::parse(server.requests().back().body);
  EXPECT_TRUE(body["seed"].is_number_integer());
  body.erase("seed");
  EXPECT_EQ(to_canonical(body),
            R"({"max_tokens":32,"messages":[{"content":"What is two and two?","role":"user"}],"min_p":0.1,)"
            R"("model":"tiny","stop":["\n","b","c","d"],"temperature":0.5,"top_k":40,"top_p":0.9})");
  EXPECT_THAT(result.counts->notes, AllOf(Contains(HasSubstr("1 of 1 answers: the text held a stop string")),
                                          Contains(HasSubstr("more than four stop strings"))));
}

TEST_F(EndpointChat, GreedyRequestsCarryNothingRandom) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return plain_chat_server(request); });
  const auto backend = open(server);
  ASSERT_FALSE(ask(*backend, {chat_request(0)}).responses.at(0).error);
  EXPECT_EQ(
      to_canonical(Json::parse(server.requests().back().body)),
      R"({"max_tokens":32,"messages":[{"content":"What is two and two?","role":"user"}],"model":"tiny",)"
      R"("stream":true,"stream_options":{"include_usage":true},"temperature":0.0})");
}

// The text of the run's prompt is what the response key is made of: a plain text is a message here.
TEST_F(EndpointChat, RendersWhatItSends) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return plain_chat_server(request); });
  const auto backend = open(server, "api=chat");
  EXPECT_EQ(backend->render(std::string("Hi")).value(), R"([{"role":"user","content":"Hi"}])");
  EXPECT_EQ(server.requests_of("/completions"), server.requests_of("/chat/completions")) << "not asked";
}

TEST_F(EndpointChat, KeepsTheKeyFromEverythingButTheHeader) {
  setenv("OPENAI_API_KEY", "sk-very-secret", 1);
  setenv("TEAM_TOKEN", "team-secret-9", 1);
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.path.ends_with("/models")) return plain_chat_server(request);
    return http_answer(401, "application/json",
                       R"({"error": {"message": "Incorrect API key: sk-very-secret."}})");
  });
  const auto refused = try_open(server.base_url(), "header=X-Team:TEAM_TOKEN");
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(describe(refused.error()),
              AllOf(HasSubstr("401: Incorrect API key: [secret]."), HasSubstr("OPENAI_API_KEY, which is set"),
                    Not(HasSubstr("sk-very"))));
  const auto requests = server.requests();
  EXPECT_EQ(requests.back().header("Authorization"), "Bearer sk-very-secret");
  EXPECT_EQ(requests.back().header("X-Team"), "team-secret-9");
  unsetenv("OPENAI_API_KEY");
}

TEST_F(EndpointChat, SaysWhichModelsThereAre) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.path.ends_with("/models"))
      return json_answer(R"({"data": [{"id": "small"}, {"id": "large"}]})");
    return http_answer(404, "application/json", R"({"error": {"message": "model 'tiny' not found"}})");
  });
  const auto missing = try_open(server.base_url());
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(exit_code(missing.error().kind), 4);
  EXPECT_THAT(describe(missing.error()),
              AllOf(HasSubstr("model 'tiny' not found"), HasSubstr("the server's models: small, large")));
}

TEST_F(EndpointChat, ContextIsWhatTheServerWasStartedWith) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (!request.path.ends_with("/models")) return plain_chat_server(request);
    return json_answer(R"({"data": [{"id": "tiny", "meta": {"n_ctx": 256, "n_ctx_train": 512}}]})");
  });
  EXPECT_EQ(open(server)->card().context_length, 256);
}

// The day of first use is in the fingerprint and kept, so the same endpoint has the same one tomorrow.
TEST_F(EndpointChat, FingerprintsStandForTheEndpoint) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return plain_chat_server(request); });
  const std::string first = open(server)->card().fingerprint;
  EXPECT_EQ(open(server)->card().fingerprint, first);
  for (const auto& file : std::filesystem::directory_iterator(home.path() / "sizeup" / "endpoints")) {
    Json kept = Json::parse(read_whole(file.path()));
    kept["first_used"] = "2020-02-02";
    home.write(std::filesystem::relative(file.path(), home.path()).string(), to_line(kept));
  }
  const auto backend = open(server);
  EXPECT_NE(backend->card().fingerprint, first);
  EXPECT_THAT(backend->card().notes, Contains(HasSubstr("first asked on 2020-02-02")));
}

TEST_F(EndpointChat, OneAtATimeWhereTheScenarioSaysSo) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return plain_chat_server(request); });
  const auto backend = open(server);
  std::vector<Request> requests;
  for (uint64_t id = 0; id < 20; ++id) requests.push_back(chat_request(id));
  RunOptions options;
  options.max_concurrent = 1;
  const auto result = ask(*backend, requests, options);
  EXPECT_THAT(result.responses, SizeIs(20));
  EXPECT_EQ(server.most_at_once(), 1);
}

TEST_F(EndpointChat, AThousandStreamsAtOnce) {
  constexpr rlim_t kDescriptors = 2100;  // both ends are in this process
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < kDescriptors) GTEST_SKIP() << "too few descriptors: " << limit.rlim_max;
  limit.rlim_cur = std::max(limit.rlim_cur, kDescriptors);
  setrlimit(RLIMIT_NOFILE, &limit);
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.number == 0) return plain_chat_server(request);
    EndpointScript script = event_stream({chat_delta("fo"), chat_delta("ur"), chat_end() + chat_usage(7, 3)});
    script.steps[1].pause = std::chrono::milliseconds(500);  // time for all the others to begin
    return script;
  });
  const auto backend = open(server, "api=chat&concurrency=1000");
  std::vector<Request> requests;
  for (uint64_t id = 0; id < 1000; ++id) requests.push_back(chat_request(id));
  const auto result = ask(*backend, requests);
  ASSERT_TRUE(result.counts.has_value());
  ASSERT_THAT(result.responses, SizeIs(1000));
  for (const auto& [id, response] : result.responses) {
    EXPECT_FALSE(response.error) << describe(*response.error);
    EXPECT_EQ(response.text, "four");
  }
  EXPECT_EQ(result.counts->tokens_generated, 3000);
  EXPECT_THAT(result.counts->notes, Contains("at most 1000 requests at once"));
}

}  // namespace
}  // namespace sizeup
