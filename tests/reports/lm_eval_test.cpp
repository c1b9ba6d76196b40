// Results and samples in lm-evaluation-harness's form.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "core/json/json.h"
#include "harness/store/read.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

std::filesystem::path find_file(const std::filesystem::path& folder, const std::string& start) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(start)) return entry.path();
  }
  throw std::runtime_error("no file " + start);
}

class LmEvalForm : public testing::Test {
 protected:
  TemporaryFolder folder;
  Store store = make_invented_run(folder.path() / "run.db", {});
  EvaluationRow evaluation = read_evaluations(store, find_run(store, "latest").value().id).value().at(0);
  std::string task = evaluation.task.name;
  std::filesystem::path out = folder.path() / "out";
};

TEST_F(LmEvalForm, ResultsCarryTheHarnesssNamesAndStandardErrors) {
  ASSERT_TRUE(write_lm_eval(store, "", true, out));
  const Json all = Json::parse(read_whole(find_file(out / evaluation.model.name, "results_")));
  const std::string metric = evaluation.task.metrics.at(0).name;
  const Json& result = all["results"][task];
  double sum = 0.0;
  double n = 0.0;
  const std::vector<AnswerRow> answers = read_answers(store, evaluation.id).value();
  for (const AnswerRow& answer : answers) {
    if (!answer.scores.contains(metric)) continue;
    sum += answer.scores.at(metric);
    n += 1.0;
  }
  const double mean = sum / n;
  EXPECT_NEAR(result[metric + ",none"].get<double>(), mean, 1e-12);
  // Scores are 0 or 1: their variance follows from the mean.
  EXPECT_NEAR(result[metric + "_stderr,none"].get<double>(), std::sqrt(mean * (1 - mean) / (n - 1)), 1e-12);
  EXPECT_EQ(all["n-samples"][task]["effective"], count_answers(store, evaluation.id)->answered);
  EXPECT_EQ(all["higher_is_better"][task][metric], true);
}

TEST_F(LmEvalForm, GroupsStandAmongTheResults) {
  GroupRow group;
  group.model = evaluation.model;
  group.name = "all";
  group.result = {"acc", "", "", 0.25, {}, {}, 4};
  group.standard_error = 0.125;
  GroupRow other = group;
  other.name = "unknown";
  other.standard_error.reset();
  ASSERT_TRUE(store.store_groups(evaluation.run_id, std::vector<GroupRow>{group, other}));
  ASSERT_TRUE(write_lm_eval(store, "", false, out));
  const Json all = Json::parse(read_whole(find_file(out / evaluation.model.name, "results_")));
  EXPECT_EQ(all["results"]["all"]["acc,none"], 0.25);
  EXPECT_EQ(all["results"]["all"]["acc_stderr,none"], 0.125);
  EXPECT_EQ(all["groups"]["all"], all["results"]["all"]);
  EXPECT_EQ(all["groups"]["unknown"]["acc_stderr,none"], "N/A");
}

TEST_F(LmEvalForm, ALineForEachSample) {
  ASSERT_TRUE(write_lm_eval(store, "", true, out));
  std::istringstream lines(read_whole(find_file(out / evaluation.model.name, "samples_" + task)));
  const std::vector<SampleRow> samples = read_samples(store, evaluation.id).value();
  std::string line;
  size_t count = 0;
  while (std::getline(lines, line)) {
    const Json sample = Json::parse(line);
    ++count;
    for (const char* key : {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter",
                            "metrics", "doc_hash", "prompt_hash", "target_hash"}) {
      ASSERT_TRUE(sample.contains(key)) << key;
    }
    EXPECT_EQ(sample["resps"].size(), sample["arguments"].size());
    ASSERT_FALSE(sample["metrics"].empty());
    EXPECT_TRUE(sample.contains(sample["metrics"][0].get<std::string>()));
  }
  EXPECT_EQ(count, samples.size() - static_cast<size_t>(count_answers(store, evaluation.id)->failed));
}

TEST_F(LmEvalForm, WithoutSamplesThereAreNoTexts) {
  ASSERT_TRUE(write_lm_eval(store, "", false, out));
  EXPECT_THROW(find_file(out, "samples_"), std::runtime_error);
  EXPECT_NO_THROW(find_file(out, "results_"));
}

}  // namespace
}  // namespace sizeup
