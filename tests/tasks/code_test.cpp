// Tasks whose answers are programs: prompts and answers as lm-evaluation-harness makes them (golden:
// tests/oracles/code_lm_eval.py), verdicts as recorded with the official check program.
#include <cmath>
#include <fstream>

#include "core/io/sha256.h"
#include "datasets/readers/reader.h"
#include "tasks/metrics/code.h"
#include "tasks/sandbox/python_check.h"
#include "tests/tasks/sandbox/support.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

PythonVerdict verdict(SandboxPool& pool, const std::string& source) {
  const std::vector<std::string> sources = {source};
  return check_python(pool, sources).value().front();
}

TEST(PassAtK, AsTheReferenceComputesIt) {
  const Json golden = test::golden("humaneval.json");
  for (const Json& one : golden["pass_at_k"]) {
    EXPECT_EQ(pass_at_k(one[0], one[1], one[2]), one[3].get<double>()) << one;
  }
  // The official example prints 0.4999...: a half, less the rounding of its order of operations.
  EXPECT_LT(pass_at_k(6, 3, 1), 0.5);
  EXPECT_NEAR(pass_at_k(6, 3, 1), 0.5, 1e-15);
}

class PythonCheck : public testing::Test {
 protected:
  void SetUp() override {
    pool_ = test::open_pool();
    if (!pool_) GTEST_SKIP() << "no sandbox here";
  }
  std::string text(const std::string& source) { return verdict(*pool_, source).text; }
  bool passes(const std::string& source) { return verdict(*pool_, source).passed; }

  std::unique_ptr<SandboxPool> pool_;
};

TEST_F(PythonCheck, WhatPasses) {
  EXPECT_EQ(text("x = 1\nassert x == 1"), "passed");
  EXPECT_EQ(text(""), "passed");
  EXPECT_EQ(text("print('\u00e9' * 1000)"), "passed");
  EXPECT_EQ(text("import sys\nfor i in range(20000): print(i, file=sys.stderr)"), "passed");
  // Neither a thread nor an exit handler of the program may hold up or change its verdict.
  EXPECT_EQ(text("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()"),
            "passed");
  EXPECT_EQ(text("import atexit, os\natexit.register(lambda: os._exit(1))"), "passed");
  EXPECT_EQ(text("import os\nos.write = os.read = os._exit = None"), "passed");
  EXPECT_EQ(text("assert __name__ != '__main__'"), "passed");
}

TEST_F(PythonCheck, WhatFailsIsNamed) {
  EXPECT_EQ(text("assert 1 == 2"), "failed: AssertionError");
  EXPECT_EQ(text("assert False, 'why\\nnot'"), "failed: not");
  EXPECT_EQ(text("x = y"), "failed: NameError: name 'y' is not defined");
  EXPECT_EQ(text("def f(:"), "failed: SyntaxError: invalid syntax");
  EXPECT_EQ(text("def f():\nreturn 1"),
            "failed: IndentationError: expected an indented block after function definition on line 1");
  EXPECT_EQ(text("import ctypes\nctypes.string_at(0)"), "signal 11");
  EXPECT_EQ(text("input('a number')"), "failed: io.UnsupportedOperation: not readable");
  EXPECT_EQ(text(std::string("x = 1\0", 6)),
            "failed: ValueError: source code string cannot contain null bytes");
  EXPECT_FALSE(passes("\xff\xfe"));
  EXPECT_FALSE(passes("def f(): return f()\nf()"));
}

TEST_F(PythonCheck, LeavingEarlyIsFailing) {
  const std::string left = "failed: it left before its tests were done";
  EXPECT_EQ(text("import sys\nsys.exit(0)\nassert False"), left);
  EXPECT_EQ(text("raise SystemExit\nassert False"), left);
  EXPECT_EQ(text("import os\nos._exit(0)\nassert False"), left);
  EXPECT_EQ(text("import os\nos.write(3, b'passed')\nos._exit(0)"), left);
  EXPECT_EQ(text("print('passed')\nraise SystemExit(0)"), left);
  EXPECT_FALSE(passes("import os\nos.close(3)\nassert False"));
  EXPECT_FALSE(passes("import os\nos.execv('/usr/bin/true', ['true'])"));
}

