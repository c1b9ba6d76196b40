// Data files as people have them, and the task that is guessed from each.
#include "tasks/own_data/own_data.h"

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using test::samples_of;
using test::score_text;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class OwnDataTest : public testing::Test {
 protected:
  TemporaryFolder folder;
  OwnData data;

  OwnData& given(const std::string& name, const std::string& content) {
    data.file = folder.write(name, content);
    return data;
  }
  TaskGuess guess() const {
    Result<TaskGuess> guessed = guess_task(data);
    if (!guessed) throw std::runtime_error(describe(guessed.error()));
    return std::move(*guessed);
  }
  std::unique_ptr<Task> task() const {
    Result<SelectedTask> selected = task_of(guess(), data.file);
    if (!selected) throw std::runtime_error(describe(selected.error()));
    TaskOptions options;
    options.overrides = selected->overrides;
    return test::load(selected->file, options);
  }
  Error refusal() const {
    const Result<TaskGuess> guessed = guess_task(data);
    return guessed ? Error{} : guessed.error();
  }
};

std::vector<std::string> choices_of(const Sample& sample) {
  std::vector<std::string> out;
  for (const Ask& ask : sample.asks) out.push_back(std::get<AskScore>(ask).continuation);
  return out;
}

constexpr const char* kTickets =
    "id,Ticket text,Queue,language\n"
    "7,Where is my parcel?,delivery,en\n8,\"Refund, please\",billing,en\n9,Wo ist mein Paket?,delivery,de\n"
    "10,Falsche Rechnung,billing,de\n11,No parcel yet,delivery,en\n12,Charged twice,billing,en\n"
    "13,Paket kaputt,delivery,de\n14,Rechnung fehlt,billing,de\n15,Parcel lost,delivery,en\n"
    "16,Invoice wrong,billing,en\n";

TEST_F(OwnDataTest, ACsvOfTextsAndLabelsIsAClassification) {
  given("tickets.csv", kTickets);
  EXPECT_EQ(guess().kind, DataKind::classification);
  const auto loaded = task();
  EXPECT_EQ(loaded->name(), "tickets");
  const std::vector<Sample> samples = samples_of(*loaded);
  ASSERT_EQ(samples.size(), 10u);
  EXPECT_EQ(samples[1].id, "8");
  EXPECT_EQ(samples[1].prompt.user, "Refund, please\n\nWhich Queue fits: billing or delivery?\nAnswer:");
  EXPECT_THAT(choices_of(samples[1]), ElementsAre("billing", "delivery"));
  EXPECT_THAT(samples[1].gold, ElementsAre(0));
  EXPECT_THAT(loaded->slice_fields(), ElementsAre("language"));
  EXPECT_EQ(loaded->metrics()[0].name, "acc");
  EXPECT_EQ(loaded->metrics()[1].name, "macro_f1");
}

TEST_F(OwnDataTest, OptionsWinOverTheGuess) {
  given("tickets.csv", kTickets);
  data.input = "Sort this: {{_doc['Ticket text']}} ->";
  data.target = "language";
  data.choices = {"de", "en", "fr"};
  data.metrics = {"mcc"};
  data.slices = {"Queue"};
  const auto loaded = task();
  const std::vector<Sample> samples = samples_of(*loaded);
  EXPECT_EQ(samples[0].prompt.user, "Sort this: Where is my parcel? ->");
  EXPECT_THAT(choices_of(samples[0]), ElementsAre("de", "en", "fr"));
  EXPECT_THAT(samples[0].gold, ElementsAre(1));
  EXPECT_THAT(loaded->slice_fields(), ElementsAre("Queue"));
  EXPECT_EQ(loaded->metrics()[0].name, "mcc");
}

TEST_F(OwnDataTest, NumbersAsLabelsAreNoIndices) {
  std::string rows;
  for (int i = 0; i < 4; ++i)
    rows += "{\"text\": \"good\", \"label\": 2}\n{\"text\": \"bad\", \"label\": 1}\n";
  given("a.jsonl", rows);
  const std::vector<Sample> samples = samples_of(*task());
  EXPECT_THAT(choices_of(samples[0]), ElementsAre("1", "2"));
  EXPECT_THAT(samples[0].gold, ElementsAre(1));
  EXPECT_THAT(samples[1].gold, ElementsAre(0));
}

