// Agreement with lm-evaluation-harness, sample by sample (golden: tests/oracles/tasks_lm_eval.py).
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

class Agreement : public testing::TestWithParam<std::string> {};

std::string metric_name(const std::string& metric, const std::string& pipeline, size_t pipelines) {
  return pipelines > 1 ? metric + "," + pipeline : metric;
}

void check_asks(const Sample& sample, const Json& expected) {
  if (std::holds_alternative<AskText>(sample.asks[0])) {
    EXPECT_EQ(sample.asks.size(), 1U);
    return;
  }
  ASSERT_EQ(sample.asks.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (const auto* score = std::get_if<AskScore>(&sample.asks[i])) {
      EXPECT_EQ(score->delimiter + score->continuation, expected[i]["continuation"].get<std::string>());
    } else {
      const auto& stop = std::get<AskGenerate>(sample.asks[i]).stop;
      const Json& until = expected[i]["until"];
      EXPECT_EQ(stop,
                until.is_string() ? std::vector<std::string>{until} : until.get<std::vector<std::string>>());
    }
  }
}

std::vector<Reply> made_up(const Json& replies) {
  std::vector<Reply> out;
  for (const Json& reply : replies) {
    Reply one;
    one.logprob = reply.value("logprob", 0.0);
    one.greedy = reply.value("greedy", false);
    one.text = reply.value("text", "");
    out.push_back(one);
  }
  return out;
}

TEST_P(Agreement, PromptsRequestsAnswersAndScores) {
  const auto task = test::load(source_path("tests/tasks/cases/" + GetParam() + ".yaml"));
  const Json golden = test::golden(GetParam() + ".json");
  const std::vector<Sample> samples = test::samples_of(*task);
  ASSERT_EQ(samples.size(), golden["samples"].size());
  std::vector<Scored> scored;
  for (size_t i = 0; i < samples.size(); ++i) {
    SCOPED_TRACE(i);
    const Json& expected = golden["samples"][i];
    const PromptText& prompt = samples[i].prompt;
    EXPECT_EQ(prompt.system + prompt.user + prompt.prefix_delimiter + prompt.prefix,
              expected["prompt"].get<std::string>());
    check_asks(samples[i], expected["asks"]);
    scored.push_back(task->score(samples[i], made_up(expected["replies"])));
    const size_t pipelines = expected["filters"].size();
    for (const auto& [pipeline, outcome] : expected["filters"].items()) {
      for (const auto& [metric, value] : outcome["scores"].items()) {
        if (metric == "perplexity")
          continue;  // the harness passes a log-probability along: an aggregate here
        const std::string name = metric_name(metric, pipeline, pipelines);
        ASSERT_TRUE(scored.back().scores.contains(name)) << name;
        EXPECT_EQ(scored.back().scores[name], value) << name;
      }
    }
    const Json& first = expected["filters"].begin().value()["answer"];
    if (first.is_string()) {
      EXPECT_EQ(scored.back().answer, first.get<std::string>());
    }
  }
  for (const auto& [pipeline, results] : golden["results"].items()) {
    for (const auto& [metric, value] : results.items()) {
      const std::string name = metric_name(metric, pipeline, golden["results"].size());
      EXPECT_NEAR(test::aggregate(*task, name, scored), value.get<double>(),
                  1e-12 * std::abs(value.get<double>()) + 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Agreement,
                         testing::Values("kinds_zero", "kinds_shots", "kinds_many_shots", "kinds_first",
                                         "kinds_inline", "kinds_indices", "kinds_process",
                                         "kinds_unprocessed", "kinds_prefix", "reviews_same", "sums", "facts",
                                         "continuations", "rolling"),
                         [](const auto& test) { return test.param; });

// What the agreement rests on is checked by hand once: the golden prompt shows the layout.
TEST(Prompt, LayoutOfAPromptWithExamples) {
  const auto task = test::load(source_path("tests/tasks/cases/reviews_same.yaml"), {.num_fewshot = 1});
  const Sample sample = test::samples_of(*task, 1)[0];
  EXPECT_EQ(sample.prompt.system, "");
  EXPECT_TRUE(sample.prompt.user.starts_with("Review: ")) << sample.prompt.user;
  EXPECT_TRUE(sample.prompt.user.ends_with("\n\nReview: good\nSentiment:")) << sample.prompt.user;
}

}  // namespace
}  // namespace sizeup
