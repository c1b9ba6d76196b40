// compare, baseline and gate through the program, on the bundled models: a healthy one passes, a damaged one
// fails, a handful of samples decides nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kModel = source_path("models/pocket/pocket-small.gguf").string();

class Gate : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::string db = (folder.path() / "a.db").string();

  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  void run(const std::string& name, const std::string& model, const std::string& limit) const {
    const Finished finished = run_program({"run", "--name", name, "--model", model, "--task", "pocket-mmlu",
                                           "--limit", limit, "--latency-samples", "0", "--db", db});
    ASSERT_EQ(finished.status, 0) << finished.errors;
  }

  // A part of the weights overwritten, as by a bad disk. The bytes are small finite numbers in every format.
  std::string damaged_model() const {
    std::string bytes = read_whole(kModel);
    for (size_t i = bytes.size() / 2; i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(i % 7 == 0 ? 0x11 : 0x2f);
    return "damaged=" + folder.write("damaged.gguf", bytes).string();
  }

  Finished gate(const std::string& candidate, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"gate", "--policy", path("policy.yaml"), "--candidate", candidate,
                                          "--db", db};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
};

TEST_F(Gate, HealthyPassesDamagedFailsAndAFewSamplesDecideNothing) {
  run("release", "app=" + kModel, "120");
  run("same", "app=" + kModel, "120");
  run("broken", damaged_model(), "120");
  run("few", "app=" + kModel, "8");
  folder.write("policy.yaml", "rules:\n  - non_inferior: {margin: 0.1}\n  - maximum: {error_rate: 0.1}\n");

  const Finished saved =
      run_program({"baseline", "save", "release:app", "--out", path("baseline.json"), "--db", db});
  ASSERT_EQ(saved.status, 0) << saved.errors;
  EXPECT_THAT(saved.output, HasSubstr("1 task, 120 samples"));

  for (const std::string& baseline : {std::string("release:app"), path("baseline.json")}) {
    EXPECT_EQ(gate("same:app", {"--baseline", baseline}).status, 0) << baseline;
    EXPECT_EQ(gate("few", {"--baseline", baseline}).status, 5) << baseline;
  }
  EXPECT_EQ(gate("few", {"--baseline", "release:app", "--inconclusive", "pass"}).status, 0);
  EXPECT_EQ(gate("few", {"--baseline", "release:app", "--inconclusive", "fail"}).status, 1);

  setenv("GITHUB_STEP_SUMMARY", path("summary.md").c_str(), 1);
  folder.write("summary.md", "what was there\n");
  const Finished failed =
      gate("damaged", {"--baseline", path("baseline.json"), "--github", "--junit", path("gate.xml"),
                       "--markdown", path("gate.md"), "--json", path("gate.json")});
  unsetenv("GITHUB_STEP_SUMMARY");
  EXPECT_EQ(failed.status, 1) << failed.output << failed.errors;
  EXPECT_THAT(failed.output, AllOf(HasSubstr("fail: 1 of 2 checks failed"), HasSubstr("::error file=")));
  EXPECT_THAT(read_whole(path("summary.md")), AllOf(HasSubstr("what was there\n"), HasSubstr("❌ fail")));
  EXPECT_THAT(read_whole(path("gate.md")), HasSubstr("pocket-mmlu"));
  EXPECT_THAT(read_whole(path("gate.xml")), HasSubstr("failures=\"1\""));
  const Json json = Json::parse(read_whole(path("gate.json")));
  EXPECT_EQ(json["outcome"], "fail");
  EXPECT_EQ(json["checks"][0]["n"], 120);

  const Finished compared =
      run_program({"compare", "damaged", "release:app", "--db", db, "--flips", "2", "--json"});
  ASSERT_EQ(compared.status, 0) << "compare informs: " << compared.errors;
  const Json comparison = Json::parse(compared.output);
  EXPECT_EQ(comparison["verdict"], "no");
  EXPECT_EQ(comparison["tasks"][0]["difference"], json["checks"][0]["value"]) << "compare and gate agree";
  EXPECT_EQ(comparison["tasks"][0]["lo"], json["checks"][0]["lo"]);
  ASSERT_EQ(comparison["tasks"][0]["flips"].size(), 2u);
  EXPECT_FALSE(comparison["tasks"][0]["flips"][0]["candidate_answer"].get<std::string>().empty());
  const Finished table = run_program({"compare", "few:app", path("baseline.json"), "--db", db});
  EXPECT_EQ(table.status, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("pocket-mmlu"), HasSubstr("not enough data")));
}

TEST_F(Gate, SequentialStopsWhenItIsCertain) {
  run("release", "app=" + kModel, "200");
  folder.write("policy.yaml", "rules:\n  - non_inferior: {margin: 0.2}\n");
  const Finished passed = gate("app=" + kModel, {"--baseline", "release:app", "--sequential"});
  EXPECT_EQ(passed.status, 0) << passed.output << passed.errors;
  EXPECT_THAT(passed.output,
              testing::ContainsRegex("pocket-mmlu: [0-9]+ of 200 samples were asked, [1-9][0-9]* saved"));
  const Finished failed = gate(damaged_model(), {"--baseline", "release:app", "--sequential"});
  EXPECT_NE(failed.status, 0) << failed.output << failed.errors;
  EXPECT_EQ(gate("app=" + kModel, {"--sequential"}).status, 2) << "without a baseline";
}

TEST_F(Gate, MistakesAreUsageOrBadInput) {
  run("release", "app=" + kModel, "8");
  folder.write("policy.yaml", "rules:\n  - non_inferior: {margin: 0.1}\n");
  const Finished nobody = gate("nobody", {"--baseline", "release:app"});
  EXPECT_EQ(nobody.status, 2);
  EXPECT_THAT(nobody.errors, HasSubstr("its models are: app; its runs are: release"));
  EXPECT_EQ(gate("app", {"--baseline", path("none.json")}).status, 3);
  EXPECT_EQ(gate("app").status, 2) << "no baseline to compare with";
  folder.write("policy.yaml", "rules:\n  - non_inferior: {margn: 0.1}\n");
  const Finished policy = gate("app", {"--baseline", "release:app"});
  EXPECT_EQ(policy.status, 3);
  EXPECT_THAT(policy.errors, AllOf(HasSubstr("policy.yaml:2"), HasSubstr("margin")));
}

}  // namespace
}  // namespace sizeup
