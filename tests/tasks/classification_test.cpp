// Label metrics against scikit-learn (golden: tests/oracles/tasks_classification.py).
#include "tasks/metrics/classification.h"

#include <cmath>

#include "tasks/metrics/multilabel.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using test::scored;
using test::task_with;

std::vector<Scored> labelled(const Json& gold, const Json& predicted) {
  std::vector<Scored> out(gold.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].details["gold"] = gold[i];
    out[i].details["predicted"] = predicted[i];
  }
  return out;
}

DetailTable table_of(const std::vector<Scored>& scored) {
  std::vector<const Scored*> samples;
  for (const Scored& one : scored) samples.push_back(&one);
  return DetailTable(samples, "", std::vector<std::string>{"gold", "predicted"});
}

TEST(Classification, EqualsScikitLearn) {
  for (const Json& expected : test::golden("classification.json")) {
    SCOPED_TRACE(expected["name"]);
    const std::vector<Scored> scored = labelled(expected["gold"], expected["predicted"]);
    const DetailTable table = table_of(scored);
    const ScoredSet set(table, table.counts());
    EXPECT_NEAR(aggregate_macro_f1(set), expected["macro_f1"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_micro_f1(set), expected["micro_f1"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_weighted_f1(set), expected["weighted_f1"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_macro_precision(set), expected["macro_precision"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_macro_recall(set), expected["macro_recall"].get<double>(), 1e-14);
    EXPECT_NEAR(aggregate_mcc(set), expected["mcc"].get<double>(), 1e-14);
    for (const Json& one : expected["classes"]) {
      const std::string label = one["label"];
      const ScoredSet of_class(table, table.counts(), label);
      EXPECT_NEAR(aggregate_class_precision(of_class), one["precision"].get<double>(), 1e-14);
      EXPECT_NEAR(aggregate_class_f1(of_class), one["f1"].get<double>(), 1e-14);
      if (one["support"] == 0) {
        EXPECT_TRUE(std::isnan(aggregate_class_recall(of_class)));
        EXPECT_TRUE(std::isnan(aggregate_false_negative_rate(of_class)));
      } else {
        EXPECT_NEAR(aggregate_class_recall(of_class), one["recall"].get<double>(), 1e-14);
        EXPECT_NEAR(aggregate_false_negative_rate(of_class), 1.0 - one["recall"].get<double>(), 1e-14);
      }
    }
  }
}

TEST(Classification, CountsPerClass) {
  const std::vector<Scored> scored = labelled({"a", "a", "a", "b"}, {"a", "b", "[invalid]", "b"});
  const DetailTable table = table_of(scored);
  const ConfusionMatrix matrix = confusion_matrix(ScoredSet(table, table.counts()));
  EXPECT_EQ(matrix.at("a").at("[invalid]"), 1);
  const auto classes = class_numbers(matrix);
  EXPECT_EQ(classes.size(), 2U);
  EXPECT_DOUBLE_EQ(classes.at("a").precision, 1.0);
  EXPECT_DOUBLE_EQ(classes.at("a").recall, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(classes.at("b").precision, 0.5);
  EXPECT_EQ(classes.at("a").support, 3);
}

TEST(Classification, NothingGivesNoNumber) {
  const DetailTable table = table_of({});
  const ScoredSet set(table, table.counts());
  EXPECT_TRUE(std::isnan(aggregate_macro_f1(set)));
  EXPECT_TRUE(std::isnan(aggregate_micro_f1(set)));
  EXPECT_TRUE(std::isnan(aggregate_mcc(set)));
}

TEST(Classification, WrittenAnswersAreLabelsOrInvalid) {
  const auto task = task_with("{metric: macro_f1}, {metric: invalid_rate}", Json::array({"Billing", "sales"}),
                              "labels: [Billing, sales]\n");
  const std::vector<Scored> answers = scored(*task, Json::array({" billing\n", "sales department"}));
  EXPECT_EQ(answers[0].details.at("predicted"), "Billing");
  EXPECT_FALSE(answers[0].invalid);
  EXPECT_TRUE(answers[1].invalid);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "invalid_rate", answers), 0.5);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "macro_f1", answers), 0.5);
}

TEST(Classification, ClassesAndCostsAreNamedInTheTask) {
  const auto task = task_with(
      "{metric: false_negative_rate, class: fraud}, {metric: precision, class: [fraud, fine]}, "
      "{metric: cost_of_miss}",
      Json::array({"fraud", "fraud", "fine", "odd", "fine"}),
      "labels: [{name: fraud, cost_of_miss: 500}, fine, {name: odd, cost_of_miss: 20}]\n");
  const std::vector<Scored> answers = scored(*task, Json::array({"fraud", "fine", "fraud", "what?", "fine"}));
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "false_negative_rate:fraud", answers), 0.5);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "precision:fraud", answers), 0.5);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "precision:fine", answers), 0.5);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "cost_of_miss", answers), (500.0 + 20.0) / 5.0);
  EXPECT_EQ(answers[2].scores.at("cost_of_miss"), 0.0);  // a false alarm is no miss of 'fraud'
  EXPECT_FALSE(task->metrics()[0].higher_is_better);
}

