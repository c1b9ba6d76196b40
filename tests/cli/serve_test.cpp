// `sizeup serve` as a process: its first line, its key, its signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/raw_http.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string model() {
  return "small=" + source_path("models/pocket/pocket-small.gguf").string();
}

int port_of(const std::string& line) {
  const std::string url = Json::parse(line)["listening"];
  return std::stoi(url.substr(url.rfind(':') + 1));
}

TEST(ServeProgram, AnswersUntilItIsInterrupted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    StartedProgram program({"serve", model(), "--port", "0"}, {"SIZEUP_API_KEY=sk-hidden"});
    const std::string line = program.first_line();
    EXPECT_EQ(Json::parse(line)["model"], "small");
    const int port = port_of(line);
    const std::string ask =
        R"({"model": "small", "prompt": "A refund takes", "max_tokens": 5, "temperature": 0})";
    EXPECT_THAT(http_exchange(port, http_post("/v1/completions", ask)), StartsWith("HTTP/1.1 401"));
    const std::string key = "Authorization: Bearer sk-hidden\r\nConnection: close\r\n";
    const std::string reply = http_exchange(port, http_post("/v1/completions", ask, key));
    EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 200"), Not(HasSubstr("sk-hidden"))));
    const Finished alone = run_program({"generate", model()}, ask);
    const Json expected = Json::parse(alone.output)["text"];
    EXPECT_EQ(Json::parse(reply.substr(reply.find("\r\n\r\n")))["choices"][0]["text"], expected);
    program.signal(signal);
    const Finished finished = program.finish();
    EXPECT_EQ(finished.status, 0) << finished.errors;
    EXPECT_THAT(finished.output + finished.errors, Not(HasSubstr("sk-hidden")));
    EXPECT_EQ(lines_of(finished.output).size(), 1u);
  }
}

TEST(ServeProgram, ASecondInterruptStopsAtOnce) {
  StartedProgram program({"serve", model(), "--port", "0"}, {});
  RawHttp client(port_of(program.first_line()));
  client.send(
      http_post("/v1/completions",
                R"({"prompt": "A", "max_tokens": 500, "temperature": 100, "n": 60, "stream": true})"));
  client.read_until("data: ");
  program.signal(SIGINT);
  program.signal(SIGTERM);
  EXPECT_THAT(program.finish().status, testing::AnyOf(128 + SIGINT, 128 + SIGTERM));
}

TEST(ServeProgram, SaysWhatItCannotServe) {
  const Finished no_key = run_program({"serve", model()}, "", {"env", "SIZEUP_API_KEY="});
  EXPECT_EQ(no_key.status, 2);
  EXPECT_THAT(no_key.errors, HasSubstr("SIZEUP_API_KEY is empty"));
  const Finished endpoint = run_program({"serve", "answers:none.csv"});
  EXPECT_NE(endpoint.status, 0);
  const Finished address = run_program({"serve", model(), "--host", "192.0.2.1"});
  EXPECT_EQ(address.status, 4);
  EXPECT_THAT(address.errors, HasSubstr("192.0.2.1"));
}

}  // namespace
}  // namespace sizeup
