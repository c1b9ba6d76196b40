// The whole server, from bytes on a socket to the engine and back.
#include "harness/serve/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <new>
#include <thread>

#include "backends/registry.h"
#include "core/json/json.h"
#include "tests/support/files.h"
#include "tests/support/raw_http.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Tokens drawn evenly: answers that go on for long.
constexpr const char* kLong =
    R"({"prompt": "A", "max_tokens": 400, "temperature": 100, "seed": 1, "n": 8, "stream": true})";

class ServeTest : public testing::Test {
 protected:
  void start(ServeSettings settings = {}) {
    auto opened =
        open_backend(*ModelReference::parse(source_path("models/pocket/pocket-small.gguf").string()));
    ASSERT_TRUE(opened.has_value()) << describe(opened.error());
    backend = std::move(*opened);
    std::promise<int> listening;
    std::future<int> told = listening.get_future();
    served = std::async(std::launch::async, [this, settings, &listening] {
      return serve(
          *backend, settings, [&](int at) { listening.set_value(at); }, stop.get_token());
    });
    port = told.get();
  }
  ~ServeTest() override { stop.request_stop(); }

  std::string metrics() const { return http_exchange(port, http_get("/metrics")); }
  void wait_for_metric(const std::string& line) const {
    while (metrics().find(line) == std::string::npos) std::this_thread::yield();
  }

  std::unique_ptr<Backend> backend;
  std::stop_source stop;
  std::future<Result<RunCounts>> served;
  int port = 0;
};

TEST_F(ServeTest, AnswersOverOneConnectionAsTheEngineDoes) {
  start();
  std::string expected;
  ListSource source(
      {{.ask = Generate{.prompt = "A refund takes", .max_tokens = 20, .stop = {}, .sampling = {}}}});
  FunctionSink sink([&](const Response& response) { expected = response.text; });
  RawHttp client(port);
  ASSERT_TRUE(client.connected());
  std::vector<std::string> texts;
  for (const bool stream : {false, true, false}) {
    const Json ask{{"prompt", "A refund takes"}, {"max_tokens", 20}, {"temperature", 0}, {"stream", stream}};
    ASSERT_TRUE(client.send(http_post("/v1/completions", ask.dump(), "Accept-Encoding: gzip, br\r\n")));
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(head.find("Content-Encoding"), std::string::npos);
    if (!stream) {
      texts.push_back(Json::parse(client.read_until("}}"))["choices"][0]["text"]);
      continue;
    }
    EXPECT_THAT(head, AllOf(HasSubstr("Content-Type: text/event-stream"), HasSubstr("chunked")));
    std::string text;
    while (true) {
      const std::string event = client.read_until("\n\n");
      const std::string data = event.substr(event.find("data: ") + 6);
      if (data.starts_with("[DONE]")) break;
      text += Json::parse(data)["choices"][0]["text"].get<std::string>();
    }
    texts.push_back(text);
    client.read_until("0\r\n\r\n");
  }
  stop.request_stop();
  ASSERT_TRUE(served.get().has_value());
  ASSERT_TRUE(backend->run(source, sink, {}, {}).has_value());
  EXPECT_FALSE(expected.empty());
  EXPECT_THAT(texts, testing::Each(expected));
}

TEST_F(ServeTest, RefusesBodiesThatAreNoneOfItsOwn) {
  start();
  EXPECT_THAT(http_exchange(port, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(http_exchange(port, http_get("/nothing")),
              AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("GET /nothing")));
  EXPECT_THAT(http_exchange(port, http_post("/nothing", "{}")),
              AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("error")));
  EXPECT_THAT(http_exchange(port, http_post("/v1/completions", "")), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(
      http_exchange(port,
                    "POST /v1/completions HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                    "Content-Length: 2\r\n\r\n{}"),
      StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(http_exchange(port, http_post("/v1/completions", std::string((16 << 20) + 1, ' '))),
              StartsWith("HTTP/1.1 413"));
}

// Nothing says beforehand how large it will be.
TEST_F(ServeTest, RefusesABodyInChunksThatGrowsTooLarge) {
  start();
  RawHttp client(port);
  client.send("POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(1 << 20, ' ') + "\r\n";
  for (int i = 0; i < 16; ++i) client.send(chunk);
  client.send("1\r\n");
  client.send(" ");
  EXPECT_THAT(client.read_until(""), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("too large")));
}

TEST_F(ServeTest, AClientThatGoesAwayLeavesNoWork) {
  start();
  for (const bool stream : {true, false}) {
    RawHttp client(port);
    Json ask = Json::parse(kLong);
    ask["stream"] = stream;
    client.send(http_post("/v1/completions", ask.dump()));
    if (stream) {
      client.read_until("data: ");
    } else {
      wait_for_metric("sizeup_requests_running 8\n");
    }
  }
  wait_for_metric("sizeup_cancelled_total 2\n");
  wait_for_metric("sizeup_requests_running 0\n");
}

TEST_F(ServeTest, AStopLetsAnswersBeFinished) {
  start();
  RawHttp client(port);
  client.send(http_post("/v1/completions", kLong));
  const std::string begun = client.read_until("data: ");
  EXPECT_THAT(begun, StartsWith("HTTP/1.1 200"));
  stop.request_stop();
  const std::string rest = client.read_until("");
  EXPECT_THAT(rest, EndsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
  const auto counts = served.get();
  ASSERT_TRUE(counts.has_value());
  EXPECT_GT(counts->tokens_generated, 8);
  EXPECT_FALSE(RawHttp(port).connected());
}

// Of memory that is not there, say, with the source waiting for more requests.
class BreakingBackend : public Backend {
 public:
  explicit BreakingBackend(Backend& whole) : whole_(whole) {}
  const ModelCard& card() const override { return whole_.card(); }
  const Tokenizer* tokenizer() const override { return whole_.tokenizer(); }
  Result<std::string> render(const Prompt& prompt) const override { return whole_.render(prompt); }
  Result<RunCounts> run(RequestSource& source, ResponseSink&, const RunOptions& options,
                        std::stop_token stop) override {
    FunctionSink sink([](const Response&) { throw std::bad_alloc(); });
    return whole_.run(source, sink, options, std::move(stop));
  }

 private:
  Backend& whole_;
};

TEST_F(ServeTest, EndsWhenTheEngineBreaks) {
  auto opened = open_backend(*ModelReference::parse(source_path("models/pocket/pocket-small.gguf").string()));
  ASSERT_TRUE(opened.has_value());
  BreakingBackend broken(**opened);
  std::string reply;
  std::thread client;
  const auto ended = serve(broken, {},
                           [&](int at) {
                             client = std::thread([&, at] {
                               reply = http_exchange(
                                   at, http_post("/v1/completions", R"({"prompt": "A", "max_tokens": 1})"));
                             });
                           },
                           {});
  client.join();
  EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("the engine is broken")));
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().kind, ErrorKind::unavailable);
}

TEST_F(ServeTest, APortThatIsTakenIsUnavailable) {
  start();
  const auto second = serve(*backend, {.port = port}, [](int) {}, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace sizeup
