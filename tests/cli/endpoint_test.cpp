// A run over an endpoint and a local model through the program itself; what of a key is left behind; and no
// network where all models are local.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"
#include "tests/support/scripted_endpoint.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kKey = "sk-of-the-team-4711";
const std::string kPocket = source_path("models/pocket/pocket-small.gguf").string();

class EndpointProgram : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  Finished run(const std::vector<std::string>& arguments) const {
    return run_program(
        arguments, {},
        {"env", "no_proxy=*", std::string("OPENAI_API_KEY=") + kKey, "HF_HOME=" + path("home")});
  }

  TemporaryFolder folder;
};

TEST_F(EndpointProgram, RunsBesideALocalModelAndLeavesNoKeyBehind) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    if (request.path.ends_with("/chat/completions") && (request.number == 4 || request.number == 9))
      return http_answer(500, "application/json", std::string(R"({"error": "key )") + kKey + "\"}");
    return plain_chat_server(request, "billing");
  });
  folder.write(
      "t.yaml",
      "task: t\ndataset_path: d.jsonl\noutput_type: generate_until\ndoc_to_text: q\ndoc_to_target: a\n"
      "generation_kwargs: {max_gen_toks: 4}\nmetric_list: [{metric: exact_match}]\n");
  std::string rows;
  for (int i = 0; i < 12; ++i)
    rows += R"({"q": "Ticket )" + std::to_string(i) + R"(", "a": ")" + (i % 2 == 0 ? "billing" : "delivery") +
            "\"}\n";
  folder.write("d.jsonl", rows);
  folder.write("run.yaml",
               "models: ['small=" + kPocket + "', 'large=openai:tiny?base_url=" + server.base_url() +
                   "&retry_pause=0.001']\ntasks: ['" + path("t.yaml") +
                   "']\nlatency_samples: 3\nprices: {large: {currency: USD, per_million_input: 10, "
                   "per_million_cached_input: 1, per_million_output: 20}}\n");
  const Finished finished =
      run({"run", path("run.yaml"), "--db", path("a.db"), "--html", path("r.html"), "--csv", path("csv")});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.errors, AllOf(HasSubstr("large: at most"),
                                     HasSubstr("attempts failed on the way or within the server")));
  EXPECT_EQ(server.requests().back().header("Authorization"), std::string("Bearer ") + kKey);
  ASSERT_EQ(run({"report", "--db", path("a.db"), "--json", path("r.json")}).status, 0);
  const Json report = Json::parse(read_whole(path("r.json")));
  EXPECT_THAT(report["models"]["large"]["fingerprint"].get<std::string>(), StartsWith("unknown:"));
  // Of 7 tokens of a prompt 2 are cached, and 3 are written: (5 x 10 + 2 x 1 + 3 x 20) / 1,000,000 an answer.
  EXPECT_NEAR(report["cost"]["rows"][1]["total"].get<double>(), 12 * 0.000112, 1e-9);

  // A second run costs nothing: the answers are in the store.
  const size_t asked = server.requests_of("/chat/completions");
  const Finished again = run({"run", path("run.yaml"), "--latency-samples", "0", "--db", path("a.db")});
  EXPECT_EQ(again.status, 0) << again.errors;
  EXPECT_LE(server.requests_of("/chat/completions"), asked + 1) << "the probe alone";

  EXPECT_THAT(finished.output + finished.errors + again.output + again.errors, Not(HasSubstr(kKey)));
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (file.is_regular_file()) {
      EXPECT_THAT(read_whole(file.path()), Not(HasSubstr(kKey))) << file.path();
    }
  }
}

TEST_F(EndpointProgram, OfflineOpensNoConnection) {
  const Finished refused = run({"run", "--model", "openai:tiny?base_url=http://127.0.0.1:9/v1", "--task",
                                "helpdesk", "--offline", "--db", path("a.db")});
  EXPECT_EQ(refused.status, 4);
  EXPECT_THAT(refused.errors, HasSubstr("--offline"));
}

// A network namespace of its own, without an interface that is up.
TEST_F(EndpointProgram, LocalModelsNeedNoNetwork) {
  const std::vector<std::string> launcher = {"unshare", "-rn"};
  if (std::system("unshare -rn true 2> /dev/null") != 0) GTEST_SKIP() << "no network namespaces here";
  const Finished finished =
      run_program({"run", "--model", kPocket, "--task", "helpdesk", "--limit", "4", "--latency-samples", "1",
                   "--db", path("a.db"), "--html", path("r.html")},
                  {}, launcher);
  EXPECT_EQ(finished.status, 0) << finished.errors;
}

}  // namespace
}  // namespace sizeup
