// lighteval's own cases of the metrics that it shares with us.
#include <algorithm>
#include <array>
#include <set>

#include "tasks/metrics/code.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using test::one;
using test::task_with;

class Lighteval : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "lighteval's cases are not here";
  }

  // The cases of a file, of which there are some.
  Json cases(const std::string& name) const {
    Json all = Json::parse(read_whole(folder_ / (name + ".json")))["test_cases"];
    EXPECT_FALSE(all.empty()) << name;
    return all;
  }

 private:
  const std::filesystem::path folder_ = shared_folder() / "answers/metric_cases/lighteval";
};

struct LightevalCase {
  const char* file;
  const char* key;  // of expected_output
  const char* metric;
  const char* options = "";
};

TEST_F(Lighteval, CasesOfOneAnswerAgree) {
  constexpr std::array kCases = {
      LightevalCase{"exact_match", "em", "exact_match"},
      LightevalCase{"rouge2", "rouge2", "rouge2"},
      LightevalCase{"rougeLsum", "rougeLsum", "rougeLsum"},
      LightevalCase{"copyright", "edit_distance", "edit_distance", ", unit: words"},
      LightevalCase{"copyright", "edit_similarity", "edit_similarity", ", unit: words"},
  };
  int seen = 0;
  for (const LightevalCase& wanted : kCases) {
    for (const Json& expected : cases(wanted.file)) {
      const Json& document = expected["doc"];
      const Json& target = document["choices"][document["gold_index"].get<size_t>()];
      EXPECT_NEAR(one(wanted.metric, target, expected["model_response"]["text"][0], wanted.options),
                  expected["expected_output"][wanted.key].get<double>(), expected["tolerance"].get<double>())
          << expected["name"];
      ++seen;
    }
  }
  EXPECT_EQ(seen, 14);
}

// lighteval hands the expected texts to sacrebleu as if each were another reference of the first answer, so
// its numbers are those of that answer against all of them.
TEST_F(Lighteval, TranslationsAgree) {
  for (const char* metric : {"chrf", "ter"}) {
    for (const Json& expected : cases(metric)) {
      Json accepted = Json::array();
      for (const Json& document : expected["docs"]) accepted.push_back(document["choices"][0]);
      EXPECT_NEAR(one(metric, accepted, expected["model_responses"][0]["text"][0]),
                  expected["expected_output"].get<double>(), expected["tolerance"].get<double>())
          << expected["name"];
    }
  }
}

// Its "log-probabilities" are any numbers: only which is the largest matters.
TEST_F(Lighteval, ChoicesAgree) {
  for (const Json& expected : cases("loglikelihood_acc")) {
    const Json& document = expected["doc"];
    const Json gold =
        document["gold_index"].is_array() ? document["gold_index"] : Json::array({document["gold_index"]});
    const auto task = test::task_over(
        Json::array({Json{{"choices", document["choices"]}, {"gold", gold}}}),
        "output_type: multiple_choice\ndoc_to_text: 'Q:'\ndoc_to_choice: choices\ndoc_to_target: gold\n"
        "metric_list: [{metric: acc}]\n");
    std::vector<Reply> replies;
    for (const Json& logprob : expected["model_response"]["logprobs"]) {
      replies.emplace_back();
      replies.back().logprob = logprob;
    }
    EXPECT_EQ(task->score(test::samples_of(*task).front(), replies).scores.at("acc"),
              expected["expected_output"]["acc"].get<double>())
        << expected["name"];
  }
}

// Each text is a label of its own.
TEST_F(Lighteval, MacroF1Agrees) {
  for (const Json& expected : cases("f1_score_macro")) {
    Json targets = Json::array();
    Json answers = Json::array();
    std::set<std::string> labels;
    for (size_t i = 0; i < expected["docs"].size(); ++i) {
      const Json& document = expected["docs"][i];
      targets.push_back(document["choices"][document["gold_index"].get<size_t>()]);
      answers.push_back(expected["model_responses"][i]["text"][0]);
      labels.insert({targets.back(), answers.back()});
    }
    const auto task = task_with("{metric: macro_f1}", targets, "labels: " + to_line(Json(labels)) + "\n");
    EXPECT_NEAR(test::aggregate(*task, "macro_f1", test::scored(*task, answers)),
                expected["expected_output"].get<double>(), expected["tolerance"].get<double>())
        << expected["name"];
  }
}

// It counts the words of the queries.
TEST_F(Lighteval, WordPerplexityAgrees) {
  for (const Json& expected : cases("word_perplexity")) {
    const auto task =
        test::task_over(expected["docs"],
                        "output_type: loglikelihood_rolling\ndoc_to_text: ''\ndoc_to_target: query\n"
                        "metric_list: [{metric: word_perplexity}]\n");
    const std::vector<Sample> samples = test::samples_of(*task);
    std::vector<Scored> scored;
    for (size_t i = 0; i < samples.size(); ++i) {
      Reply reply;
      for (const Json& logprob : expected["model_responses"][i]["logprobs"])
        reply.logprob += logprob.get<double>();
      scored.push_back(task->score(samples[i], {reply}));
    }
    EXPECT_NEAR(test::aggregate(*task, "word_perplexity", scored), expected["expected_output"].get<double>(),
                expected["tolerance"].get<double>())
        << expected["name"];
  }
}

TEST_F(Lighteval, PassAtKAgrees) {
  for (const Json& expected : cases("pass_at_k")) {
    const Json& document = expected["doc"];
    const Json& right = document["choices"][document["gold_index"].get<size_t>()];
    const Json& answers = expected["model_response"]["text"];
    EXPECT_NEAR(pass_at_k(expected["metric_params"]["n"], std::count(answers.begin(), answers.end(), right),
                          expected["metric_params"]["k"]),
                expected["expected_output"].begin()->get<double>(), expected["tolerance"].get<double>())
        << expected["name"];
  }
}

TEST_F(Lighteval, MajorityAgrees) {
  for (const Json& expected : cases("maj_at_k")) {
    const int k = expected["metric_params"]["k"];
    const Json& document = expected["doc"];
    const auto task =
        task_with("{metric: maj@k, k: " + std::to_string(k) + "}",
                  Json::array({document["choices"][document["gold_index"][0].get<size_t>()]}),
                  "repeats: " + std::to_string(k) + "\ngeneration_kwargs: {temperature: 1.0}\n");
    const Scored scored =
        test::score_texts(*task, test::samples_of(*task).front(),
                          expected["model_response"]["text"].get<std::vector<std::string>>());
    // "No majority" expects 1 for an answer that came first.
    EXPECT_EQ(scored.scores.begin()->second, expected["expected_output"].begin()->get<double>())
        << expected["name"];
  }
}

}  // namespace
}  // namespace sizeup