TEST_F(PythonCheck, BoundsAreNamed) {
  EXPECT_EQ(text("while True: pass"), "timed out");
  EXPECT_EQ(text("import time\ntime.sleep(10)"), "timed out");
  EXPECT_EQ(text("while True:\n  try:\n    while True: pass\n  except Exception: pass"), "timed out");
  EXPECT_EQ(text("while True: print('x' * 100000)"), "wrote more than 16 MiB");
  EXPECT_THAT(text("x = b'x' * (4 << 30)"),
              testing::AnyOf("more than 1024 MiB of memory", "failed: MemoryError"));
}

// code_eval switches these off; a program that calls them fails there, and must not pass here.
TEST_F(PythonCheck, WhatTheReferenceSwitchesOffIsOff) {
  for (const char* call :
       {"os.getcwd()", "os.system('true')", "os.fork()", "os.mkdir('a'); os.rename('a', 'b')"}) {
    EXPECT_EQ(text(std::string("import os\n") + call), "failed: TypeError: 'NoneType' object is not callable")
        << call;
  }
  EXPECT_FALSE(passes("import subprocess\nsubprocess.run(['/usr/bin/true'])"));
  EXPECT_FALSE(passes("import shutil\nshutil.rmtree('/tmp')"));
  EXPECT_FALSE(passes("import resource"));
  EXPECT_FALSE(passes("exit(0)"));
}

class CodeTask : public testing::Test {
 protected:
  void SetUp() override {
    data_ = shared_folder() / "datasets";
    if (!std::filesystem::exists(data_ / "humaneval" / "HumanEval.jsonl.gz"))
      GTEST_SKIP() << "no official file";
    if (!test::open_pool()) GTEST_SKIP() << "no sandbox here";
  }

  std::unique_ptr<Task> task(const std::string& name) const {
    TaskOptions options;
    options.data_dir = data_;
    return test::load(source_path("tasks/definitions/" + name + ".yaml"), options);
  }
  // Rows of a JSON Lines file.
  static std::vector<Json> rows(const std::filesystem::path& file) { return read_dataset(file).value().rows; }

  std::filesystem::path data_;
};

class CodeAgreement : public CodeTask, public testing::WithParamInterface<std::string> {};

TEST_P(CodeAgreement, PromptsRequestsAndAnswers) {
  const auto humaneval = task(GetParam());
  const Json golden = test::golden("humaneval.json")["tasks"][GetParam()];
  const std::vector<Sample> samples = test::samples_of(*humaneval, static_cast<int64_t>(golden.size()));
  ASSERT_EQ(samples.size(), 10U);
  for (size_t i = 0; i < samples.size(); ++i) {
    SCOPED_TRACE(i);
    const Json& expected = golden[i];
    const PromptText& prompt = samples[i].prompt;
    EXPECT_EQ(sha256_hex(prompt.system + prompt.user + prompt.prefix_delimiter + prompt.prefix),
              expected["prompt"]);
    Json chat = Json::array({Json::array({"user", sha256_hex(prompt.user)})});
    if (!prompt.prefix.empty()) chat.push_back(Json::array({"assistant", sha256_hex(prompt.prefix)}));
    EXPECT_EQ(chat, expected["chat"]);
    EXPECT_EQ(prompt.prefix.empty(), expected["add_generation_prompt"]);
    EXPECT_EQ(sha256_hex(samples[i].target), expected["target"]);
    ASSERT_EQ(samples[i].asks.size(), 1U);
    const auto& ask = std::get<AskGenerate>(samples[i].asks[0]);
    EXPECT_EQ(Json(ask.stop), expected["generation"]["until"]);
    EXPECT_EQ(ask.max_tokens, expected["generation"]["max_gen_toks"]);
    EXPECT_EQ(ask.temperature, 0.0);
    EXPECT_EQ(sha256_hex(test::score_text(*humaneval, samples[i], expected["reply"]).answer),
              expected["answer"]);
  }
}
INSTANTIATE_TEST_SUITE_P(Tasks, CodeAgreement, testing::Values("humaneval", "humaneval_instruct"),
                         [](const auto& name) { return name.param; });