TEST(Classification, SharesOfAClassCountItsSamples) {
  const auto task = task_with(
      "{metric: recall, class: fraud}, {metric: false_negative_rate, class: fraud}, "
      "{metric: precision, class: fraud}, {metric: macro_f1}",
      Json::array({"fraud", "fraud", "fraud", "fine", "fine"}), "labels: [fraud, fine]\n");
  const std::vector<Scored> answers =
      scored(*task, Json::array({"fraud", "fraud", "what?", "fraud", "fine"}));
  std::vector<const Scored*> all;
  for (const Scored& one : answers) all.push_back(&one);
  const auto expect = [&](const char* metric, int64_t hits, int64_t of) {
    const SetMetric set = task->set_metric(metric, all);
    ASSERT_TRUE(set.share.has_value()) << metric;
    EXPECT_EQ(set.share->hits, hits) << metric;
    EXPECT_EQ(set.share->of, of) << metric;
    EXPECT_DOUBLE_EQ(set.value(set.counts), static_cast<double>(hits) / static_cast<double>(of)) << metric;
  };
  expect("recall:fraud", 2, 3);
  expect("false_negative_rate:fraud", 1, 3);
  expect("precision:fraud", 2, 3);
  EXPECT_FALSE(task->set_metric("macro_f1", all).share.has_value());
}

// Without the key `labels` targets are not held against them: an empty list is no right label.
TEST(Classification, DocumentsWithoutALabelSayNothing) {
  const auto task = task_with("{metric: macro_f1}", Json::array({Json::array()}), "doc_to_choice: [a, b]\n");
  EXPECT_TRUE(std::isnan(test::aggregate(*task, "macro_f1", scored(*task, Json::array({"a"})))));
}

// lm-evaluation-harness's f1 is scikit-learn's of label 1.
TEST(Classification, F1OfTwoLabelsIsOfTheSecond) {
  const auto task = task_with("{metric: f1, aggregation: f1, higher_is_better: true}",
                              Json::array({"no", "yes", "yes", "yes"}), "labels: [no, yes]\n");
  const std::vector<Scored> answers = scored(*task, Json::array({"no", "yes", "no", "no"}));
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "f1", answers), 0.5);
}

