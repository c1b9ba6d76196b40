// A scripted server, and the backend that asks it.
#pragma once

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backends/openai/openai_backend.h"
#include "tests/support/files.h"
#include "tests/support/scripted_endpoint.h"

namespace sizeup {

inline Request chat_request(uint64_t id, std::string text = "What is two and two?") {
  Generate ask;
  ask.prompt = std::vector<ChatMessage>{{"user", std::move(text)}};
  ask.max_tokens = 32;
  Request request;
  request.id = id;
  request.ask = std::move(ask);
  return request;
}

struct EndpointRunResult {
  Result<RunCounts> counts;
  std::map<uint64_t, Response> responses;
  std::map<uint64_t, std::vector<double>> pieces;  // times of on_token
};

class CollectingSink : public ResponseSink {
 public:
  explicit CollectingSink(EndpointRunResult& result) : result_(result) {}
  void on_response(Response response) override {
    const uint64_t id = response.id;
    EXPECT_TRUE(result_.responses.emplace(id, std::move(response)).second) << "answered twice: " << id;
  }
  void on_token(uint64_t id, int32_t token, double elapsed_ms) override {
    EXPECT_EQ(token, kUnknownToken);
    result_.pieces[id].push_back(elapsed_ms);
  }

 private:
  EndpointRunResult& result_;
};

class EndpointTest : public testing::Test {
 protected:
  EndpointTest() {
    setenv("HF_HOME", home.path().c_str(), 1);
    setenv("no_proxy", "*", 1);
    unsetenv("OPENAI_API_KEY");
  }

  // "tiny" of that server; options as in "api=chat&stream=no".
  static Result<std::unique_ptr<Backend>> try_open(const std::string& urls, const std::string& options = {}) {
    const auto reference =
        ModelReference::parse("t=openai:tiny?base_url=" + urls + (options.empty() ? "" : "&") + options);
    return open_endpoint(reference.value());
  }
  static std::unique_ptr<Backend> open(const ScriptedEndpoint& server, const std::string& options = {}) {
    auto backend = try_open(server.base_url(), options);
    EXPECT_TRUE(backend.has_value()) << describe(backend.error());
    return backend ? std::move(*backend) : nullptr;
  }

  static EndpointRunResult ask(Backend& backend, std::vector<Request> requests,
                               const RunOptions& options = {}) {
    EndpointRunResult result;
    CollectingSink sink(result);
    ListSource source(std::move(requests));
    result.counts = backend.run(source, sink, options, {});
    return result;
  }

  TemporaryFolder home;
};

}  // namespace sizeup
