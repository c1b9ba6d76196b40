// lm-evaluation-harness itself against a run: stories260K in float32 on mmlu and gsm8k, whose prompts are
// longer than its context (golden: tests/oracles/classic_lm_eval.py).
#include <gtest/gtest.h>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "harness/statistics/interval.h"
#include "run_fixture.h"

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-3;  // design: per-token log-probability of deep models in float32

class ClassicRun : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    const auto model = shared_folder() / "models" / "stories260K-F32.gguf";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "not here: " << model;
    settings.models = {"stories=" + model.string() + "?dtype=float32"};
    settings.data_dir = shared_folder() / "datasets";
    settings.num_fewshot = 5;
  }

  // Runs the group and checks every sample of every task against the harness's.
  RunSummary agree(const std::string& yaml, const Json& golden) {
    settings.tasks = {own.write("group.yaml", yaml).string()};
    Result<RunSummary> summary = execute(settings, progress, stop.get_token(),
                                         RunEnvironment::standard(source_path("tasks/definitions")));
    if (!summary) throw std::runtime_error(describe(summary.error()));
    const Store store = std::move(Store::open(settings.db, StoreAccess::read).value());
    for (const EvaluationSummary& evaluation : summary->evaluations) {
      SCOPED_TRACE(evaluation.task);
      const std::vector<SampleRow> samples = read_samples(store, evaluation.evaluation_id).value();
      const std::vector<AnswerRow> answers = read_answers(store, evaluation.evaluation_id).value();
      const Json& expected = golden["samples"][evaluation.task];
      const size_t filters = expected.size() / samples.size();
      EXPECT_EQ(samples.size() * filters, expected.size());
      for (size_t i = 0; i < samples.size(); ++i) {
        const auto responses = read_responses(store, evaluation.evaluation_id, samples[i].id).value();
        for (size_t f = 0; f < filters; ++f)
          check(samples[i], answers[i], responses, expected[i * filters + f]);
      }
      for (const auto& [key, value] : golden["results"][evaluation.task].items())
        check_result(evaluation, key, value);
    }
    return std::move(*summary);
  }

 private:
  static void check(const SampleRow& sample, const AnswerRow& answer,
                    const std::vector<ResponseRow>& responses, const Json& expected) {
    SCOPED_TRACE(sample.document_id);
    EXPECT_EQ(sha256_hex(sample.prompt), expected["prompt"].get<std::string>());
    EXPECT_TRUE(answer.truncated) << "every prompt is longer than 512 tokens";
    if (expected.contains("text")) {
      ASSERT_EQ(responses.size(), 1U);
      EXPECT_EQ(responses[0].text, expected["text"].get<std::string>());
      const std::string metric = "exact_match," + expected["filter"].get<std::string>();
      EXPECT_EQ(answer.scores.at(metric), expected["exact_match"]);
      return;
    }
    ASSERT_EQ(responses.size(), expected["logprobs"].size());
    for (size_t i = 0; i < responses.size(); ++i) {
      EXPECT_NEAR(responses[i].logprob, expected["logprobs"][i].get<double>(), kTolerance);
      EXPECT_EQ(responses[i].greedy, expected["greedy"][i]);
    }
    EXPECT_EQ(answer.scores.at("acc"), expected["acc"]);
  }

  // "acc,none", "acc_stderr,none", "exact_match,strict-match"
  static void check_result(const EvaluationSummary& evaluation, const std::string& key, const Json& value) {
    if (key.find("_stderr") != std::string::npos) return;  // ours are Wilson's intervals
    const std::string metric = key.ends_with(",none") ? key.substr(0, key.size() - 5) : key;
    for (const ResultRow& result : evaluation.results) {
      if (result.metric != metric) continue;
      EXPECT_NEAR(result.value, value.get<double>(), 6e-6) << "rounded to 5 digits";
    }
  }
};

Json stories() {
  return Json::parse(read_whole(golden_folder() / "classic" / "stories.json"));
}

// 252 prompts of five examples each: the sanitizer build leaves it out by its name.
using SlowClassicRun = ClassicRun;
TEST_F(SlowClassicRun, MmluAgreesWithTheHarness) {
  const Json golden = stories()["mmlu"];
  const RunSummary summary = agree(
      "group: two_subjects\ntask: [mmlu_abstract_algebra, mmlu_astronomy]\n"
      "aggregate_metric_list: [{metric: acc, weight_by_size: true}]\n",
      golden);
  ASSERT_EQ(summary.evaluations.size(), 2U);
  EXPECT_EQ(summary.evaluations[0].samples + summary.evaluations[1].samples, 252);
  ASSERT_EQ(summary.groups.size(), 1U);
  const ResultRow& group = summary.groups[0].result;
  const Json& expected = golden["results"]["two_subjects"];
  EXPECT_NEAR(group.value, expected["acc,none"].get<double>(), 6e-6);
  EXPECT_NEAR((*group.hi - group.value) / t_quantile(0.975, 250), expected["acc_stderr,none"].get<double>(),
              6e-6);
}

TEST_F(ClassicRun, Gsm8kAgreesWithTheHarness) {
  settings.limit = 20;
  const RunSummary summary = agree(
      "group: short\ntask:\n  - task: gsm8k\n    generation_kwargs:\n"
      "      {until: ['Question:', '</s>', '<|im_end|>'], max_gen_toks: 32, do_sample: false}\n",
      stories()["gsm8k"]);
  ASSERT_EQ(summary.evaluations.size(), 1U);
  EXPECT_EQ(summary.evaluations[0].samples, 20);
  EXPECT_TRUE(summary.groups.empty()) << "a group without aggregate_metric_list has no result";
}

}  // namespace
}  // namespace sizeup
