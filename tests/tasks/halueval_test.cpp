// HaluEval against its own evaluation (tests/oracles/halueval_golden.py): prompts and judgements.
#include "core/io/sha256.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

Json expected() {
  return Json::parse(read_whole(golden_folder() / "halueval" / "qa.json"));
}

// The built-in task over a file in the place of the official one.
std::unique_ptr<Task> halueval(const std::string& rows) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "halueval");
  folder.write("halueval/qa_data.json", rows);
  TaskOptions options;
  options.data_dir = folder.path();
  return test::load(source_path("tasks/definitions/halueval_qa.yaml"), options);
}

std::unique_ptr<Task> one_question() {
  return halueval(
      R"({"knowledge": "k", "question": "Who?", "right_answer": "Ada", "hallucinated_answer": "Bob"})");
}

TEST(HaluEval, PromptsAreThoseOfItsOwnEvaluation) {
  const auto file = shared_folder() / "datasets/halueval/qa_one-turn_data.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "there is no " << file;
  const auto task = halueval(read_whole(file));
  const std::vector<Sample> samples = test::samples_of(*task);
  EXPECT_EQ(samples.size(), 1000u);
  const Json prompts = expected()["prompts"];
  const size_t questions = prompts["right_answer"].size();
  ASSERT_GT(questions, 20u);
  for (size_t i = 0; i < questions; ++i) {
    EXPECT_EQ(sha256_hex(samples[2 * i].prompt.user), prompts["right_answer"][i]) << i;
    EXPECT_EQ(sha256_hex(samples[2 * i + 1].prompt.user), prompts["hallucinated_answer"][i]) << i;
    EXPECT_EQ(samples[2 * i].target, "No");
    EXPECT_EQ(samples[2 * i + 1].target, "Yes");
  }
}

TEST(HaluEval, RepliesAreJudgedAsByItsOwnEvaluation) {
  const auto task = one_question();
  const std::vector<Sample> samples = test::samples_of(*task);
  const Json judgements = expected()["judgements"];
  ASSERT_GT(judgements.size(), 20u);
  for (const Json& row : judgements) {
    const auto& reply = row[0].get_ref<const std::string&>();
    const auto& judgement = row[1].get_ref<const std::string&>();
    for (const Sample& sample : samples) {
      const Scored scored = test::score_text(*task, sample, reply);
      EXPECT_EQ(scored.invalid, judgement == "failed!") << reply;
      EXPECT_EQ(scored.scores.at("exact_match"), judgement == sample.target ? 1.0 : 0.0) << reply;
    }
  }
}

// What the coin of the original hides: a model that says the same to all knows nothing.
TEST(HaluEval, AlwaysTheSameIsRightForHalfAndKnowsNothing) {
  const auto task = one_question();
  std::vector<Scored> scored;
  for (const Sample& sample : test::samples_of(*task))
    scored.push_back(test::score_text(*task, sample, "Yes"));
  EXPECT_EQ(test::aggregate(*task, "exact_match", scored), 0.5);
  EXPECT_EQ(test::aggregate(*task, "recall:Yes", scored), 1.0);
  EXPECT_EQ(test::aggregate(*task, "recall:No", scored), 0.0);
  EXPECT_EQ(test::aggregate(*task, "mcc", scored), 0.0);
}

}  // namespace
}  // namespace sizeup