TEST(LabelSets, EqualScikitLearn) {
  for (const Json file = test::golden("metrics.json"); const Json& expected : file.at("label_sets")) {
    const auto task = task_with(
        "{metric: multilabel_exact}, {metric: multilabel_f1}, {metric: multilabel_jaccard}, "
        "{metric: multilabel_hamming}, {metric: multilabel_micro_f1}, {metric: multilabel_macro_f1}",
        expected["gold"], "labels: " + to_line(expected["labels"]) + "\n");
    Json answers = Json::array();
    for (const Json& row : expected["predicted"]) {
      std::string answer;  // a list in JSON and a written one in turn
      for (const Json& label : row) answer += (answer.empty() ? "" : ", ") + label.get<std::string>();
      answers.push_back(answers.size() % 2 == 0 ? to_line(row) : answer);
    }
    const std::vector<Scored> all = scored(*task, answers);
    for (const char* name : {"exact", "f1", "jaccard", "hamming", "micro_f1", "macro_f1"}) {
      const double value = test::aggregate(*task, std::string("multilabel_") + name, all);
      if (expected[name].is_null()) {
        EXPECT_TRUE(std::isnan(value)) << name;
      } else {
        EXPECT_NEAR(value, expected[name].get<double>(), 1e-12) << name;
      }
    }
  }
}

TEST(LabelSets, AreReadAsPeopleAndModelsWriteThem) {
  const std::vector<std::string> labels = {"Billing", "Returns, refunds", "Sales"};
  const auto read = [&](const std::string& text) {
    const LabelSet set = read_label_set(text, labels);
    std::vector<std::string> names(set.labels.begin(), set.labels.end());
    if (set.has_unknown) names.emplace_back("?");
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(read("billing; SALES"), (Names{"Billing", "Sales"}));
  EXPECT_EQ(read("returns, refunds, sales"), (Names{"Returns, refunds", "Sales"}));
  EXPECT_EQ(read("Returns, refunds"), (Names{"Returns, refunds"}));
  EXPECT_EQ(read("- Billing\n- Sales\n"), (Names{"Billing", "Sales"}));
  EXPECT_EQ(read("[\"sales\", \"Returns, refunds\"]"), (Names{"Returns, refunds", "Sales"}));
  EXPECT_EQ(read("[\"sales\", 3]"), (Names{"Sales", "?"}));
  EXPECT_EQ(read("\"billing, sales\""), (Names{"Billing", "Sales"}));
  EXPECT_EQ(read("Sales, sales"), (Names{"Sales"}));
  EXPECT_EQ(read("Sales and more"), (Names{"?"}));
  EXPECT_EQ(read(" None "), Names{});
  EXPECT_EQ(read("[]"), Names{});
  EXPECT_EQ(read(""), Names{});
}

// Something that is no label counts as one predicted label, and its sample as invalid.
TEST(LabelSets, UnknownNamesCountAgainstTheAnswer) {
  const auto task = task_with(
      "{metric: multilabel_f1}, {metric: multilabel_jaccard}, {metric: multilabel_hamming}, "
      "{metric: multilabel_micro_f1}, {metric: multilabel_macro_f1}",
      Json::array({Json::array({"a", "b"})}), "labels: [a, b, c, d]\n");
  const std::vector<Scored> answers = scored(*task, Json::array({"a, b, x, y"}));
  EXPECT_TRUE(answers[0].invalid);
  EXPECT_DOUBLE_EQ(answers[0].scores.at("multilabel_f1"), 0.8);
  EXPECT_DOUBLE_EQ(answers[0].scores.at("multilabel_jaccard"), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(answers[0].scores.at("multilabel_hamming"), 0.25);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "multilabel_micro_f1", answers), 0.8);
  EXPECT_DOUBLE_EQ(test::aggregate(*task, "multilabel_macro_f1", answers), 1.0);
}

TEST(LabelSets, HostileAnswersAreScored) {
  const auto task =
      task_with("{metric: multilabel_f1}", Json::array({Json::array({"a"})}), "labels: [a, 'b, c', d]\n");
  const Sample sample = test::samples_of(*task).front();
  for (const std::string& text :
       {std::string(1 << 20, ','), std::string(1 << 20, '['), std::string(1 << 20, '\0'),
        std::string(1 << 20, '\xFF'), "[" + std::string(1 << 20, '"')}) {
    EXPECT_EQ(test::score_text(*task, sample, text).scores.at("multilabel_f1"), 0.0);
  }
}

}  // namespace
}  // namespace sizeup
