// Key, admission, cancellation and failures, with a test in the engine's place.
#include "harness/serve/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kAsk = R"({"prompt": "A"})";

Error failure(ErrorKind kind, std::string message) {
  return {.kind = kind, .place = {}, .message = std::move(message), .expected = {}, .hint = {}};
}

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = load_tokenizer(source_path("models/pocket/tokenizer.json"));
    ASSERT_TRUE(loaded.has_value());
    tokenizer = std::move(*loaded);
  }
  std::unique_ptr<Service> service(const std::string& key = {}) {
    return std::make_unique<Service>(ServedModel{.name = "tiny",
                                                 .fingerprint = "fp_1",
                                                 .context_length = 512,
                                                 .created = 7,
                                                 .tokenizer = tokenizer.get()},
                                     queue, key);
  }
  static HttpCall post(const std::string& body) {
    return {.method = "POST", .path = "/v1/completions", .authorization = {}, .body = body, .gone = {}};
  }
  static HttpCall get(const std::string& path, const std::string& authorization = {}) {
    return {.method = "GET", .path = path, .authorization = authorization, .body = {}, .gone = {}};
  }
  static std::future<HttpReply> ask(Service& service, const HttpCall& call) {
    return std::async(std::launch::async, [&service, call] { return service.answer(call); });
  }
  void respond(uint64_t id, const std::string& text, std::optional<Error> error = std::nullopt) {
    Response response;
    response.id = id;
    response.text = text;
    response.finish = FinishReason::stop;
    response.error = std::move(error);
    queue.on_response(std::move(response));
  }
  static std::string all_of(const HttpReply& reply) {
    std::string text;
    reply.stream([&](std::string_view piece) {
      text += piece;
      return true;
    });
    return text;
  }

  std::unique_ptr<Tokenizer> tokenizer;
  RequestQueue queue{2};
};

TEST_F(ServiceTest, AnswersOnlyThoseWhoHaveTheKey) {
  const auto guarded = service("sk-right");
  for (const char* path : {"/v1/models", "/metrics", "/v1/none"}) {
    for (const char* wrong :
         {"", "sk-right", "Bearer sk-wrong", "Bearer sk-righ", "Bearer sk-right2", "Bearer "}) {
      const HttpReply reply = guarded->answer(get(path, wrong));
      EXPECT_EQ(reply.status, 401) << path << wrong;
      EXPECT_THAT(reply.body, Not(HasSubstr("sk-right")));
    }
  }
  EXPECT_EQ(guarded->answer(post(kAsk)).status, 401);
  EXPECT_EQ(guarded->answer(get("/health")).status, 200);
  EXPECT_EQ(guarded->answer(get("/v1/models", "Bearer sk-right")).status, 200);
  EXPECT_EQ(guarded->answer(get("/v1/none", "Bearer sk-right")).status, 404);
  EXPECT_THAT(guarded->answer(get("/metrics", "Bearer sk-right")).body, Not(HasSubstr("sk-right")));
}

TEST_F(ServiceTest, RefusesWhatDoesNotFitTheQueue) {
  const auto tested = service();
  std::future<HttpReply> first = ask(*tested, post(R"({"prompt": ["A", "B"]})"));
  const std::optional<Request> a = queue.next();
  const std::optional<Request> b = queue.next();
  const HttpReply full = tested->answer(post(kAsk));
  EXPECT_EQ(full.status, 429);
  EXPECT_THAT(full.headers, Contains(Pair("Retry-After", "1")));
  EXPECT_THAT(full.body, HasSubstr("rate_limit_error"));
  const HttpReply never = tested->answer(post(R"({"prompt": "A", "n": 3})"));
  EXPECT_EQ(never.status, 400);
  EXPECT_THAT(tested->answer(get("/metrics")).body, HasSubstr("sizeup_requests_running 2\n"));
  respond(b->id, "second");
  respond(a->id, "first");
  const HttpReply reply = first.get();
  EXPECT_EQ(reply.status, 200);
  EXPECT_LT(reply.body.find("first"), reply.body.find("second")) << "in the order of the prompts";
  EXPECT_THAT(tested->answer(get("/metrics")).body,
              HasSubstr("sizeup_replies_total{route=\"/v1/completions\",status=\"429\"} 1\n"));
}

