// sizeup bench --scenario and --sweep as a user runs them.
#include <gmock/gmock.h>

#include "core/json/json.h"
#include "tests/cli/program.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

const std::string kModel = source_path("models/pocket/pocket-small.gguf").string();

TEST(BenchLoad, MeasuresEachScenario) {
  const Finished finished =
      run_program({"bench", kModel, "--scenario", "offline,single,concurrent:3,server:200", "--requests", "6",
                   "--warm-up", "1", "--prompt", "16", "--answer", "4", "--limit-total", "60000", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json json = Json::parse(finished.output);
  EXPECT_EQ(json["model"], "pocket-small");
  EXPECT_THAT(json["prompts"].get<std::string>(), HasSubstr("16 random tokens"));
  ASSERT_EQ(json["scenarios"].size(), 4U);
  EXPECT_EQ(json["scenarios"][0]["scenario"], "offline");
  EXPECT_TRUE(json["scenarios"][0]["latencies"].empty()) << "time in a batch is no latency";
  for (size_t i = 1; i < 4; ++i) {
    const Json& one = json["scenarios"][i];
    EXPECT_EQ(one["requests"], 6);
    EXPECT_EQ(one["failed"], 0);
    EXPECT_EQ(one["goodput"], one["requests_per_second"]);
    const Json& first = one["latencies"][0];
    const Json& full = one["latencies"][3];
    EXPECT_EQ(first["quantity"], "ttft");
    EXPECT_EQ(full["quantity"], "total");
    EXPECT_EQ(full["n"], 6);
    EXPECT_LE(first["mean_ms"].get<double>(), full["mean_ms"].get<double>());
    EXPECT_FALSE(full["p99"]["enough_queries"].get<bool>());
    EXPECT_EQ(full["p99"]["queries_needed"], 662);
    // 6 prompts of 16 tokens; every answer has 1 to 4.
    const double tokens = one["prompt_tokens_per_second"].get<double>() * one["seconds"].get<double>();
    EXPECT_NEAR(tokens, 6 * 16, 1e-6);
  }
}

TEST(BenchLoad, SendsAUsersOwnPromptsOnceEach) {
  const TemporaryFolder folder;
  const std::string input = folder
                                .write("prompts.jsonl", R"({"prompt": "A refund takes", "max_tokens": 3})"
                                                        "\n"
                                                        R"({"prompt": "The shop opens at", "max_tokens": 3})"
                                                        "\n")
                                .string();
  const Finished finished =
      run_program({"bench", kModel, "--scenario", "single", "--input", input, "--warm-up", "0"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr(input));
  EXPECT_THAT(finished.output, HasSubstr("not enough queries, 64 needed"));
  const Finished more =
      run_program({"bench", kModel, "--scenario", "single", "--input", input, "--warm-up", "2"});
  EXPECT_EQ(more.status, 2);
  EXPECT_THAT(more.errors, HasSubstr("holds 2 requests"));
}

TEST(BenchLoad, FindsARateWithinLimits) {
  const Finished finished =
      run_program({"bench", kModel, "--sweep", "--limit-total", "60000", "--percent", "50", "--requests", "8",
                   "--warm-up", "0", "--prompt", "8", "--answer", "1", "--precision", "1"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("Highest rate that met the limits (full answer within 60000 ms"));
}

TEST(BenchLoad, MistakesAreToldBeforeTheModelIsOpened) {
  EXPECT_EQ(run_program({"bench", kModel, "--scenario", "many"}).status, 2);
  const Finished no_limit = run_program({"bench", "no/such/model.gguf", "--sweep"});
  EXPECT_EQ(no_limit.status, 2);
  EXPECT_THAT(no_limit.errors, HasSubstr("--limit-ttft"));
  EXPECT_EQ(run_program({"bench", "no/such/model.gguf", "--scenario", "single"}).status, 3);
  EXPECT_EQ(run_program({"run", "--model", kModel, "--task", "helpdesk", "--scenario", "server:x"}).status,
            2);
}

}  // namespace
}  // namespace sizeup
