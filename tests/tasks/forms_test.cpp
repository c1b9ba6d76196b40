// Forms of task files that lm-evaluation-harness's documentation describes, written anew: each is read as it
// is.
#include "tasks/definition.h"
#include "tasks/process_docs.h"
#include "tasks/selection.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

class Forms : public testing::Test {
 protected:
  TemporaryFolder folder;

  void SetUp() override {
    folder.write(
        "rows.jsonl",
        "{\"ask\": \"Sky?\", \"options\": [\"blue\", \"green\"], \"right\": 0, \"kind\": \"colour\", "
        "\"why\": \"A: Look up.\"}\n"
        "{\"ask\": \"Two?\", \"options\": [\"one\", \"2\"], \"right\": 1, \"kind\": \"number\", "
        "\"why\": \"A: Count.\"}\n"
        "{\"ask\": \"Leaf?\", \"options\": [\"red\", \"green\"], \"right\": 1, \"kind\": \"colour\", "
        "\"why\": \"A: Look down.\"}\n");
  }

  // A file of these keys after those that every case here has.
  std::filesystem::path file(const std::string& keys, const std::string& name = "form.yaml") {
    return folder.write(name,
                        "task: form\ndataset_path: json\ntest_split: test\n"
                        "dataset_kwargs: {data_files: {test: rows.jsonl}}\n" +
                            keys);
  }

  std::vector<Sample> samples(const std::string& keys, const TaskOptions& options = {}) {
    return test::samples_of(*test::load(file(keys), options));
  }

  std::string refusal(const std::string& keys) {
    const Result<std::unique_ptr<Task>> task = load_task(file(keys), {});
    return task ? "accepted" : describe(task.error());
  }
};

constexpr const char* kAsked =
    "output_type: multiple_choice\ndoc_to_text: \"Q: {{ask}}\\nA:\"\n"
    "doc_to_choice: options\ndoc_to_target: right\n";

const AskScore& ask_of(const Sample& sample, size_t index) {
  return std::get<AskScore>(sample.asks.at(index));
}

// `field`: the file is one object, and the documents are a list in it.
TEST_F(Forms, RowsInAField) {
  folder.write("nested.json", "{\"canary\": \"x\", \"items\": [{\"ask\": \"Sky?\"}, {\"ask\": \"Two?\"}]}\n");
  const std::string keys =
      "task: nested\ndataset_path: json\ntest_split: test\ndoc_to_text: ask\n"
      "doc_to_target: ask\ndataset_kwargs: {data_files: {test: nested.json}, field: ";
  EXPECT_EQ(test::samples_of(*test::load(folder.write("nested.yaml", keys + "items}\n"))).size(), 2U);
  const auto wrong = load_task(folder.write("wrong.yaml", keys + "rows}\n"), {});
  ASSERT_FALSE(wrong);
  EXPECT_NE(describe(wrong.error()).find("list of documents 'rows'"), std::string::npos);
}

// A choice in the prompt's end: doc_to_text is the index of the right one, the target what all are asked for.
TEST_F(Forms, ChoicesThatEndThePrompt) {
  const auto asked = samples(
      "output_type: multiple_choice\ndoc_to_text: right\ndoc_to_choice: options\ndoc_to_target: why\n");
  const Sample& second = asked.at(1);
  EXPECT_EQ(second.prompt.user, "");
  EXPECT_EQ(ask_of(second, 0).context, "one");
  EXPECT_EQ(ask_of(second, 1).context, "2");
  EXPECT_EQ(ask_of(second, 1).delimiter + ask_of(second, 1).continuation, " A: Count.");
  EXPECT_EQ(second.gold, std::vector<int>{1});
  EXPECT_EQ(second.target, "2");
}

TEST_F(Forms, ChoicesAsAMap) {
  const auto asked = samples(
      "output_type: multiple_choice\ndoc_to_text: \"{{ask}}!\"\n"
      "doc_to_choice: {first: left, second: right}\ndoc_to_target: \"{{right}}\"\n");
  EXPECT_EQ(ask_of(asked[0], 0).continuation, "left");
  EXPECT_EQ(asked[1].gold, std::vector<int>{1});
}

