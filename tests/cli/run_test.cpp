// The main job through the program itself, on a few documents: run, store, report, resume, run file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

const std::string kModels = source_path("models/pocket/").string();

class Run : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  std::string text(const std::string& name) const { return read_whole(folder.path() / name); }
};

TEST_F(Run, ComparesTwoModelsAndWritesTheReport) {
  const Finished finished =
      run_program({"run", "--model", "small=" + kModels + "pocket-small.gguf", "--model",
                   "large=" + kModels + "pocket-large.gguf", "--task", "helpdesk", "--task", "invoices",
                   "--limit", "12", "--latency-samples", "3", "--db", path("a.db"), "--html",
                   path("report.html"), "--csv", path("tables")});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("helpdesk"));
  const auto lines = lines_of(finished.output);
  EXPECT_EQ(lines.back(), path("report.html")) << "the report's path stands on a line of its own";
  EXPECT_THAT(text("report.html"), HasSubstr("Content-Security-Policy"));
  EXPECT_THAT(text("tables/results.csv"), HasSubstr("helpdesk"));

  // The store alone gives the same report again, and lists the run as finished.
  ASSERT_EQ(run_program({"report", "--db", path("a.db"), "--html", path("again.html")}).status, 0);
  EXPECT_EQ(text("again.html"), text("report.html"));
  const Json runs = Json::parse(run_program({"list", "runs", "--db", path("a.db"), "--json"}).output);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0]["answered"], "60 of 60") << "2 models x 2 tasks x (12 offline + 3 timed)";
}

TEST_F(Run, TakesARunFileAndTheCommandLineOnTop) {
  folder.write("run.yaml", "models: ['only=" + kModels +
                               "pocket-small.gguf']\ntasks: [helpdesk]\nlimit: 5\nlatency_samples: 0\n");
  const Finished finished =
      run_program({"run", path("run.yaml"), "--limit", "3", "--db", path("a.db"), "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json rows = Json::parse(lines_of(finished.output)[0]);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["n"], "3");
  folder.write("run.yaml", "modles: []\n");
  const Finished broken = run_program({"run", path("run.yaml")});
  EXPECT_EQ(broken.status, 3);
  EXPECT_THAT(broken.errors, HasSubstr("run.yaml:1"));
  EXPECT_THAT(broken.errors, HasSubstr("models"));
}

TEST_F(Run, BadRowsAreFatalUnlessTheyAreAllowed) {
  folder.write("d.jsonl",
               "{\"q\": \"1+1?\", \"a\": 1}\n{\"q\": \n{\"q\": \"1+0?\"}\n{\"q\": \"0+1?\", \"a\": 0}\n");
  folder.write("t.yaml",
               "task: t\ndataset_path: d.jsonl\noutput_type: multiple_choice\ndoc_to_text: q\n"
               "doc_to_target: a\ndoc_to_choice: ['1', '2']\n");
  const std::vector<std::string> arguments = {
      "run",           "--model",    kModels + "pocket-small.gguf", "--task", path("t.yaml"),
      "--db",          path("a.db"), "--latency-samples",           "0",      "--json",
      "--max-bad-rows"};
  std::vector<std::string> one = arguments;
  one.emplace_back("1");
  const Finished refused = run_program(one);
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.errors, HasSubstr("d.jsonl:3"));
  std::vector<std::string> two = arguments;
  two.emplace_back("2");
  const Finished finished = run_program(two);
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(Json::parse(lines_of(finished.output)[0])[0]["n"], "2");
  EXPECT_THAT(finished.errors, HasSubstr("t: 2 bad rows of its data are left out"));
  EXPECT_THAT(finished.errors, HasSubstr("d.jsonl:2"));
}

// The weights' bytes, their form in memory and the precision of products come from the store.
TEST_F(Run, OneModelAtTwoPrecisionsIsALadder) {
  const Json tiers = Json::parse(run_program({"doctor", "--json"}).output)["cpu_tiers"];
  if (!tiers[0]["available"].get<bool>()) GTEST_SKIP() << "one precision only: " << tiers[0]["note"];
  const std::string file = kModels + "pocket-small.gguf";
  const Finished finished = run_program({"run", "--model", "half=" + file + "?dtype=bfloat16", "--model",
                                         "full=" + file + "?dtype=float32", "--task", "helpdesk", "--limit",
                                         "8", "--latency-samples", "2", "--db", path("a.db")});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("No step down from Q8_0 in float32 costs accuracy beyond noise"));
  const Finished report = run_program({"report", "--db", path("a.db"), "--json", path("r.json"), "--html",
                                       path("r.html"), "--ladder", "half,full"});
  ASSERT_EQ(report.status, 0) << report.errors;
  const Json ladder = Json::parse(text("r.json"))["ladders"][0];
  EXPECT_EQ(ladder["same_weights_because"], "named with --ladder");
  ASSERT_EQ(ladder["rungs"].size(), 2u);
  EXPECT_EQ(ladder["rungs"][0]["model"], "full") << "of equal files, products in float32 come first";
  for (const Json& rung : ladder["rungs"]) {
    EXPECT_GT(rung["bytes"].get<int64_t>(), 1'000'000);
    EXPECT_GT(rung["packed_bytes"].get<int64_t>(), 1'000'000);
    EXPECT_EQ(rung["prompt_tokens_s"]["n"], 2);
  }
  EXPECT_EQ(
      run_program({"report", "--db", path("a.db"), "--json", path("r.json"), "--ladder", "half"}).status, 2);
}

