// The classic benchmarks on their official files: prompts as lm-evaluation-harness writes them from its own
// task files (golden: tests/oracles/classic_lm_eval.py), published verdicts and answers.
#include <gmock/gmock.h>

#include "core/io/sha256.h"
#include "datasets/readers/reader.h"
#include "tasks/selection.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

const std::filesystem::path kDatasets = shared_folder() / "datasets";
const std::filesystem::path kAnswers = shared_folder() / "answers";

std::unique_ptr<Task> official(const std::string& name, std::optional<int> shots) {
  const Result<TaskSelection> selected = select_tasks({name}, source_path("tasks/definitions"));
  if (!selected) throw std::runtime_error(describe(selected.error()));
  return test::load(selected->tasks.at(0).file, {.num_fewshot = shots, .data_dir = kDatasets});
}

std::vector<Json> rows_of(const std::filesystem::path& file) {
  Result<Dataset> dataset = read_dataset(file);
  if (!dataset) throw std::runtime_error(describe(dataset.error()));
  return std::move(dataset->rows);
}

class Classic : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kDatasets / "gsm8k")) GTEST_SKIP() << "no official files in " << kDatasets;
  }
};

TEST_F(Classic, PromptsAreTheHarnesss) {
  const Json golden = Json::parse(read_whole(golden_folder() / "classic" / "prompts.json"));
  ASSERT_GE(golden.size(), 20U);
  for (const Json& expected : golden) {
    const auto name = expected["task"].get<std::string>();
    SCOPED_TRACE(name);
    const Json& shots = expected["num_fewshot"];
    const auto task = official(name, shots.is_null() ? std::nullopt : std::optional(shots.get<int>()));
    const Json& documents = expected["documents"];
    const auto samples = test::samples_of(*task, static_cast<int64_t>(documents.size()));
    ASSERT_EQ(samples.size(), documents.size());
    EXPECT_EQ(samples[0].prompt.system + samples[0].prompt.user, expected["first"]);
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(sha256_hex(samples[i].prompt.system + samples[i].prompt.user), documents[i]["prompt"]) << i;
      std::vector<std::string> continuations;
      for (const Ask& ask : samples[i].asks) {
        if (const auto* score = std::get_if<AskScore>(&ask)) {
          continuations.push_back(score->delimiter + score->continuation);
        } else {
          EXPECT_EQ(Json(std::get<AskGenerate>(ask).stop), expected["until"]);
        }
      }
      if (documents[i].contains("continuations")) {
        EXPECT_EQ(Json(continuations), documents[i]["continuations"]);
      }
    }
  }
}

// Without --num-fewshot the defaults are the harness's.
TEST_F(Classic, DefaultsOfExamples) {
  const auto shots = [](const std::string& name, const std::string& separator) {
    const std::string prompt = test::samples_of(*official(name, std::nullopt), 1)[0].prompt.user;
    int count = 0;
    for (size_t at = 0; (at = prompt.find(separator, at)) != std::string::npos; ++at) ++count;
    return count - 1;
  };
  EXPECT_EQ(shots("gsm8k", "Question: "), 5);
  EXPECT_EQ(shots("gsm8k_cot", "Q: "), 8);
  EXPECT_EQ(shots("gsm8k_cot_zeroshot", "Q: "), 0);
  EXPECT_EQ(shots("gsm8k_cot_llama", "Problem: "), 8);
  EXPECT_EQ(shots("mmlu_astronomy", "Answer:"), 0);
}

// What a model may write for question 0, whose answer is 18; verdicts of the harness's own filters and
// metric.
TEST_F(Classic, TrapsOfGsm8k) {
  const Json golden = Json::parse(read_whole(golden_folder() / "classic" / "verdicts.json"));
  ASSERT_EQ(golden.size(), 4U);
  int right = 0;
  for (const Json& expected : golden) {
    const auto task = official(expected["task"].get<std::string>(), std::nullopt);
    const Sample sample = test::samples_of(*task, 1)[0];
    for (const Json& text : expected["texts"]) {
      const Scored scored = test::score_text(*task, sample, text["text"].get<std::string>());
      SCOPED_TRACE(expected["task"].get<std::string>() + ": " + text["text"].get<std::string>());
      for (const auto& [filter, score] : text["scores"].items()) {
        EXPECT_EQ(scored.scores.at("exact_match," + filter), score) << filter;
        right += score == 1.0 ? 1 : 0;
      }
      EXPECT_EQ(scored.answer, text["answers"]["strict-match"]);
    }
  }
  EXPECT_GT(right, 40);
}

// 660 questions, four models: the verdicts published with their solutions. These end in "A: NUMBER".
TEST_F(Classic, PublishedVerdictsOfGsm8k) {
  const TemporaryFolder folder;
  const auto task = test::load(
      folder.write(
          "solutions.yaml",
          "task: solutions\ndataset_path: json\ntest_split: test\noutput_type: generate_until\n"
          "dataset_kwargs: {data_files: {test: 'data-dir:gsm8k/example_model_solutions.even.jsonl'}}\n"
          "doc_to_text: question\ndoc_to_target: ground_truth\n"
          "metric_list: [{metric: exact_match, regexes_to_ignore: [',', '(?s).*A:']}]\n"),
      {.data_dir = kAnswers});
  const std::vector<Json> rows = rows_of(kAnswers / "gsm8k" / "example_model_solutions.even.jsonl.gz");
  const std::vector<Sample> samples = test::samples_of(*task);
  ASSERT_EQ(samples.size(), rows.size());
  int agreed = 0;
  int correct = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (const char* model : {"6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"}) {
      const Json& answer = rows[i].at(model);
      const bool verdict = answer.at("is_correct").get<bool>();
      const Scored scored = test::score_text(*task, samples[i], answer.at("solution").get<std::string>());
      agreed += (scored.scores.at("exact_match") == 1.0) == verdict ? 1 : 0;
      correct += verdict ? 1 : 0;
    }
  }
  EXPECT_EQ(agreed, 2640);
  EXPECT_GT(correct, 500) << "both verdicts occur";
}