TEST_F(Forms, SeveralRightChoices) {
  const auto asked = samples(
      "output_type: multiple_choice\ndoc_to_text: \"{{ask}}!\"\ndoc_to_choice: options\n"
      "doc_to_target: \"{{[0, 1]}}\"\nmetric_list: [{metric: mc2}]\n");
  EXPECT_EQ(asked[0].gold, (std::vector<int>{0, 1}));
}

// The examples of a prompt may be written differently from its question.
TEST_F(Forms, ExamplesWithTextsOfTheirOwn) {
  const auto asked = samples(std::string(kAsked) +
                             "fewshot_split: test\nnum_fewshot: 1\n"
                             "fewshot_config:\n  sampler: first_n\n  doc_to_text: \"Example: {{ask}}\"\n"
                             "  doc_to_target: \"{{why.replace('A: ', '')}}\"\n"
                             "  target_delimiter: \" = \"\n  fewshot_delimiter: \"\\n--\\n\"\n");
  EXPECT_EQ(asked[1].prompt.user, "Example: Sky? = Look up.\n--\nQ: Two?\nA:");
}

TEST_F(Forms, ProcessDocsByName) {
  const auto colours =
      samples(std::string(kAsked) + "process_docs: {function: only, field: kind, equals: colour}\n");
  ASSERT_EQ(colours.size(), 2U);
  EXPECT_EQ(colours[1].prompt.user, "Q: Leaf?\nA:");
  const auto later = samples(std::string(kAsked) +
                             "process_docs: [{function: only, field: right, from: 1}, "
                             "{function: only, field: kind, equals: number}]\n");
  ASSERT_EQ(later.size(), 1U);
  EXPECT_NE(refusal(std::string(kAsked) + "process_docs: hellaswog\n").find("did you mean 'hellaswag'?"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(kAsked) + "process_docs: hellaswag\n").find("activity_label"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(kAsked) + "process_docs: {function: only, field: kind, equals: x}\n")
                .find("no document"),
            std::string::npos);
}

TEST_F(Forms, ExamplesFromASplitOfTheHub) {
  const auto hub = folder.write("hub.yaml",
                                "task: hub\ndataset_path: Org/Name\ntest_split: test\ndoc_to_text: ask\n"
                                "doc_to_target: ask\nfewshot_config: {split: dev}\n");
  const Result<Definition> definition = read_definition(hub, {});
  ASSERT_TRUE(definition) << describe(definition.error());
  ASSERT_TRUE(definition->data_files.contains("dev"));
  EXPECT_EQ(definition->data_files.at("dev")[0].hub->split, "dev");
}

TEST(Docs, TheTableOfStepsIsTheProgramS) {
  std::string table;
  for (const DocumentStepListing& step : process_docs_table())
    table += "| `" + step.name + "` | " + step.description + " |\n";
  EXPECT_NE(read_whole(source_path("docs/add-a-task.md")).find("|---|---|\n" + table + "\n"),
            std::string::npos);
}

TEST_F(Forms, PythonIsRefusedWithWhatToWrite) {
  const std::string text = refusal(std::string(kAsked) + "process_docs: !function utils.process_docs\n");
  EXPECT_NE(text.find("utils.process_docs"), std::string::npos);
  EXPECT_NE(text.find("built-in step"), std::string::npos);
}

// A description and a system instruction are joined by the examples' delimiter.
TEST_F(Forms, SystemInstruction) {
  const std::string keys = std::string(kAsked) + "description: \"Answer.\"\n";
  EXPECT_EQ(samples(keys, {.system_instruction = "Be brief."})[0].prompt.system, "Be brief.\n\nAnswer.");
  EXPECT_EQ(samples(keys, {.system_instruction = "Be brief.\n"})[0].prompt.system, "Be brief.\nAnswer.");
  EXPECT_EQ(samples(kAsked, {.system_instruction = "Be brief."})[0].prompt.system, "Be brief.");
}

TEST_F(Forms, PrefixOfTheAnswerFromTheCommandLine) {
  const auto asked = samples(kAsked, {.gen_prefix = "It is"});
  EXPECT_EQ(asked[0].prompt.prefix_delimiter + asked[0].prompt.prefix, " It is");
}

