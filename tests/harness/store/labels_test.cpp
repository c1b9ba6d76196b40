#include "harness/store/labels.h"

#include <gmock/gmock.h>

#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LabelsTest : public StoreFixture {
 protected:
  // Two models, the small one's answers to ten documents: scores as the test says, answers "A" or "B".
  void answer(const std::vector<double>& scores) {
    Store store = open();
    ExamplePlan example;
    example.samples.clear();
    for (size_t i = 0; i < scores.size(); ++i) {
      SampleRow sample;
      sample.document_id = "doc-" + std::to_string(i);
      sample.document_hash = "hash-" + std::to_string(i);
      example.samples.push_back(sample);
    }
    example.plan.run.name = "r";
    for (auto& samples : example.plan.samples) samples = example.samples;
    const Store::Planned planned = store.create_run(example.plan).value();
    StoreWriter writer(store, {});
    for (size_t i = 0; i < scores.size(); ++i) {
      AnswerRow row;
      row.evaluation_id = planned.evaluation_ids[0];
      row.sample_id = planned.sample_ids[0][i];
      row.answer = i % 2 == 0 ? "A" : "B";
      row.scores = {{"acc", scores[i]}};
      ASSERT_TRUE(writer.write(row));
    }
  }

  LabelReport label(const std::vector<LabelRow>& rows) {
    Store store = open();
    return store_labels(store, rows).value();
  }

  static LabelRow scored(int document, double score, const std::string& annotator = "ann") {
    return {"l:1", "letters", "doc-" + std::to_string(document), "", "", annotator, {}, score};
  }
};

// sklearn.metrics.cohen_kappa_score([1,1,0,0,1,0,1,1,0,1], [1,0,0,0,1,1,1,1,0,1]) = 0.5833333333333333, and
// they agree in 8 of 10.
TEST_F(LabelsTest, AgreementAndKappa) {
  answer({1, 1, 0, 0, 1, 0, 1, 1, 0, 1});
  const std::vector<double> human = {1, 0, 0, 0, 1, 1, 1, 1, 0, 1};
  std::vector<LabelRow> rows;
  for (size_t i = 0; i < human.size(); ++i) rows.push_back(scored(static_cast<int>(i), human[i]));
  EXPECT_EQ(label(rows).imported, 10);
  EXPECT_THAT(
      query("SELECT run, model, annotator, metric, n, agreement, round(kappa, 12), score, human_score "
            "FROM label_agreement"),
      ElementsAre("r|small|ann|acc|10|0.8|0.583333333333|0.6|0.6"));
}

TEST_F(LabelsTest, ATextIsRightWhereTheAnswerIsTheSame) {
  answer({1, 1, 0});
  label({{"l:1", "letters", "doc-0", "", "", "ann", "A", {}},
         {"l:2", "letters", "doc-1", "", "", "ann", "A", {}},
         {"l:3", "letters", "doc-2", "", "", "ann", "B", {}}});
  EXPECT_THAT(query("SELECT document_id, human_score, score FROM labelled ORDER BY document_id"),
              ElementsAre("doc-0|1.0|1.0", "doc-1|0.0|1.0", "doc-2|0.0|0.0"));
  execute("UPDATE answer SET edited = 1");
  EXPECT_TRUE(query("SELECT * FROM label_agreement").empty()) << "an answer that was left out equals nothing";
}

TEST_F(LabelsTest, AnAnnotatorIsOneVoiceEach) {
  answer({1, 0});
  label({scored(0, 1.0), scored(1, 1.0), scored(0, 0.0, "bob")});
  EXPECT_THAT(query("SELECT annotator, n, agreement, kappa FROM label_agreement"),
              ElementsAre("ann|2|0.5|0.0", "bob|1|0.0|0.0"));
  const LabelReport again = label({scored(1, 0.0)});
  EXPECT_EQ(again.replaced, 1);
  EXPECT_THAT(query("SELECT agreement, kappa FROM label_agreement WHERE annotator = 'ann'"),
              ElementsAre("1.0|1.0"));
}

TEST_F(LabelsTest, ALabelOfOneModelOrRunIsForThatOne) {
  answer({1});
  LabelRow large = scored(0, 1.0);
  large.model = "large";
  LabelRow here = scored(0, 1.0);
  here.run = "r";
  EXPECT_EQ(label({large, here}).imported, 2);
  EXPECT_THAT(query("SELECT model, run FROM labelled"), ElementsAre("small|r")) << "large has no answer";
}

TEST_F(LabelsTest, RefusesWhatTheStoreDoesNotHave) {
  answer({1});
  LabelRow task = scored(0, 1.0);
  task.task = "numbers";
  LabelRow model = scored(0, 1.0);
  model.model = "medium";
  LabelRow run = scored(0, 1.0);
  run.run = "s";
  const LabelReport report = label({task, scored(5, 1.0), model, run, scored(0, 1.0)});
  EXPECT_EQ(report.imported, 1);
  ASSERT_EQ(report.refused.size(), 4U);
  EXPECT_THAT(describe(report.refused[0]), HasSubstr("l:1: the store has no task 'numbers'"));
  EXPECT_THAT(describe(report.refused[1]), HasSubstr("no document 'doc-5' of task 'letters'"));
  EXPECT_THAT(describe(report.refused[2]), HasSubstr("no model 'medium'"));
  EXPECT_THAT(describe(report.refused[3]), HasSubstr("no run 's'"));
}

}  // namespace
}  // namespace sizeup