TEST_F(ServiceTest, FinishesWhatItAdmittedAndThenStops) {
  const auto tested = service();
  std::future<HttpReply> first = ask(*tested, post(kAsk));
  const std::optional<Request> request = queue.next();
  tested->stop_admitting();
  EXPECT_EQ(tested->answer(post(kAsk)).status, 503);
  EXPECT_EQ(tested->answer(get("/health")).status, 503);
  EXPECT_EQ(tested->unfinished(), 1);
  respond(request->id, "done");
  EXPECT_EQ(first.get().status, 200);
  EXPECT_EQ(tested->unfinished(), 0);
  queue.close();
  EXPECT_FALSE(queue.next());
}

TEST_F(ServiceTest, GivesUpWhatNobodyWaitsFor) {
  const auto tested = service();
  for (const char* body : {kAsk, R"({"prompt": "A", "stream": true})"}) {
    std::atomic<bool> left = false;
    HttpCall call = post(body);
    call.gone = [&left] { return left.load(); };
    std::future<HttpReply> reply = ask(*tested, call);
    const std::optional<Request> request = queue.next();
    EXPECT_FALSE(request->cancelled.stop_requested());
    left = true;
    EXPECT_EQ(reply.get().status, 499);
    EXPECT_TRUE(request->cancelled.stop_requested());
    respond(request->id, "", failure(ErrorKind::interrupted, ""));
  }
  EXPECT_THAT(tested->answer(get("/metrics")).body, HasSubstr("sizeup_cancelled_total 2\n"));
  EXPECT_EQ(queue.load().running, 0u);
}

TEST_F(ServiceTest, AStreamOfAClientThatTakesNoMoreIsGivenUp) {
  const auto tested = service();
  std::future<HttpReply> reply = ask(*tested, post(R"({"prompt": "A", "stream": true})"));
  const std::optional<Request> request = queue.next();
  queue.on_token(request->id, tokenizer->encode("word", {}).front(), 0.0);
  HttpReply stream = reply.get();
  EXPECT_EQ(stream.status, 200);
  stream.stream([](std::string_view) { return false; });
  EXPECT_EQ(tested->unfinished(), 1);
  stream = {};
  EXPECT_EQ(tested->unfinished(), 0);
  EXPECT_TRUE(request->cancelled.stop_requested());
}

TEST_F(ServiceTest, AFailedRequestHasAStatusEvenInAStream) {
  const auto tested = service();
  for (const char* body : {kAsk, R"({"prompt": "A", "stream": true})"}) {
    std::future<HttpReply> reply = ask(*tested, post(body));
    respond(queue.next()->id, "", failure(ErrorKind::bad_input, "the prompt has 9 tokens"));
    const HttpReply failed = reply.get();
    EXPECT_EQ(failed.status, 400);
    EXPECT_THAT(failed.body, HasSubstr("the prompt has 9 tokens"));
  }
  std::future<HttpReply> reply = ask(*tested, post(R"({"prompt": "A", "stream": true})"));
  const uint64_t id = queue.next()->id;
  queue.on_token(id, tokenizer->encode("word", {}).front(), 0.0);
  const HttpReply begun = reply.get();
  respond(id, "", failure(ErrorKind::unavailable, "broken"));
  const std::string text = all_of(begun);
  EXPECT_THAT(text, HasSubstr("data: {\"error\":{\"message\":\"broken\""));
  EXPECT_THAT(text, Not(HasSubstr("[DONE]"))) << "half an answer must not look whole";
}

TEST_F(ServiceTest, EverybodyIsToldThatTheEngineIsBroken) {
  const auto tested = service();
  std::future<HttpReply> reply = ask(*tested, post(R"({"prompt": "A", "n": 2})"));
  queue.next();
  queue.fail(failure(ErrorKind::unavailable, "out of memory"));
  const HttpReply failed = reply.get();
  EXPECT_EQ(failed.status, 503);
  EXPECT_THAT(failed.body, HasSubstr("out of memory"));
  EXPECT_EQ(tested->answer(post(kAsk)).status, 503);
}

// Choices differ, and are the same for the same seed.
TEST_F(ServiceTest, ChoicesHaveStreamsOfTheirOwn) {
  const auto tested = service();
  std::future<HttpReply> reply = ask(*tested, post(R"({"prompt": "A", "n": 2, "seed": 5})"));
  for (const uint64_t stream : {0, 1}) {
    const std::optional<Request> request = queue.next();
    const Sampling& sampling = std::get<Generate>(request->ask).sampling;
    EXPECT_EQ(sampling.seed, 5u);
    EXPECT_EQ(sampling.stream, stream);
    respond(request->id, "x");
  }
  reply.get();
}

}  // namespace
}  // namespace sizeup