// With examples as a conversation the prompt's own text is the question alone.
TEST_F(Forms, ExamplesAsAConversation) {
  const std::string keys =
      std::string(kAsked) + "fewshot_split: test\nnum_fewshot: 1\nfewshot_config: {sampler: first_n}\n";
  const auto asked = samples(keys, {.fewshot_as_multiturn = true});
  ASSERT_EQ(asked[1].prompt.turns.size(), 1U);
  EXPECT_EQ(asked[1].prompt.turns[0].first, "Q: Sky?\nA:");
  EXPECT_EQ(asked[1].prompt.turns[0].second, "blue");
  EXPECT_EQ(asked[1].prompt.user, "Q: Two?\nA:");
}

// Chosen documents, in the order of the data.
TEST_F(Forms, ChosenDocuments) {
  const auto asked = samples(kAsked, {.rows = {{"form", {2, 0, 2}}}});
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].prompt.user, "Q: Sky?\nA:");
  EXPECT_EQ(asked[1].index, 2);
  const auto beyond = load_task(file(kAsked), {.rows = {{"form", {3}}}});
  ASSERT_FALSE(beyond);
  EXPECT_NE(describe(beyond.error()).find("no document 3"), std::string::npos);
}

// Words and bytes are counted on the page, whatever its text became.
TEST_F(Forms, RollingTextCountedAsItWas) {
  folder.write("pages.jsonl", "{\"page\": \" = A = \\n 1 @,@ 200 ( men ) \"}\n");
  const auto task = test::load(folder.write(
      "pages.yaml",
      "task: pages\ndataset_path: json\ntest_split: test\ndataset_kwargs: {data_files: {test: pages.jsonl}}\n"
      "output_type: loglikelihood_rolling\nprocess_docs: wikitext\ndoc_to_target: \"{{text}}\"\n"
      "counted_text: page\n"));
  const Sample sample = test::samples_of(*task)[0];
  EXPECT_EQ(sample.prompt.user, " = A =\n1,200 (men) ");
  EXPECT_EQ(sample.counted_text, " = A = \n 1 @,@ 200 ( men ) ");
}

// A list of user turns; the last answer is the one that is judged.
TEST_F(Forms, TurnsOfAConversation) {
  const auto task = test::load(file(
      "output_type: multi_turn\ndoc_to_text: [\"Hello.\", \"Now in capitals.\"]\ndoc_to_target: "
      "\"{{'HELLO'}}\"\n"
      "generation_kwargs: {until: [\"\\n\"]}\nmetric_list: [{metric: exact_match}, {metric: answered}]\n"));
  const Sample sample = test::samples_of(*task)[0];
  EXPECT_EQ(sample.prompt.user, "Hello.");
  EXPECT_EQ(sample.later_turns, std::vector<std::string>{"Now in capitals."});
  ASSERT_EQ(sample.asks.size(), 2U);
  Reply first;
  first.text = " ";
  Reply second;
  second.text = "HELLO";
  const Scored scored = task->score(sample, {first, second});
  EXPECT_EQ(scored.answer, "HELLO");
  EXPECT_EQ(scored.scores.at("exact_match"), 1.0);
  EXPECT_EQ(scored.scores.at("answered"), 0.5);
  EXPECT_NE(refusal("output_type: multi_turn\ndoc_to_text: [a, b]\ndoc_to_target: ask\nrepeats: 2\n")
                .find("'repeats'"),
            std::string::npos);
}

// Groups in groups, with keys for their members.
TEST_F(Forms, NestedGroupsWithKeys) {
  file(kAsked, "form.yaml");
  const auto group = folder.write("outer.yaml",
                                  "group: outer\ntask:\n  - group: inner\n    task:\n"
                                  "      - {task: form, task_alias: f, description: \"Go. \"}\n"
                                  "    aggregate_metric_list: {metric: acc, weight_by_size: false}\n"
                                  "aggregate_metric_list: [{metric: acc, weight_by_size: true}]\n");
  const Result<TaskSelection> selected = select_tasks({group.string()}, source_path("tasks/definitions"));
  ASSERT_TRUE(selected) << describe(selected.error());
  ASSERT_EQ(selected->groups.size(), 2U);
  EXPECT_FALSE(selected->groups[1].metrics[0].weight_by_size);
  ASSERT_EQ(selected->tasks.size(), 1U);
  const auto task = test::load(selected->tasks[0].file, {.overrides = selected->tasks[0].overrides});
  EXPECT_EQ(test::samples_of(*task)[0].prompt.system, "Go. ");
}

}  // namespace
}  // namespace sizeup
