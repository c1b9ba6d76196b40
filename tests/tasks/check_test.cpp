// What `sizeup tasks check` finds in data that has one thing wrong with it.
#include "tasks/check/check.h"

#include "tasks/own_data/own_data.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TaskCheckTest : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::vector<Sample> samples;  // of the last check

  std::function<void(const Sample&)> keep() {
    samples.clear();
    return [this](const Sample& sample) { samples.push_back(sample); };
  }
  TaskCheck check(const std::string& rows, const std::string& training = {}) {
    OwnData data;
    data.file = folder.write("rows.jsonl", rows);
    Result<TaskGuess> guess = guess_task(data);
    if (!guess) throw std::runtime_error(describe(guess.error()));
    Result<SelectedTask> task = task_of(*guess, data.file);
    if (!task) throw std::runtime_error(describe(task.error()));
    Result<TaskCheck> checked =
        check_task(*task, {}, training.empty() ? "" : folder.write("training.jsonl", training), keep());
    if (!checked) throw std::runtime_error(describe(checked.error()));
    return std::move(*checked);
  }
  TaskCheck check_file(const std::string& yaml) {
    Result<TaskCheck> checked =
        check_task({folder.write("task.yaml", yaml).string(), std::nullopt}, {}, "", keep());
    if (!checked) throw std::runtime_error(describe(checked.error()));
    return std::move(*checked);
  }
};

const Finding* find(const TaskCheck& check, const std::string& subject) {
  for (const Finding& finding : check.findings) {
    if (finding.subject == subject) return &finding;
  }
  return nullptr;
}

std::string row(const std::string& text, const std::string& label) {
  return to_line(Json{{"text", text}, {"label", label}}) + "\n";
}

// Enough rows of two labels that nothing is odd about them.
std::string clean_rows() {
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    rows += row("The parcel number " + std::to_string(i) + " is late", "ship");
    rows += row("Invoice number " + std::to_string(i) + " is too high", "bill");
  }
  return rows;
}

TEST_F(TaskCheckTest, CleanRowsGiveNoFinding) {
  const TaskCheck clean = check(clean_rows(), row("The parcel of somebody else is late", "ship"));
  EXPECT_THAT(clean.findings, IsEmpty()) << clean.findings.front().message;
  EXPECT_EQ(clean.rows, 40u);
  EXPECT_EQ(samples.size(), 40u);
  ASSERT_EQ(clean.labels.size(), 2u);
  EXPECT_EQ(clean.labels[0].rows, 20);
}

TEST_F(TaskCheckTest, DuplicatesAndContradictionsAreTold) {
  const TaskCheck found = check(clean_rows() + row("The parcel number 3 is late", "ship") +
                                row("the parcel  number 4 is LATE", "bill"));
  const Finding* same = find(found, "duplicates");
  ASSERT_NE(same, nullptr);
  EXPECT_EQ(same->rows, 1u);
  EXPECT_THAT(same->examples[0], AllOf(HasSubstr("document 41"), HasSubstr("document 7")));
  const Finding* contrary = find(found, "contradictions");
  ASSERT_NE(contrary, nullptr);
  EXPECT_EQ(contrary->severity, Severity::problem);
  EXPECT_EQ(found.findings.front().severity, Severity::problem) << "the gravest first";
}

TEST_F(TaskCheckTest, RareAndTwiceWrittenLabelsAreTold) {
  const TaskCheck found = check(clean_rows() + row("A thing broke", "Ship"));
  ASSERT_NE(find(found, "labels"), nullptr);
  EXPECT_THAT(find(found, "labels")->message, HasSubstr("case or white space"));
  EXPECT_THAT(found.findings.back().message, AllOf(HasSubstr("fewer than 20"), HasSubstr("Ship (1)")));
}

TEST_F(TaskCheckTest, EachLabelOfASetIsCounted) {
  const TaskCheck found =
      check("{\"text\": \"x\", \"labels\": [\"b\", \"a\"]}\n{\"text\": \"y\", \"labels\": [\"b\"]}\n");
  ASSERT_EQ(found.labels.size(), 2u);
  EXPECT_EQ(found.labels[0].label, "b");
  EXPECT_EQ(found.labels[0].rows, 2);
  EXPECT_EQ(found.labels[1].rows, 1);
}

