// Label metrics against scikit-learn (golden: tests/oracles/tasks_classification.py).
#include "tasks/metrics/classification.h"

#include <cmath>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

std::vector<Scored> labelled(const Json& gold, const Json& predicted) {
  std::vector<Scored> out(gold.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].details["gold"] = gold[i];
    out[i].details["predicted"] = predicted[i];
  }
  return out;
}

std::vector<const Scored*> pointers(const std::vector<Scored>& scored) {
  std::vector<const Scored*> out;
  for (const Scored& one : scored) out.push_back(&one);
  return out;
}

TEST(Classification, EqualsScikitLearn) {
  for (const Json& expected : test::golden("classification.json")) {
    SCOPED_TRACE(expected["name"]);
    const std::vector<Scored> scored = labelled(expected["gold"], expected["predicted"]);
    const std::vector<const Scored*> samples = pointers(scored);
    const ScoredSet set(samples, "");
    EXPECT_NEAR(aggregate_macro_f1(set), expected["macro_f1"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_micro_f1(set), expected["micro_f1"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_weighted_f1(set), expected["weighted_f1"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_macro_precision(set), expected["macro_precision"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_macro_recall(set), expected["macro_recall"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_mcc(set), expected["mcc"].get<double>(), 1e-14);
  }
}

TEST(Classification, CountsPerClass) {
  const std::vector<Scored> scored = labelled({"a", "a", "a", "b"}, {"a", "b", "[invalid]", "b"});
  const std::vector<const Scored*> samples = pointers(scored);
  const ConfusionMatrix matrix = confusion_matrix(ScoredSet(samples, ""));
  EXPECT_EQ(matrix.at("a").at("[invalid]"), 1);
  const auto classes = class_numbers(matrix);
  EXPECT_EQ(classes.size(), 2U);
  EXPECT_DOUBLE_EQ(classes.at("a").precision, 1.0);
  EXPECT_DOUBLE_EQ(classes.at("a").recall, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(classes.at("b").precision, 0.5);
  EXPECT_EQ(classes.at("a").support, 3);
}

TEST(Classification, NothingGivesNoNumber) {
  const ScoredSet set({}, "");
  EXPECT_TRUE(std::isnan(aggregate_macro_f1(set)));
  EXPECT_TRUE(std::isnan(aggregate_micro_f1(set)));
  EXPECT_TRUE(std::isnan(aggregate_mcc(set)));
}

TEST(Classification, WrittenAnswersAreLabelsOrInvalid) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", "{\"t\": \"x\", \"l\": \"Billing\"}\n{\"t\": \"y\", \"l\": \"sales\"}\n");
  const auto task = test::load(folder.write(
      "t.yaml",
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n"
      "output_type: generate_until\ndoc_to_text: t\ndoc_to_target: l\nlabels: [Billing, sales]\n"
      "metric_list: [{metric: macro_f1}, {metric: invalid_rate}]\n"));
  const std::vector<Sample> samples = test::samples_of(*task);
  const std::vector<Scored> scored = {test::score_text(*task, samples[0], " billing\n"),
                                      test::score_text(*task, samples[1], "sales department")};
  EXPECT_EQ(scored[0].details.at("predicted"), "Billing");
  EXPECT_FALSE(scored[0].invalid);
  EXPECT_TRUE(scored[1].invalid);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "invalid_rate", scored), 0.5);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "macro_f1", scored), 0.5);
}

}  // namespace
}  // namespace sizeup