TEST_F(OwnDataTest, NamesForNumberedLabelsAreTakenInOrder) {
  given("a.jsonl", "{\"text\": \"good\", \"label\": 1}\n{\"text\": \"bad\", \"label\": 0}\n");
  data.choices = {"negative", "positive"};
  const std::vector<Sample> samples = samples_of(*task());
  EXPECT_THAT(choices_of(samples[0]), ElementsAre("negative", "positive"));
  EXPECT_THAT(samples[0].gold, ElementsAre(1));
}

// The right choice is named by letter, index, text or label, whatever all rows share.
TEST_F(OwnDataTest, ChoicesOfEachRowAreMultipleChoice) {
  struct Case {
    const char* name;
    const char* rows;
  };
  for (
      const Case& one : {
          Case{"letter.jsonl", R"({"question": "2+2?", "choices": ["3", "4"], "answer": "B"})"},
          Case{"index.jsonl", R"({"question": "2+2?", "choices": ["3", "4"], "answer": 1})"},
          Case{"text.jsonl", R"({"question": "2+2?", "options": ["three", "four"], "answer": "four"})"},
          Case{
              "arc.jsonl",
              R"({"question": "2+2?", "choices": {"text": ["3", "4"], "label": ["1", "2"]}, "answerKey": "2"})"},
          Case{"map.jsonl", R"({"question": "2+2?", "options": {"A": "3", "B": "4"}, "answer": "B"})"},
          Case{"bars.csv", "question,choices,answer\n2+2?,3|4,B\n"},
          Case{"columns.csv", "question,A,B,answer\n2+2?,3,4,B\n"},
          Case{"numbered.csv", "question,option1,option2,answer\n2+2?,three,four,2\n"},
      }) {
    given(one.name, one.rows);
    EXPECT_EQ(guess().kind, DataKind::multiple_choice) << one.name;
    const std::vector<Sample> samples = samples_of(*task());
    EXPECT_THAT(samples[0].prompt.user, AllOf(HasSubstr("2+2?\nA. "), HasSubstr("\nB. "))) << one.name;
    EXPECT_TRUE(samples[0].prompt.user.ends_with("\nAnswer:")) << one.name;
    EXPECT_THAT(choices_of(samples[0]), ElementsAre("A", "B")) << one.name;
    EXPECT_THAT(samples[0].gold, ElementsAre(1)) << one.name;
  }
}

TEST_F(OwnDataTest, ListsWrittenAsPythonDoesAreScoredAsTexts) {
  given("a.csv", "question,choices,answer\n2+2?,\"['three', 'four']\",four\n");
  EXPECT_EQ(guess().kind, DataKind::multiple_choice);
  const std::vector<Sample> samples = samples_of(*task());
  EXPECT_EQ(samples[0].prompt.user, "2+2?\nChoices: ['three', 'four']\nAnswer:");
  EXPECT_THAT(choices_of(samples[0]), ElementsAre("three", "four"));
  EXPECT_THAT(samples[0].gold, ElementsAre(1));
  given("b.csv", "question,choices,answer\n2+2?,\"['three', 'four']\",four\n3+3?,,six\n");
  EXPECT_THAT(describe(refusal()), AllOf(HasSubstr("document 2"), HasSubstr("holds no choices")));
}

TEST_F(OwnDataTest, ChoicesThatFitNoFormAreRefused) {
  given("a.jsonl", R"({"question": "q", "choices": ["x", "y"], "answer": 18446744073709551615})");
  EXPECT_THAT(describe(refusal()), HasSubstr("in no way that all rows share"));
  given("b.jsonl", R"({"question": "q", "choices": {"text": "x", "label": "y"}, "answer": "label"})");
  EXPECT_THAT(samples_of(*task())[0].gold, ElementsAre(1)) << "a map, whatever its keys are called";
  given("c.jsonl", R"({"question": "q", "choices": 3, "answer": 0})");
  EXPECT_THAT(describe(refusal()), HasSubstr("holds no choices"));
}