// Whatever the model writes here is a comment: the program passes.
TEST_F(Run, RunsGeneratedCodeInTheSandboxOrNotAtAll) {
  folder.write("test.jsonl", "{\"code\": \"def f(x):\"}\n{\"code\": \"def g(x):\"}\n");
  folder.write("code.yaml",
               "task: code\ndataset_path: json\ndataset_kwargs: {data_files: {test: test.jsonl}}\n"
               "test_split: test\ndoc_to_text: '{{code}}'\ndoc_to_target: assert f(3) == 9\n"
               "answer_prefix: 'f = lambda x: x * x  # '\nunsafe_code: true\nrepeats: 3\n"
               "generation_kwargs: {until: [\"\\n\"], max_gen_toks: 8, do_sample: true}\n"
               "metric_list: [{metric: pass@k, k: [1, 3]}]\n");
  const std::string level =
      Json::parse(run_program({"doctor", "--json"}).output)["sandbox"]["level"].get<std::string>();
  const Finished finished =
      run_program({"run", "--model", kModels + "pocket-small.gguf", "--task", path("code.yaml"), "--json",
                   "--db", path("a.db"), "--latency-samples", "0", "--html", path("report.html")});
  if (level == "none") {
    EXPECT_EQ(finished.status, 4);
    EXPECT_THAT(finished.errors, HasSubstr("hint"));
    return;
  }
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json row = Json::parse(lines_of(finished.output)[0])[0];
  EXPECT_EQ(row["metric"], "pass@1");
  EXPECT_EQ(row["value"], "1.0000");
  EXPECT_EQ(row["n"], "2");
  EXPECT_THAT(text("report.html"), HasSubstr("generated code run in a sandbox (" + level + ")"));
}

// A group of the user's own over bundled tasks; official files that are not there are told of.
TEST_F(Run, RunsGroupsOfTasks) {
  folder.write("mine.yaml",
               "group: mine\ntask: [helpdesk, pocket-mmlu]\naggregate_metric_list: [{metric: acc}]\n");
  const std::vector<std::string> model = {
      "run", "--model", kModels + "pocket-small.gguf", "--db", path("a.db"), "--latency-samples", "0"};
  std::vector<std::string> group = model;
  group.insert(group.end(),
               {"--task", path("mine.yaml"), "--limit", "4", "--json", "--html", path("r.html")});
  const Finished finished = run_program(group);
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json rows = Json::parse(lines_of(finished.output)[0]);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["task"], "mine");
  EXPECT_EQ(rows[0]["tasks"], "2");
  EXPECT_EQ(rows[0]["n"], "8");
  EXPECT_EQ(rows[1]["task"], "helpdesk");
  EXPECT_THAT(text("r.html"), HasSubstr("groups of tasks"));

  std::vector<std::string> official = model;
  official.insert(official.end(), {"--task", "gsm8k"});
  const Finished none = run_program(official);
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.errors, HasSubstr("--data-dir"));
  official.insert(official.end(), {"--data-dir", path("official")});
  const Finished absent = run_program(official);
  EXPECT_EQ(absent.status, 3);
  EXPECT_THAT(absent.errors, HasSubstr(path("official") + "/gsm8k/test.jsonl"));

  const Json all = Json::parse(run_program({"list", "tasks", "--all", "--json"}).output);
  const Json shown = Json::parse(run_program({"list", "tasks", "--json"}).output);
  EXPECT_GT(all.size(), shown.size() + 3 * 57) << "members of groups are left out";
}

TEST_F(Run, TakesTheCpuTierOrSaysWhyNot) {
  const Json tiers = Json::parse(run_program({"doctor", "--json"}).output)["cpu_tiers"];
  for (const Json& tier : tiers) {
    const Finished finished = run_program({"run", "--model", kModels + "pocket-small.gguf", "--task",
                                           "helpdesk", "--limit", "1", "--latency-samples", "0", "--db",
                                           path("a.db"), "--cpu-tier", tier["tier"].get<std::string>()});
    if (tier["available"].get<bool>()) {
      EXPECT_EQ(finished.status, 0) << finished.errors;
    } else {
      EXPECT_EQ(finished.status, 4);
      EXPECT_THAT(finished.errors, HasSubstr(tier["note"].get<std::string>()));
    }
  }
}

TEST_F(Run, TakesTheDocumentsToAskFromAFile) {
  const std::string samples = folder.write("samples.json", "{\"helpdesk\": [3, 0, 7]}").string();
  const auto run = [&](const std::string& given) {
    return run_program({"run", "--model", kModels + "pocket-small.gguf", "--task", "helpdesk",
                        "--latency-samples", "0", "--samples", given, "--db", path("a.db"), "--json"});
  };
  const Finished asked = run(samples);
  ASSERT_EQ(asked.status, 0) << asked.errors;
  EXPECT_EQ(Json::parse(asked.output)[0]["n"], "3");
  const Finished broken = run(folder.write("broken.json", "{\"helpdesk\": [").string());
  EXPECT_EQ(broken.status, 3);
  EXPECT_THAT(broken.errors, HasSubstr("broken.json"));
}

TEST_F(Run, SaysWhatIsMissing) {
  EXPECT_EQ(run_program({"run", "--task", "helpdesk"}).status, 2);
  EXPECT_EQ(run_program({"run", "--model", kModels + "pocket-small.gguf"}).status, 2);
  const Finished task = run_program(
      {"run", "--model", kModels + "pocket-small.gguf", "--task", "helpdeks", "--db", path("a.db")});
  EXPECT_EQ(task.status, 2);
  EXPECT_THAT(task.errors, HasSubstr("helpdesk"));
  EXPECT_EQ(run_program({"report", "--db", path("none.db"), "--html", path("x.html")}).status, 3);
  EXPECT_EQ(run_program({"report", "--db", path("none.db")}).status, 2);
}

}  // namespace
}  // namespace sizeup