// Letters that a model wrote, by subject: targets as published, and accuracy as counted.
TEST_F(Classic, PublishedAnswersOfMmlu) {
  std::map<std::string, std::vector<Json>> by_subject;
  for (Json& row : rows_of(kAnswers / "mmlu" / "llama2-7b-fedllm_predictions.jsonl.gz")) {
    if (row["run"] == "checkpoint-0") by_subject[row["subject"].get<std::string>()].push_back(std::move(row));
  }
  ASSERT_GE(by_subject.size(), 20U);
  int invalid = 0;
  for (const auto& [subject, rows] : by_subject) {
    SCOPED_TRACE(subject);
    const auto task = official("mmlu_" + subject + "_generative", 5);
    const std::vector<Sample> samples = test::samples_of(*task);
    std::vector<Scored> scored;
    int right = 0;
    for (const Json& row : rows) {
      const Sample& sample = samples.at(row["row"].get<size_t>());
      const auto answer = row["prediction"].get<std::string>();
      ASSERT_EQ(sample.target, row["gold"]);
      right += row["gold"] == answer ? 1 : 0;
      invalid += answer.size() > 1 ? 1 : 0;
      scored.push_back(test::score_text(*task, sample, answer));
    }
    EXPECT_DOUBLE_EQ(test::aggregate(*task, "exact_match", scored),
                     static_cast<double>(right) / static_cast<double>(rows.size()));
  }
  EXPECT_GT(invalid, 0) << "rows that hold no letter occur, and are wrong";
}

// Prompts as another program sent them. It wrote two spaces before the subject.
TEST_F(Classic, PublishedPromptsOfMmlu) {
  const std::vector<Json> rows = rows_of(kAnswers / "mmlu" / "prompt_samples.jsonl");
  ASSERT_EQ(rows.size(), 9U);
  for (const Json& row : rows) {
    const auto task = official("mmlu_" + row["subject"].get<std::string>(), 5);
    const Sample sample = test::samples_of(*task).at(row["row"].get<size_t>());
    std::string text = sample.prompt.system + sample.prompt.user + " " + row["prediction"].get<std::string>();
    text.insert(text.find("about ") + 6, " ");
    EXPECT_EQ(text, row["full_text"]);
  }
}

TEST_F(Classic, MtBenchAsksEveryQuestionTwice) {
  const std::vector<Sample> samples = test::samples_of(*official("mt_bench", std::nullopt));
  ASSERT_EQ(samples.size(), 80U);
  for (const Sample& sample : samples) {
    EXPECT_EQ(sample.asks.size(), 2U);
    EXPECT_EQ(sample.later_turns.size(), 1U);
    EXPECT_FALSE(sample.slices.at("category").empty());
  }
  EXPECT_EQ(samples[0].later_turns[0],
            "Rewrite your previous response. Start every sentence with the letter A.");
}

// Answers that code-davinci-002 wrote, and the published accuracy of each task. The publication takes a full
// stop away where there is one; the harness's pattern takes the last character, which differs for the three
// answers of dyck_languages with a chain of thought that were cut off before their full stop.
TEST_F(Classic, PublishedAccuraciesOfBbh) {
  const std::filesystem::path file = kAnswers / "bbh" / "code-davinci-002.jsonl.gz";
  std::map<std::string, std::vector<Json>> by_task;
  for (Json& row : rows_of(file)) {
    const std::string key = row["task"].get<std::string>() + "/" + row["kind"].get<std::string>();
    by_task[key].push_back(std::move(row));
  }
  ASSERT_EQ(by_task.size(), 28U);
  const Json published = Json::parse(read_whole(kAnswers / "bbh" / "code-davinci-002_accuracy.json"));
  for (const auto& [key, rows] : by_task) {
    SCOPED_TRACE(key);
    const bool chain = key.ends_with("/cot");
    const auto task =
        official((chain ? "bbh_cot_fewshot_" : "bbh_fewshot_") + key.substr(0, key.find('/')), std::nullopt);
    const std::vector<Sample> samples = test::samples_of(*task);
    std::vector<Scored> scored;
    std::vector<Scored> with_full_stop;
    for (const Json& row : rows) {
      const Sample& sample = samples.at(row["i"].get<size_t>());
      ASSERT_EQ(sample.target, row["target"]);
      const auto prediction = row["prediction"].get<std::string>();
      scored.push_back(test::score_text(*task, sample, prediction));
      with_full_stop.push_back(test::score_text(
          *task, sample, chain && !prediction.ends_with('.') ? prediction + "." : prediction));
    }
    const auto accuracy = published[key].get<double>();
    const double by_the_harness = key == "dyck_languages/cot" ? 55.6 : accuracy;
    EXPECT_NEAR(100.0 * test::aggregate(*task, "exact_match", scored), by_the_harness, 1e-9);
    EXPECT_NEAR(100.0 * test::aggregate(*task, "exact_match", with_full_stop), accuracy, 1e-9);
  }
}

}  // namespace
}  // namespace sizeup