TEST_F(OwnDataTest, RowsMayHaveDifferentlyManyChoices) {
  given("a.json", R"([{"question": "q", "choices": ["x", "y"], "answer": "A"},
                      {"question": "r", "choices": ["x", "y", "z"], "answer": "C"}])");
  const std::vector<Sample> samples = samples_of(*task());
  EXPECT_THAT(choices_of(samples[0]), ElementsAre("A", "B"));
  EXPECT_THAT(choices_of(samples[1]), ElementsAre("A", "B", "C"));
  EXPECT_THAT(samples[1].gold, ElementsAre(2));
}

TEST_F(OwnDataTest, InstructionInputAndOutputMakeAPrompt) {
  given("a.json", R"([{"instruction": "Translate.", "input": "Hund", "output": "a dog, the pet"},
                      {"instruction": "Say hello in English.", "input": "", "output": "Hello to you all!"}])");
  EXPECT_EQ(guess().kind, DataKind::generation);
  const std::vector<Sample> samples = samples_of(*task());
  EXPECT_EQ(samples[0].prompt.user, "Translate.\nHund");
  EXPECT_EQ(samples[1].prompt.user, "Say hello in English.");
  EXPECT_EQ(samples[1].target, "Hello to you all!");
}

TEST_F(OwnDataTest, ThePromptOfACompletionStaysAsItIs) {
  given("a.jsonl", R"({"prompt": "Once upon", "completion": " a time"})");
  const auto loaded = task();
  const std::vector<Sample> samples = samples_of(*loaded);
  EXPECT_EQ(samples[0].prompt.user, "Once upon");
  EXPECT_EQ(score_text(*loaded, samples[0], "A time.").scores.at("exact_match"), 1.0)
      << "white space at the ends is no difference";
}

TEST_F(OwnDataTest, AConversationEndsWithItsTarget) {
  given(
      "a.jsonl",
      R"({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital of Peru?"}, {"role": "assistant", "content": "Lima is the capital."}]})");
  std::vector<Sample> samples = samples_of(*task());
  EXPECT_EQ(samples[0].prompt.system, "Be brief.\n\n");
  EXPECT_EQ(samples[0].prompt.user, "Capital of Peru?");
  EXPECT_EQ(samples[0].target, "Lima is the capital.");

  given(
      "b.jsonl",
      R"({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}, {"from": "human", "value": "Bye"}, {"from": "gpt", "value": "Until later then"}]})");
  samples = samples_of(*task());
  EXPECT_EQ(samples[0].prompt.user, "human: Hi\n\ngpt: Hello\n\nhuman: Bye\n\nassistant:");
  EXPECT_EQ(samples[0].target, "Until later then");
}

TEST_F(OwnDataTest, QuestionsHaveAPassageOrNone) {
  given(
      "squad.jsonl",
      R"({"id": "x", "context": "Lima is the capital of Peru.", "question": "Capital of Peru?", "answers": {"text": ["Lima", "lima"], "answer_start": [0, 0]}}
{"id": "y", "context": "Lima is the capital of Peru.", "question": "Mayor of Lima?", "answers": {"text": [], "answer_start": []}})");
  EXPECT_EQ(guess().kind, DataKind::passage_question);
  auto loaded = task();
  std::vector<Sample> samples = samples_of(*loaded);
  EXPECT_EQ(samples[0].prompt.user, "Lima is the capital of Peru.\n\nQuestion: Capital of Peru?\nAnswer:");
  EXPECT_THAT(samples[0].accepted, ElementsAre("Lima", "lima"));
  EXPECT_EQ(samples[0].source, "Lima is the capital of Peru.");
  EXPECT_EQ(score_text(*loaded, samples[1], "I do not know.").scores.at("abstention"), 1.0);

  given("qa.csv", "question,answer\nCapital of Peru?,Lima\nCapital of Chad?,N'Djamena\n");
  EXPECT_EQ(guess().kind, DataKind::question);
  loaded = task();
  samples = samples_of(*loaded);
  EXPECT_EQ(samples[0].prompt.user, "Question: Capital of Peru?\nAnswer:");
  EXPECT_EQ(score_text(*loaded, samples[0], " lima. ").scores.at("exact_match"), 1.0);
}