TEST_F(CodeTask, EveryCanonicalSolutionPasses) {
  const auto humaneval = task("humaneval");
  const std::vector<Sample> samples = test::samples_of(*humaneval);
  const std::vector<Json> documents = rows(data_ / "humaneval" / "HumanEval.jsonl.gz");
  ASSERT_EQ(samples.size(), 164U);
  std::vector<Scored> scored;
  for (size_t i = 0; i < samples.size(); ++i) {
    scored.push_back(test::score_text(*humaneval, samples[i], documents[i]["canonical_solution"]));
    EXPECT_FALSE(scored.back().error);
    EXPECT_EQ(scored.back().scores["pass@1"], 1.0)
        << samples[i].id << ": " << scored.back().details["outcome"];
  }
  EXPECT_EQ(test::aggregate(*humaneval, "pass@1", scored), 1.0);
}

TEST_F(CodeTask, RecordedVerdictsOfARealModelAreReproduced) {
  const auto humaneval = task("humaneval");
  const std::vector<Sample> samples = test::samples_of(*humaneval);
  const auto answers =
      rows(shared_folder() / "answers" / "humaneval" / "codegen-350M-mono_t0.1_recomputed.jsonl");
  ASSERT_EQ(answers.size(), samples.size());
  int passed = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const Json& answer = answers[i];
    Scored scored = test::score_text(*humaneval, samples[i], answer["completion"]);
    EXPECT_EQ(scored.scores["pass@1"] == 1.0, answer["recomputed_passed"].get<bool>())
        << answer["task_id"] << ": " << scored.details["outcome"] << ", recorded "
        << answer["recomputed_result"];
    passed += scored.scores["pass@1"] == 1.0 ? 1 : 0;
  }
  EXPECT_EQ(passed, 22);
}

// The official example: six answers to one problem, three of which pass.
TEST_F(CodeTask, TheOfficialExample) {
  const auto folder = shared_folder() / "answers" / "humaneval";
  const Json problem = rows(folder / "example_problem.jsonl")[0];
  std::vector<std::string> sources;
  for (const Json& sample : rows(folder / "example_samples.jsonl")) {
    sources.push_back(problem["prompt"].get<std::string>() + sample["completion"].get<std::string>() + "\n" +
                      problem["test"].get<std::string>() + "\ncheck(" +
                      problem["entry_point"].get<std::string>() + ")");
  }
  const auto verdicts = check_python(*test::open_pool(), sources).value();
  std::vector<bool> passed;
  for (const PythonVerdict& one : verdicts) passed.push_back(one.passed);
  EXPECT_EQ(passed, (std::vector<bool>{false, false, false, true, true, true}));
  EXPECT_EQ(verdicts[1].text, "timed out");
}

// The published form: the row's own program passes its tests, one that is off by one does not, and neither
// does what the model was to stop before.
TEST(Mbpp, JudgesByTheRowsTests) {
  if (!test::open_pool()) GTEST_SKIP() << "no sandbox here";
  TaskOptions options;
  options.data_dir = source_path("tests/golden/definitions/data");
  const auto mbpp = test::load(source_path("tasks/definitions/mbpp.yaml"), options);
  std::vector<Json> rows = read_dataset(options.data_dir / "mbpp" / "mbpp.jsonl").value().rows;
  std::erase_if(rows, [](const Json& row) { return row["task_id"] < 11 || row["task_id"] > 510; });
  const std::vector<Sample> samples = test::samples_of(*mbpp);
  ASSERT_EQ(samples.size(), rows.size());
  for (const Sample& sample : samples) {
    const std::string code = rows[static_cast<size_t>(sample.index)]["code"];
    const auto passes = [&](const std::string& answer) {
      Scored scored = test::score_text(*mbpp, sample, answer);
      EXPECT_FALSE(scored.error);
      return scored.scores.at("pass@1") == 1.0;
    };
    EXPECT_TRUE(passes(code)) << sample.id;
    EXPECT_FALSE(passes(code + " + 1")) << sample.id;
    EXPECT_FALSE(passes(code + "\n[DONE]")) << sample.id;
  }
}