TEST_F(TaskCheckTest, EmptyPromptsAndBrokenEncodingsAreTold) {
  std::string rows;
  for (int i = 0; i < 12; ++i) {
    rows += to_line(Json{{"prompt", "Write line " + std::to_string(i)},
                         {"completion", "word by word " + std::to_string(i)},
                         {"note", "x" + std::to_string(i)}}) +
            "\n";
  }
  rows += R"({"prompt": "", "completion": "nothing at all"})"
          "\n";
  rows += R"({"prompt": "Gr\u00c3\u00bc\u00c3\u009fe senden", "completion": "", "note": "x"})"
          "\n";
  const TaskCheck found = check(rows);
  std::vector<std::string> messages;
  for (const Finding& finding : found.findings) messages.push_back(finding.message);
  EXPECT_THAT(messages,
              testing::IsSupersetOf(
                  {testing::Matcher<std::string>(HasSubstr("1 rows give an empty prompt")),
                   testing::Matcher<std::string>(HasSubstr("1 rows have no expected answer")),
                   testing::Matcher<std::string>(HasSubstr("wrong encoding")),
                   testing::Matcher<std::string>(HasSubstr("1 of 14 rows have nothing in 'note'"))}));
}

TEST_F(TaskCheckTest, AnswersInPromptsAreLeaks) {
  std::string rows;
  for (const char* city : {"Lima", "Quito", "Bogota"})
    rows +=
        to_line(Json{{"question", std::string("Hint: ") + city + ". Which city is it?"}, {"answer", city}}) +
        "\n";
  const TaskCheck found = check(rows);
  const Finding* leak = find(found, "leakage");
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->severity, Severity::warning);
  EXPECT_EQ(leak->rows, 3u);
  // A question with its passage is answered from it.
  rows = R"({"context": "It is Lima.", "question": "Which city?", "answer": "Lima"})"
         "\n";
  EXPECT_EQ(find(check(rows), "leakage"), nullptr);
}

TEST_F(TaskCheckTest, AllChoicesInThePromptAreNoLeak) {
  // The guessed prompt lists the labels.
  EXPECT_EQ(find(check(clean_rows()), "leakage"), nullptr);
  folder.write("a.jsonl", "{\"q\": \"It is delivery.\", \"a\": \"delivery\"}\n");
  const TaskCheck found = check_file(
      "task: t\ndataset_path: a.jsonl\ntest_split: test\noutput_type: multiple_choice\n"
      "doc_to_text: '{{q}}'\ndoc_to_choice: [billing, delivery]\ndoc_to_target: a\n");
  ASSERT_NE(find(found, "leakage"), nullptr);
  EXPECT_THAT(find(found, "leakage")->message, HasSubstr("none of the other choices"));
}

TEST_F(TaskCheckTest, ControlTokensInTextsAreTold) {
  const TaskCheck found = check(clean_rows() + row("Ignore this <|im_end|> please", "ship"));
  ASSERT_NE(find(found, "special tokens"), nullptr);
  EXPECT_THAT(find(found, "special tokens")->examples[0], HasSubstr("<|im_end|>"));
}

TEST_F(TaskCheckTest, TrainingTextsAreFoundWhateverTheFieldIsCalled) {
  const std::string words = "one two three four five six seven eight nine ten eleven twelve thirteen";
  const TaskCheck found =
      check(clean_rows() + row("Before: " + words + " and after", "ship"),
            to_line(Json{{"messages", {{{"role", "user"}, {"content", "INVOICE number 7 is too high!"}}}}}) +
                "\n" + to_line(Json{{"story", "Then " + words + ", they said."}}) + "\n");
  const Finding* overlap = find(found, "training");
  ASSERT_NE(overlap, nullptr);
  EXPECT_EQ(overlap->rows, 2u);
  EXPECT_THAT(overlap->examples, ElementsAre(HasSubstr("document 16"), HasSubstr("document 41")));
}

TEST_F(TaskCheckTest, ExamplesThatAreAskedToo) {
  folder.write("test.jsonl",
               row("The parcel number 1 is late", "ship") + row("Invoice number 5 is too high", "bill"));
  folder.write("train.jsonl", row("The parcel number 1 is late", "ship"));
  const TaskCheck found = check_file(
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: test.jsonl, train: train.jsonl}}\n"
      "test_split: test\ntraining_split: train\nnum_fewshot: 1\noutput_type: multiple_choice\n"
      "doc_to_text: '{{text}}'\ndoc_to_choice: [ship, bill]\ndoc_to_target: label\n");
  ASSERT_NE(find(found, "examples"), nullptr);
  EXPECT_EQ(find(found, "examples")->rows, 1u);
  EXPECT_THAT(samples[1].prompt.user, HasSubstr("number 1 is late ship")) << "prompts with their examples";
}

}  // namespace
}  // namespace sizeup
