// Servers that fail: each fault ends in the right response or in one clear error, and nothing is counted
// twice.
#include <gmock/gmock.h>
#include <zlib.h>

#include <array>

#include "tests/backends/openai/endpoint_fixture.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// `bad` is the server's answer to the attempts 1 to `times`; after them it does as it should.
struct Fault {
  std::string name;
  std::function<EndpointScript()> bad;
  int times = 1;
  std::string error = {};  // empty: the response is right, "four"
  size_t attempts = 2;     // that the request takes
  std::string options = {};
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

EndpointScript broken_after(std::vector<std::string> texts, ScriptEnd end) {
  EndpointScript script = event_stream(texts);
  script.steps.pop_back();
  script.end = end;
  return script;
}

// The stream's bytes one after the other, whatever they belong to.
EndpointScript byte_by_byte(const std::string& text) {
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  return event_stream(bytes);
}

EndpointScript endless(const std::string& text) {
  EndpointScript script = event_stream({});
  script.steps.pop_back();
  constexpr int kEvents = 20'000;
  for (int i = 0; i < kEvents; ++i) script.steps.push_back({chunk(text)});
  return script;
}

EndpointScript slow(std::chrono::milliseconds pause) {
  EndpointScript script = plain_chat_server({"/v1/chat/completions", "", "{}", 1});
  script.steps.front().pause = pause;
  return script;
}

const std::string kAnswer = chat_delta("four") + chat_end() + chat_usage(7, 3) + std::string(kDone);

std::vector<Fault> faults() {
  const std::string usage = chat_usage(7, 3);
  const std::string done(kDone);
  return {
      {"Storm429",
       [] { return http_answer(429, "application/json", R"({"error": {"message": "slow down"}})"); }, 5, "",
       6},
      {"Storm429WithoutEnd",
       [] { return http_answer(429, "application/json", R"({"error": {"message": "slow down"}})"); }, 99,
       "429: slow down (8 attempts)", 8},
      {"RetryAfterFarAway", [] { return http_answer(429, "text/plain", "", "Retry-After: 7200\r\n"); }, 1,
       "it asks to wait 7200 seconds", 1},
      {"Busy503", [] { return http_answer(503, "text/html", "<h1>busy</h1>"); }},
      {"Broken500", [] { return http_answer(500, "application/json", "{}"); }},
      {"Wrong400",
       [] { return http_answer(400, "application/json", R"({"error": {"message": "too long"}})"); }, 1,
       "400: too long", 1},
      {"Missing404", [] { return http_answer(404, "application/json", R"({"detail": "gone"})"); }, 1,
       "404: gone", 1},
      {"Redirect", [] { return http_answer(307, "text/plain", "", "Location: http://127.0.0.1:1/v1\r\n"); },
       1, "redirects are not followed", 1},
      {"ResetBeforeTheAnswer",
       [] {
         return EndpointScript{{}, ScriptEnd::reset};
       }},
      {"ResetMidStream", [] { return broken_after({chat_delta("fo")}, ScriptEnd::reset); }},
      {"ClosedMidStream", [] { return broken_after({chat_delta("fo")}, ScriptEnd::close); }},
      {"DoneInTheMiddle",  // llama-cpp-python, when another request comes
       [=] {
         return broken_after({chat_delta("fo"), done}, ScriptEnd::close);
       }},
      {"DoneWithoutAReason",
       [=] {
         return event_stream({chat_delta("four"), usage, done});
       },
       1, "", 1},
      {"HalfAnEvent",
       [] {
         return event_stream({chat_delta("four"), chat_end().substr(0, 20)});
       }},
      {"NoEnd", [] { return event_stream({chat_delta("four")}); }},
      {"ResetForEver", [] { return broken_after({chat_delta("fo")}, ScriptEnd::reset); }, 99, "(3 attempts)",
       3, "attempts=3"},
      {"ByteByByte", [] { return byte_by_byte(kAnswer); }, 1, "", 1},
      {"CarriageReturns",
       [=] {
         return event_stream({": hello\r\n\r\nevent: x\r\ndata: [DONE\r\r", chat_delta("four"), chat_end()});
       },
       1, "not valid JSON", 1},
      {"WrongJson", [] { return event_stream({"data: {\"choices\": [}\n\n"}); }, 1, "not valid JSON", 1},
      {"NotAnObject", [] { return json_answer("[]"); }, 1, "no JSON object", 1},
      {"NoChoices", [] { return json_answer("{}"); }, 1, "no choices", 1},
      {"EmptyBody", [] { return json_answer(""); }},
      {"WrongContentType", [] { return http_answer(200, "text/html", "<html>"); }, 1,
       "answers with 'text/html', not JSON", 1},
      {"Gzip",
       [] {
         return http_answer(200, "application/json", gzip(chat_json("four")), "Content-Encoding: gzip\r\n");
       },
       1, "", 1},
      {"BrokenGzip",
       [] { return http_answer(200, "application/json", "not gzip", "Content-Encoding: gzip\r\n"); }, 1,
       "Content or Transfer-Encoding", 1},
      {"OneObjectForAStream", [] { return json_answer(chat_json("four")); }, 1, "", 1},
      {"EndsTwice",
       [=] {
         return event_stream({chat_delta("four"), chat_end(), chat_end(), usage, usage, done, done});
       },
       1, "", 1},
      {"TextAfterTheEnd",
       [=] {
         return event_stream({chat_delta("four"), chat_end(), chat_delta("four"), done});
       },
       1, "text after the answer's end", 1},
      {"ErrorInAStream",
       [] {
         return event_stream(
             {chat_delta("fo"), "data: {\"error\": {\"message\": \"filtered\", \"code\": 400}}\n\n"});
       },
       1, "filtered", 1},
      {"PassingErrorInAStream",
       [] {
         return event_stream({chat_delta("fo"),
                              "data: {\"error\": {\"message\": \"busy\", \"type\": \"server_error\"}}\n\n"});
       }},
      {"HugeHeaders",
       [] {
         return http_answer(200, "application/json", chat_json("four"),
                            "X-Large: " + std::string(70'000, 'x') + "\r\n");
       },
       1, "headers of more than", 1},
      {"HugeEvent", [] { return event_stream({"data: " + std::string(2'000'000, 'x') + "\n\n"}); }, 1,
       "an event of more than", 1},
      {"EndlessText", [] { return endless(chat_delta(std::string(200, 'x'))); }, 1,
       "which max_tokens does not allow", 1},
      {"EndlessSilence", [] { return slow(std::chrono::seconds(30)); }, 99,
       "no text within 0.05 seconds (2 attempts)", 2, "first_token_timeout=0.05&attempts=2"},
      {"SlowFirstByte", [] { return slow(std::chrono::milliseconds(30)); }, 1, "", 1},
      {"NeverDone",
       [] {
         EndpointScript script = broken_after({chat_delta("four")}, ScriptEnd::keep);
         script.steps.push_back({"x", std::chrono::seconds(30)});
         return script;
       },
       1, "timeout= allows more", 1, "timeout=0.2"},
  };
}

class EndpointFault : public EndpointTest, public testing::WithParamInterface<Fault> {};

TEST_P(EndpointFault, EndsInTheRightResponseOrOneClearError) {
  const Fault& fault = GetParam();
  const ScriptedEndpoint server([&](const EndpointRequest& request) {
    const bool bad =
        request.path.ends_with("/chat/completions") && request.number >= 1 && request.number <= fault.times;
    return bad ? fault.bad() : plain_chat_server(request);
  });
  const auto backend =
      open(server, "api=chat&retry_pause=0.001" + (fault.options.empty() ? "" : "&" + fault.options));
  ASSERT_NE(backend, nullptr);
  const auto result = ask(*backend, {chat_request(1)});
  ASSERT_TRUE(result.counts.has_value()) << describe(result.counts.error());
  ASSERT_THAT(result.responses, SizeIs(1));
  const Response& response = result.responses.at(1);
  if (fault.error.empty()) {
    ASSERT_FALSE(response.error) << describe(*response.error);
    EXPECT_EQ(response.text, "four");
    EXPECT_EQ(response.prompt_tokens, 7);
    EXPECT_EQ(response.completion_tokens, 3);
    EXPECT_EQ(result.counts->tokens_generated, 3) << "broken attempts count nothing";
  } else {
    ASSERT_TRUE(response.error);
    EXPECT_THAT(describe(*response.error), HasSubstr(fault.error));
    EXPECT_EQ(result.counts->tokens_generated, 0);
  }
  EXPECT_EQ(server.requests_of("/chat/completions"), fault.attempts + 1) << "the probe's one included";
}

INSTANTIATE_TEST_SUITE_P(All, EndpointFault, testing::ValuesIn(faults()),
                         [](const auto& fault) { return fault.param.name; });

class EndpointFaults : public EndpointTest {};

TEST_F(EndpointFaults, Utf8IsSplitAnywhere) {
  const std::string text = "größe 😀 \\u00e4";
  const ScriptedEndpoint server([&](const EndpointRequest& request) {
    if (request.number == 0) return plain_chat_server(request);
    return byte_by_byte(chat_delta(text) + chat_end());
  });
  const auto result = ask(*open(server, "api=chat"), {chat_request(1)});
  EXPECT_EQ(result.responses.at(1).text, text);
  EXPECT_EQ(result.responses.at(1).completion_tokens, 1) << "no usage: a piece is a token";
  EXPECT_THAT(result.counts->notes, testing::Contains("1 of 1 answers: no token counts came (usage)"));
}

// Within the run a refused key is the backend's fault, not one request's.
TEST_F(EndpointFaults, ARefusedKeyEndsTheRun) {
  const ScriptedEndpoint server([&](const EndpointRequest& request) {
    return request.number == 0 ? plain_chat_server(request) : http_answer(401, "text/plain", "expired");
  });
  const auto result =
      ask(*open(server, "api=chat&concurrency=1"), {chat_request(1), chat_request(2), chat_request(3)});
  ASSERT_FALSE(result.counts.has_value());
  EXPECT_THAT(describe(result.counts.error()), HasSubstr("OPENAI_API_KEY, which is not set"));
  EXPECT_EQ(server.requests_of("/chat/completions"), 2U);
}

TEST_F(EndpointFaults, ADeadServerEndsTheRun) {
  auto server = std::make_unique<ScriptedEndpoint>(
      [](const EndpointRequest& request) { return plain_chat_server(request); });
  const auto backend = open(*server, "attempts=2&retry_pause=0.001");
  server.reset();
  const auto result = ask(*backend, {chat_request(1), chat_request(2)});
  ASSERT_FALSE(result.counts.has_value());
  EXPECT_EQ(exit_code(result.counts.error().kind), 4);
}

TEST_F(EndpointFaults, AnotherAddressTakesOver) {
  const auto plain = [](const EndpointRequest& request) { return plain_chat_server(request); };
  const ScriptedEndpoint good(plain);
  auto dying = std::make_unique<ScriptedEndpoint>(plain);
  auto backend = try_open(good.base_url() + "," + dying->base_url(), "concurrency=4&retry_pause=0.001");
  ASSERT_TRUE(backend.has_value()) << describe(backend.error());
  std::vector<Request> requests;
  for (uint64_t id = 0; id < 40; ++id) requests.push_back(chat_request(id));
  EXPECT_THAT(ask(**backend, requests).responses, SizeIs(40));
  EXPECT_GT(dying->requests_of("/chat/completions"), 10U) << "both are asked while both answer";
  dying.reset();
  const auto result = ask(**backend, requests);
  ASSERT_TRUE(result.counts.has_value()) << describe(result.counts.error());
  for (const auto& [id, response] : result.responses)
    EXPECT_FALSE(response.error) << describe(*response.error);
}

TEST_F(EndpointFaults, AStopEndsARunThatWaits) {
  const ScriptedEndpoint server([&](const EndpointRequest& request) {
    return request.number == 0 ? plain_chat_server(request) : slow(std::chrono::seconds(30));
  });
  const auto backend = open(server, "api=chat");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EndpointRunResult result;
  CollectingSink sink(result);
  ListSource source({chat_request(1)});
  EXPECT_TRUE(backend->run(source, sink, {}, stop.get_token()).has_value());
  EXPECT_TRUE(result.responses.empty());
}

// A broken stream slows the run down as a busy server does, but it is no request for less.
TEST_F(EndpointTest, WhatBrokeIsToldApartFromWhatTheServerAskedFor) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.number == 1 && request.path.ends_with("/chat/completions"))
      return broken_after({chat_delta("fo")}, ScriptEnd::reset);
    if (request.number == 2) return http_answer(503, "text/plain", "busy");
    return plain_chat_server(request);
  });
  const auto backend = open(server, "api=chat&retry_pause=0.001");
  const auto result = ask(*backend, {chat_request(0)});
  ASSERT_FALSE(result.responses.at(0).error);
  EXPECT_THAT(result.counts->notes,
              testing::AllOf(testing::Contains(testing::HasSubstr("asked for less 1 times")),
                             testing::Contains(testing::HasSubstr("1 attempts failed on the way"))));
}

}  // namespace
}  // namespace sizeup