TEST_F(OwnDataTest, RecordsAreExtractedUnderTheirSchema) {
  given(
      "invoices.jsonl",
      R"({"text": "Acme, 2 April 2026, 12.50 EUR", "output": {"vendor": "Acme", "date": "2026-04-02", "total": "12.50 EUR", "items": 3}}
{"text": "Bolt, 3 April 2026", "output": {"vendor": "Bolt", "date": "2026-04-03", "total": null, "items": 1}})");
  EXPECT_EQ(guess().kind, DataKind::extraction);
  const auto loaded = task();
  const std::vector<Sample> samples = samples_of(*loaded);
  EXPECT_THAT(samples[0].prompt.user, HasSubstr("vendor, date, total, items"));
  EXPECT_EQ(samples[0].source, "Acme, 2 April 2026, 12.50 EUR");
  // Fences and words around it, a date and an amount in another spelling.
  const Scored scored = score_text(*loaded, samples[0],
                                   "Here it is:\n```json\n{\"vendor\": \"acme\", \"date\": \"02.04.2026\", "
                                   "\"total\": \"€12.5\", \"items\": 3}\n```");
  EXPECT_EQ(scored.scores.at("record_exact"), 1.0);
  EXPECT_EQ(score_text(*loaded, samples[1], "{\"vendor\": \"Bolt\"}").scores.at("record_exact"), 0.0);
  EXPECT_THAT(guess().yaml, HasSubstr("x-type: money"));
}

TEST_F(OwnDataTest, ASchemaMayBeGiven) {
  given("a.csv", "text,output\nAcme 3,\"{\"\"vendor\"\": \"\"Acme\"\", \"\"n\"\": 3}\"\n");
  data.schema = folder.write(
      "schema.json",
      R"({"type": "object", "properties": {"vendor": {"type": "string"}, "n": {"type": "integer"}}})");
  const auto loaded = task();
  const std::vector<Sample> samples = samples_of(*loaded);
  EXPECT_THAT(samples[0].prompt.user, HasSubstr("Write vendor, n of this text"));
  EXPECT_EQ(score_text(*loaded, samples[0], "{\"vendor\": \"Acme\", \"n\": 3}").scores.at("record_exact"),
            1.0);
}

TEST_F(OwnDataTest, ListsOfLabelsAreMultiLabel) {
  given("a.jsonl", "{\"text\": \"x\", \"labels\": [\"b\", \"a\"]}\n{\"text\": \"y\", \"labels\": [\"c\"]}\n");
  EXPECT_EQ(guess().kind, DataKind::multi_label);
  const auto loaded = task();
  const std::vector<Sample> samples = samples_of(*loaded);
  EXPECT_EQ(score_text(*loaded, samples[0], "b, a").scores.at("multilabel_exact"), 1.0);
  EXPECT_EQ(samples[0].target, "a, b");
  EXPECT_THAT(samples[0].prompt.user, HasSubstr("a, b, c"));
}

TEST_F(OwnDataTest, ProgramsWithTestsAreCode) {
  given("a.jsonl",
        R"({"prompt": "def f():\n", "test": "def check(f):\n    assert f()\n", "entry_point": "f"})");
  EXPECT_EQ(guess().kind, DataKind::code);
  EXPECT_THAT(guess().yaml, AllOf(HasSubstr("unsafe_code: true"), HasSubstr("pass@k")));
  EXPECT_THAT(guess().reasons,
              Contains(HasSubstr("run, in the sandbox; without a sandbox the task is refused")));
  given("b.jsonl", R"({"text": "Add.", "code": "", "test_list": ["assert add(1, 2) == 3"]})");
  EXPECT_EQ(guess().kind, DataKind::code);
}

TEST_F(OwnDataTest, AWrongFieldSaysWhichThereAre) {
  given("tickets.csv", kTickets);
  data.target = "queue";
  Error error = refusal();
  EXPECT_EQ(error.kind, ErrorKind::usage);
  EXPECT_THAT(describe(error),
              AllOf(HasSubstr("tickets.csv"), HasSubstr("--target"), HasSubstr("'queue'"),
                    HasSubstr("id, Ticket text, Queue, language"), HasSubstr("did you mean 'Queue'?")));
  data.target.clear();
  data.slices = {"lang"};
  EXPECT_THAT(describe(refusal()), HasSubstr("--slices names the field 'lang'"));
  data.slices.clear();
  data.grounding = "source";
  EXPECT_THAT(describe(refusal()), HasSubstr("--grounding names the field 'source'"));
}

