// Options of the reference: each is understood or refused by name, and a key is never shown.
#include "backends/openai/endpoint_options.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace sizeup {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

Result<EndpointOptions> read(const std::string& text) {
  return endpoint_options(ModelReference::parse(text).value());
}

class EndpointOptionsTest : public testing::Test {
 protected:
  EndpointOptionsTest() { setenv("OPENAI_API_KEY", "sk-1234567890", 1); }
  ~EndpointOptionsTest() override { unsetenv("OPENAI_API_KEY"); }
};

TEST_F(EndpointOptionsTest, ReadsEach) {
  const auto options = read(
      "x=openai:org/model:7b?base_url=http://127.0.0.1:8000/v1/,https://b.example/"
      "v1&api=completions&stream=no"
      "&logprobs=yes&concurrency=32&requests_per_minute=600&tokens_per_minute=90000&connect_timeout=2"
      "&first_token_timeout=1.5&timeout=30&attempts=3&retry_pause=0.25&context_length=4096&ca_file=/c.pem"
      "&response_format=json_object");
  ASSERT_TRUE(options.has_value()) << describe(options.error());
  EXPECT_EQ(options->model, "org/model:7b");
  EXPECT_THAT(options->base_urls, ElementsAre("http://127.0.0.1:8000/v1", "https://b.example/v1"));
  EXPECT_EQ(options->api, Api::completions);
  EXPECT_FALSE(options->stream);
  EXPECT_TRUE(options->logprobs);
  EXPECT_EQ(options->concurrency, 32);
  EXPECT_EQ(options->requests_per_minute, 600);
  EXPECT_EQ(options->tokens_per_minute, 90000);
  EXPECT_EQ(options->connect_limit, milliseconds(2000));
  EXPECT_EQ(options->first_token_limit, milliseconds(1500));
  EXPECT_EQ(options->total_limit, milliseconds(30'000));
  EXPECT_EQ(options->attempts, 3);
  EXPECT_EQ(options->first_pause, milliseconds(250));
  EXPECT_EQ(options->context_length, 4096);
  EXPECT_EQ(options->response_format, ResponseFormat::json_object);
  EXPECT_EQ(options->ca_file, "/c.pem");
}

TEST_F(EndpointOptionsTest, RefusesWhatItDoesNotKnow) {
  for (const auto& [option, message] : std::vector<std::pair<std::string, std::string>>{
           {"speed=high", "no option 'speed'"},
           {"api=grpc", "api=grpc"},
           {"base_url=http://a/v1&ca_file=/c.pem", "no meaning for plain http"},
           {"response_format=xml", "response_format=xml"},
           {"stream=maybe", "stream=maybe"},
           {"concurrency=0", "no number from 1 to"},
           {"concurrency=4x", "no number from 1 to"},
           {"timeout=nan", "no number from"},
           {"base_url=ftp://a/v1", "no plain http or https address"},
           {"base_url=http://a/v1,http://a/v1", "twice"},
           {"header=X-Team", "not Name:VARIABLE"},
           {"header=X-Team:NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE, which is not set"},
           {"key_env=NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE is not set"}}) {
    const auto options = read("openai:m?" + option);
    ASSERT_FALSE(options.has_value()) << option;
    EXPECT_THAT(describe(options.error()), HasSubstr(message)) << option;
  }
}

TEST_F(EndpointOptionsTest, AMisplacedKeyIsNotShown) {
  for (const std::string option : {"api_key=sk-misplaced", "base_url=https://user:sk-misplaced@a/v1",
                                   "base_url=https://a/v1?key=sk-misplaced"}) {
    const auto options = read("m=openai:m?" + option);
    ASSERT_FALSE(options.has_value());
    EXPECT_THAT(describe(options.error()), Not(HasSubstr("sk-misplaced")));
  }
}

TEST_F(EndpointOptionsTest, AKeyGoesOverPlainHttpToThisMachineAlone) {
  EXPECT_THAT(read("openai:m")->secrets, SizeIs(1));
  EXPECT_THAT(read("openai:m?base_url=http://localhost:1/v1")->secrets, SizeIs(1));
  for (const char* url : {"http://gpu-box:8000/v1", "http://127.0.0.1.example/v1"}) {
    const auto options = read(std::string("openai:m?base_url=") + url);
    EXPECT_THAT(options->secrets, SizeIs(0)) << url;
    EXPECT_THAT(options->notes, ElementsAre(HasSubstr("not sent over plain http"))) << url;
  }
  EXPECT_THAT(read("openai:m?base_url=http://gpu-box:8000/v1&key_env=OPENAI_API_KEY")->secrets, SizeIs(1));
}

TEST_F(EndpointOptionsTest, QuotesAServerWithoutSecretsInOneLine) {
  const auto options = read("openai:m");
  EXPECT_EQ(excerpt("bad\nkey sk-1234567890!", *options), "bad key [secret]!");
  EXPECT_EQ(excerpt(std::string(299, 'x') + "ä", *options), std::string(299, 'x') + "…");
}

}  // namespace
}  // namespace sizeup
