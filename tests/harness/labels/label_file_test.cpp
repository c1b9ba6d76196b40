#include "harness/labels/label_file.h"

#include <gmock/gmock.h>

#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

TEST(LabelFile, ReadsTextsAndScoresFromCsv) {
  const TemporaryFolder folder;
  const LabelFile file = read_label_file(folder.write("labels.csv",
                                                      "task,document_id,model,annotator,label,score\r\n"
                                                      "tickets,12,,ann,billing,\r\n"
                                                      "tickets,13,small,ann,,0.5\r\n"))
                             .value();
  ASSERT_EQ(file.labels.size(), 2U);
  EXPECT_TRUE(file.refused.empty());
  EXPECT_EQ(file.labels[0].document_id, "12");
  EXPECT_EQ(file.labels[0].label, "billing");
  EXPECT_FALSE(file.labels[0].score.has_value());
  EXPECT_EQ(file.labels[1].model, "small");
  EXPECT_EQ(file.labels[1].score, 0.5);
}

TEST(LabelFile, ReadsNumbersAndTruthValuesFromJsonLines) {
  const TemporaryFolder folder;
  const LabelFile file =
      read_label_file(folder.write("labels.jsonl",
                                   "{\"task\": \"t\", \"document_id\": 7, \"score\": true}\n"
                                   "{\"task\": \"t\", \"document_id\": 8, \"label\": 3, \"score\": null}\n"))
          .value();
  ASSERT_EQ(file.labels.size(), 2U);
  EXPECT_EQ(file.labels[0].document_id, "7");
  EXPECT_EQ(file.labels[0].score, 1.0);
  EXPECT_EQ(file.labels[1].label, "3");
}

TEST(LabelFile, NamesBadRowsWithTheirLinesAndKeepsTheOthers) {
  const TemporaryFolder folder;
  const LabelFile file = read_label_file(folder.write("labels.csv",
                                                      "task,document_id,label,score\n"
                                                      "t,1,yes,\n"
                                                      ",2,yes,\n"
                                                      "t,,yes,\n"
                                                      "t,3,,\n"
                                                      "t,4,yes,1\n"
                                                      "t,5,,1.5\n"
                                                      "t,6,,nan\n"
                                                      "t,1,no,\n"
                                                      "t,7\n"
                                                      "t,8,yes,\n"))
                             .value();
  EXPECT_EQ(file.labels.size(), 2U);
  std::string refused;
  for (const Error& error : file.refused) refused += describe(error) + "\n";
  EXPECT_THAT(refused, HasSubstr("labels.csv:3: names no task"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:4: names no document"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:5: says nothing of the document"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:6: has a label and a score"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:7: the score is '1.5'"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:8: the score is 'nan'"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:9: says the same as"));
  EXPECT_THAT(refused, HasSubstr("labels.csv:10:")) << "a row with too few cells";
}

}  // namespace
}  // namespace sizeup