constexpr const char* kSquare = R"yaml(task: square
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: "{{code}}"
doc_to_target: "assert f(3) == 9"
answer_prefix: "{{code}}"
)yaml";

class SmallCodeTask : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::open_pool()) GTEST_SKIP() << "no sandbox here";
    folder_.write("test.jsonl", R"({"code": "def f(x):\n"})"
                                "\n");
  }
  Result<std::unique_ptr<Task>> task(const std::string& more) const {
    return load_task(folder_.write("task.yaml", kSquare + more), {});
  }
  std::string error(const std::string& more) const {
    const auto loaded = task(more);
    return loaded ? "" : describe(loaded.error());
  }
  TemporaryFolder folder_;
};

TEST_F(SmallCodeTask, RepeatsAreCombined) {
  const auto loaded = task(
      "unsafe_code: true\nrepeats: 4\nmetric_list: [{metric: pass@k, k: [1, 2]}]\n"
      "generation_kwargs: {do_sample: true, temperature: 0.5}\n");
  ASSERT_TRUE(loaded) << describe(loaded.error());
  const Task& square = **loaded;
  EXPECT_EQ(square.metrics().size(), 2U);
  EXPECT_EQ(square.metrics()[1].name, "pass@2");
  const Sample sample = test::samples_of(square)[0];
  ASSERT_EQ(sample.asks.size(), 4U);
  std::vector<Reply> replies(4);
  replies[0].text = "  return x";
  replies[1].text = "  return x * x";
  replies[2].text = "  return y";
  replies[3].text = "  import sys; sys.exit(0)";
  Scored scored = square.score(sample, replies);
  EXPECT_DOUBLE_EQ(scored.scores["pass@1"], 0.25);
  EXPECT_DOUBLE_EQ(scored.scores["pass@2"], 0.5);
  EXPECT_EQ(scored.details["passed"], "1");
  EXPECT_EQ(Json::parse(scored.details["outcome"]),
            Json({"failed: AssertionError", "passed", "failed: NameError: name 'y' is not defined",
                  "failed: it left before its tests were done"}));
  EXPECT_EQ(scored.answer, "def f(x):\n  return x");
  EXPECT_DOUBLE_EQ(test::aggregate(square, "pass@2", {scored, scored}), 0.5);
}

TEST_F(SmallCodeTask, WhatIsRefused) {
  using testing::HasSubstr;
  const std::string metric = "metric_list: [{metric: pass@k}]\n";
  EXPECT_THAT(error(metric), HasSubstr("unsafe_code: true"));
  EXPECT_THAT(error("unsafe_code: false\n" + metric), HasSubstr("unsafe_code: true"));
  EXPECT_THAT(error("unsafe_code: yes please\n" + metric), HasSubstr("'unsafe_code' has the wrong type"));
  EXPECT_THAT(error("unsafe_code: true\nmetric_list: [{metric: pass@k, k: [1, 2]}]\n"), HasSubstr("1 to 1"));
  EXPECT_THAT(error("unsafe_code: true\nmetric_list: [{metric: pass@k, k: 0}]\n"), HasSubstr("'k' is not"));
  EXPECT_THAT(error("unsafe_code: true\nmetric_list: [{metric: pass@k, k: []}]\n"), HasSubstr("empty list"));
  EXPECT_THAT(error("repeats: 3\n"), HasSubstr("same answer again and again"));
  EXPECT_THAT(error("repeats: 0\n"), HasSubstr("'repeats' has the wrong type"));
  EXPECT_THAT(error("filter_list: [{name: a, filter: [{function: before}]}]\n"),
              HasSubstr("lacks its 'text'"));
  EXPECT_EQ(error("unsafe_code: true\n" + metric), "");
}

TEST(OfficialFiles, AreAskedForByName) {
  const auto loaded = load_task(source_path("tasks/definitions/humaneval.yaml"), {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::usage);
  EXPECT_THAT(describe(loaded.error()), testing::HasSubstr("--data-dir"));
}

}  // namespace
}  // namespace sizeup
