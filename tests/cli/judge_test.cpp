// sizeup judge through the program itself: a local model's stored answers, a judge behind a loopback
// endpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"
#include "tests/support/scripted_endpoint.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class JudgeProgram : public testing::Test {
 protected:
  static constexpr int kDocuments = 12;
  TemporaryFolder folder;

  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  Finished sizeup(const std::vector<std::string>& arguments) const {
    return run_program(arguments, {}, {"env", "no_proxy=*", "HF_HOME=" + path("home")});
  }

  // Written answers of both pocket models.
  void SetUp() override {
    folder.write("replies.yaml",
                 "task: replies\ndataset_path: d.jsonl\noutput_type: generate_until\ndoc_to_text: q\n"
                 "doc_to_target: a\ngeneration_kwargs: {max_gen_toks: 4}\n"
                 "metric_list: [{metric: exact_match}]\n");
    std::string rows;
    for (int i = 0; i < kDocuments; ++i)
      rows += R"({"id": ")" + std::to_string(i) + R"(", "q": "Ticket )" + std::to_string(i) +
              R"(", "a": "billing"})" + "\n";
    folder.write("d.jsonl", rows);
    const Finished made =
        sizeup({"run", "--model", source_path("models/pocket/pocket-small.gguf").string(), "--model",
                source_path("models/pocket/pocket-large.gguf").string(), "--task", path("replies.yaml"),
                "--latency-samples", "0", "--db", path("a.db")});
    ASSERT_EQ(made.status, 0) << made.errors;
  }

  std::vector<std::string> judge(const ScriptedEndpoint& server, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "judge");
    for (const std::string& more :
         {std::string("--judge"), "openai:tiny?base_url=" + server.base_url() + "&retry_pause=0.001",
          std::string("--db"), path("a.db")})
      arguments.push_back(more);
    return arguments;
  }
};

TEST_F(JudgeProgram, ScoresAnswersOnceAndShowsTheCost) {
  const ScriptedEndpoint server([](const EndpointRequest& request) {
    const bool mute = request.body.find("Ticket 7") != std::string::npos;
    return plain_chat_server(request, mute ? "I cannot say." : "Fair enough.\nVerdict: 4");
  });
  const std::vector<std::string> priced = {
      "pocket-small", "--json", "--prices",
      "{judge-tiny: {currency: USD, per_million_input: 10, per_million_output: 20}}"};
  const Finished finished = sizeup(judge(server, priced));
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json out = Json::parse(finished.output);
  EXPECT_EQ(out["task"], "replies");
  EXPECT_EQ(out["all"]["mean"]["n"], kDocuments - 1);
  EXPECT_DOUBLE_EQ(out["all"]["mean"]["value"].get<double>(), 0.75);
  const Json& row = out["judges"][0];
  EXPECT_EQ(row["judge"], "judge-tiny");
  EXPECT_EQ(row["unparsed"], 1);
  EXPECT_EQ(row["input_tokens"], 7 * kDocuments);
  EXPECT_GT(row["cost"].get<double>(), 0.0);

  const size_t asked = server.requests_of("/chat/completions");
  const Finished again = sizeup(judge(server, {"pocket-small"}));
  ASSERT_EQ(again.status, 0) << again.errors;
  EXPECT_LE(server.requests_of("/chat/completions"), asked + 1) << "the probe alone";
  EXPECT_THAT(again.output, AllOf(HasSubstr("score, 1 to 5: 4.000"), HasSubstr("1 (8.3"),
                                  HasSubstr("1 documents have no score"), HasSubstr("nobody has labelled")));
}

TEST_F(JudgeProgram, FindsOutAJudgeThatAlwaysNamesTheFirst) {
  const ScriptedEndpoint server(
      [](const EndpointRequest& request) { return plain_chat_server(request, "Verdict: A"); });
  const Finished finished = sizeup(judge(server, {"pocket-small", "pocket-large"}));
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("win rate: 0.500"),
                    HasSubstr("judge-tiny prefers the answer that is shown first"), HasSubstr("1.000 (")));
}

TEST_F(JudgeProgram, SaysWhatItCannotDo) {
  const ScriptedEndpoint server([](const EndpointRequest& request) { return plain_chat_server(request); });
  const Finished both = sizeup(judge(server, {"pocket-small", "pocket-large", "--verdict", "correct"}));
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.errors, HasSubstr("the verdict is A, B or tie"));
  const Finished greedy = sizeup(judge(server, {"pocket-small", "--repeats", "3"}));
  EXPECT_EQ(greedy.status, 2);
  EXPECT_THAT(greedy.errors, HasSubstr("--temperature"));
  EXPECT_EQ(server.requests_of("/chat/completions"), 0u);
}

}  // namespace
}  // namespace sizeup