TEST_F(OwnDataTest, AFileWithoutATargetIsAskedFor) {
  given("a.csv", "alpha,beta\none two three,four five six\nseven,eight\n");
  const Error error = refusal();
  EXPECT_THAT(describe(error), AllOf(HasSubstr("no field looks like the expected answer"),
                                     HasSubstr("alpha, beta"), HasSubstr("--target FIELD")));
}

TEST_F(OwnDataTest, ARowWithoutLabelIsNamed) {
  given("a.csv", "text,label\na,x\nb,\nc,y\n");
  EXPECT_THAT(describe(refusal()), AllOf(HasSubstr("document 2"), HasSubstr("no label")));
}

// The guess is a task file: written beside the data it is the same task, wherever that lies.
TEST_F(OwnDataTest, TheWrittenFileIsTheSameTask) {
  given("tickets.csv", kTickets);
  const auto guessed = task();
  const auto file = folder.write("tickets.yaml", guess().yaml);
  const auto written = test::load(file);
  EXPECT_EQ(written->definition_hash(), guessed->definition_hash());
  EXPECT_EQ(samples_of(*written)[3].prompt.user, samples_of(*guessed)[3].prompt.user);
  const TemporaryFolder other;
  data.file = other.write("tickets.csv", kTickets);
  EXPECT_EQ(task()->definition_hash(), guessed->definition_hash());
}

// Names, labels and texts from a file must not become keys of the task file.
// Forms are guessed from the first rows; a label that only the last row has is one all the same.
TEST_F(OwnDataTest, LabelsOfALongFileAreTakenFromAllRows) {
  std::string rows = "text,label\n";
  for (size_t i = 0; i < kGuessedRows; ++i) rows += i % 2 == 0 ? "a,spam\n" : "b,ham\n";
  given("mails.csv", rows + "c,eggs\n");
  EXPECT_EQ(guess().rows, kGuessedRows + 1);
  EXPECT_THAT(guess().yaml, HasSubstr("doc_to_choice: [eggs, ham, spam]"));
  EXPECT_THAT(guess().reasons, Contains(HasSubstr("the first 10000 rows; all 10001 for their labels")));
  EXPECT_EQ(samples_of(*task()).back().accepted, std::vector<std::string>{"eggs"});
  given("mails.csv", rows + "c,\n");
  EXPECT_THAT(refusal().place, HasSubstr("mails.csv:10002"));
  EXPECT_EQ(refusal().message, "the row has no label");
}

// Many values behind the first rows make texts of what looked like labels.
TEST_F(OwnDataTest, LabelsThatBecomeTooManyAreTexts) {
  std::string rows = "text,answer\n";
  for (size_t i = 0; i < kGuessedRows; ++i) rows += i % 2 == 0 ? "a,one\n" : "b,two\n";
  for (int i = 0; i < 300; ++i) rows += "c,value " + std::to_string(i) + "\n";
  given("answers.csv", rows);
  EXPECT_EQ(guess().kind, DataKind::generation);
}

TEST_F(OwnDataTest, HostileNamesStayTexts) {
  given("a: b #c.csv",
        "\"te\nxt: {x}\",\"label\"\n\"}} {% raw %}\",\"{{7*7}} yes: [no]\"\n\"{{7*7}}\",\"it's \"\"#\"\" "
        "\\u0041\"\n");
  data.input = "te\nxt: {x}";
  data.target = "label";
  const std::vector<Sample> samples = samples_of(*task());
  EXPECT_THAT(samples[1].prompt.user, AllOf(HasSubstr("{{7*7}}\n\n"), HasSubstr("{{7*7}} yes: [no]")));
  EXPECT_THAT(choices_of(samples[0]), Contains("{{7*7}} yes: [no]"));
  EXPECT_EQ(samples[1].target, "it's \"#\" \\u0041");
}

}  // namespace
}  // namespace sizeup
