// Task files: what is read, and what every mistake is told.
#include "tasks/definition.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

// Line 1 is `task: t`; `extra` starts at line 8.
std::string task_text(const std::string& extra, const std::string& type = "multiple_choice") {
  return "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n"
         "output_type: " +
         type + "\ndoc_to_text: question\ndoc_to_target: answer\n" + extra;
}

constexpr const char* kRows =
    "{\"question\": \"a?\", \"answer\": 1, \"kind\": \"x\"}\n{\"question\": \"b?\", \"answer\": 0, \"kind\": "
    "\"y\"}\n";
constexpr const char* kChoices = "doc_to_choice: [left, right]\n";

struct BadCase {
  std::string name;
  std::string text;                   // of t.yaml
  std::vector<std::string> expected;  // parts of the description of the error
  std::string rows = kRows;
};

class BadTask : public testing::TestWithParam<BadCase> {};

TEST_P(BadTask, IsToldWhereAndWhat) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", GetParam().rows);
  Result<std::unique_ptr<Task>> task = load_task(folder.write("t.yaml", GetParam().text), {});
  std::string description;
  if (!task) {
    description = describe(task.error());
  } else {
    Result<std::vector<Sample>> samples = (*task)->samples(0);
    ASSERT_FALSE(samples) << "the task was accepted";
    description = describe(samples.error());
  }
  for (const std::string& part : GetParam().expected) EXPECT_THAT(description, HasSubstr(part));
}

std::vector<BadCase> bad_cases() {
  const std::string choices = kChoices;
  const auto generate = [](const std::string& extra) { return task_text(extra, "generate_until"); };
  return {
      {"UnknownKey",
       task_text(choices + "doc_to_txt: x\n"),
       {"t.yaml:9", "unknown key 'doc_to_txt'", "did you mean 'doc_to_text'?"}},
      {"UnknownKeyFarFromAll",
       task_text(choices + "zzzzzzzzzzzz: x\n"),
       {"t.yaml:9", "one of task, include"}},
      {"PythonFunction",
       task_text(choices + "process_docs: !function utils.process\n"),
       {"t.yaml:9", "'process_docs' names the Python function 'utils.process'",
        "process the documents beforehand"}},
      {"PythonFunctionForText",
       "task: t\ndoc_to_text: !function utils.text\n",
       {"t.yaml:2", "Python function", "replace 'doc_to_text' by: a Jinja template"}},
      {"PythonFunctionInAList",
       task_text(choices + "metric_list:\n  - {metric: acc}\n  - metric: !function m.f1\n"),
       {"t.yaml:11", "metrics by name"}},
      {"OtherTag", task_text("doc_to_choice: !weird [a]\n"), {"t.yaml:8", "unknown tag !weird"}},
      {"NotSupportedYet",
       task_text(choices + "use_prompt: x\n"),
       {"t.yaml:9", "'use_prompt' is not supported yet"}},
      {"JudgeOfChoices",
       task_text(choices + "judge: {rubric: x}\n"),
       {"t.yaml:9", "judges read written answers"}},
      {"JudgeOfOneWord", generate("judge: gpt\n"), {"t.yaml:8", "'judge' is not a map"}},
      {"JudgeUnknownKey",
       generate("judge:\n  rubik: x\n"),
       {"t.yaml:9", "unknown key 'rubik' in judge", "'rubric'"}},
      {"JudgeScale", generate("judge: {scale: [5, 1]}\n"), {"t.yaml:8", "the worst and the best verdict"}},
      {"JudgeScaleOfOne", generate("judge: {scale: [5]}\n"), {"t.yaml:8", "[1, 5]"}},
      {"JudgeVerdict",
       generate("judge: {verdict: stars}\n"),
       {"t.yaml:8", "'stars'", "scale, correct, closed_book, claims, likelihood"}},
      {"JudgeTwoForms",
       generate("judge: {verdict: correct, scale: [1, 5]}\n"),
       {"t.yaml:8", "leave out 'scale' or 'verdict'"}},
      {"JudgeRepeats", generate("judge: {repeats: 0}\n"), {"t.yaml:8", "a whole number from 1 to 100"}},
      {"JudgeTemperature", generate("judge: {temperature: hot}\n"), {"t.yaml:8", "a number from 0 to 10"}},
      {"JudgeReference", generate("judge: {reference: yes please}\n"), {"t.yaml:8", "true or false"}},
      {"GroupOfATask", task_text(choices + "group: many\n"), {"t.yaml:9", "belongs to a group", "'tag'"}},
      {"NoDatasetPath",
       "task: t\ndataset_path: ./hails/mmlu\ntest_split: test\n",
       {"t.yaml:2", "./hails/mmlu", "no local file or folder"}},
      {"HubDatasetWhereNothingIsFetched",
       "task: t\ndataset_path: hails/mmlu\ntest_split: test\ndoc_to_text: q\ndoc_to_target: a\n",
       {"hf:datasets/hails/mmlu?split=test", "nothing may be fetched"}},
      {"NoTask", "dataset_path: json\n", {"'task' is missing"}},
      {"NoDataset", "task: t\n", {"'dataset_path' is missing"}},
      {"NoDataFiles", "task: t\ndataset_path: json\n", {"t.yaml:2", "data_files is missing"}},
      {"MissingDataFile",
       "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: none.jsonl}}\ntest_split: "
       "test\ndoc_to_text: q\ndoc_to_target: a\n",
       {"none.jsonl"}},
      {"UnknownSplit",
       "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: "
       "tst\ndoc_to_text: question\ndoc_to_target: answer\n",
       {"the split 'tst'", "one of test"}},
      {"NoSplit",
       "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ndoc_to_text: "
       "question\ndoc_to_target: answer\n",
       {"neither 'test_split' nor"}},
      {"NoChoices", task_text(""), {"'doc_to_choice' is missing"}},
      {"UnknownOutputType",
       "task: t\noutput_type: choose\n",
       {"t.yaml:2", "unknown output_type 'choose'", "generate_until"}},
      {"Repeats", generate("repeats: 5\n"), {"t.yaml:8", "'repeats' without sampling"}},
      {"RepeatsOfChoices", task_text(choices + "repeats: 2\n"), {"t.yaml:9", "output_type generate_until"}},
      {"CodeWithoutConsent",
       generate("metric_list: [{metric: pass@k}]\n"),
       {"t.yaml:8", "unsafe_code: true"}},
      {"MistypedField",
       "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: "
       "test\ndoc_to_text: qestion\ndoc_to_target: answer\n",
       {"t.yaml:5", "the field 'qestion'", "did you mean 'question'?"}},
      {"MistypedSlice",
       task_text(choices + "slices: [kinds]\n"),
       {"the field 'kinds'", "did you mean 'kind'?"}},
      {"MistypedGrounding",
       generate("grounding: sourc\n"),
       {"t.yaml:8", "'grounding' names the field 'sourc'"}},
      {"UndefinedVariable",
       task_text(choices + "description: \"{{qestion}}\"\n"),
       {"t.yaml", "qestion", "document 1"}},
      {"BrokenTemplate", task_text(choices + "description: \"{{question\"\n"), {"t.yaml"}},
      {"UnknownMetric",
       task_text(choices + "metric_list: [{metric: acc}, {metric: accuracyy}]\n"),
       {"t.yaml:9", "unknown metric 'accuracyy'"}},
      {"MistypedMetric",
       task_text(choices + "metric_list: [{metric: macro_f}]\n"),
       {"did you mean 'macro_f1'?"}},
      {"MetricAsText", task_text(choices + "metric_list: [acc]\n"), {"t.yaml:9", "no 'metric'"}},
      {"MetricOfAnotherType",
       task_text(choices + "metric_list: [{metric: json_valid}]\n"),
       {"'json_valid' does not apply to output_type multiple_choice"}},
      {"MetricWithoutItsKey",
       generate("metric_list: [{metric: field_f1}]\n"),
       {"'field_f1' needs a key", "schema"}},
      {"MetricWithoutGrounding",
       generate("metric_list: [{metric: unsupported_rate}]\n"),
       {"needs a key", "grounding"}},
      {"LabelsThatDiffer",
       task_text("doc_to_choice: \"{{['a', 'b']}}\"\nmetric_list: [{metric: macro_f1}]\n"),
       {"a fixed list of labels"}},
      {"MetricTwice",
       task_text(choices + "metric_list: [{metric: acc}, {metric: acc}]\n"),
       {"names 'acc' twice"}},
      {"MetricOption",
       task_text(choices + "metric_list: [{metric: acc, ignore_case: true}]\n"),
       {"unknown key 'ignore_case'"}},
      {"WrongDirection",
       task_text(choices + "metric_list: [{metric: acc, higher_is_better: false}]\n"),
       {"'higher_is_better' of 'acc' is true"}},
      {"OtherAggregation",
       task_text(choices + "metric_list: [{metric: acc, aggregation: median}]\n"),
       {"aggregation 'median'"}},
      {"OtherAggregationOfASet",
       task_text(choices + "metric_list: [{metric: mcc, aggregation: mean}]\n"),
       {"aggregation 'mean' of 'mcc'", "matthews_corrcoef"}},
      {"UnknownFilter",
       generate("filter_list: [{name: a, filter: [{function: regexp}]}]\n"),
       {"t.yaml:8", "unknown filter 'regexp'", "did you mean 'regex'?"}},
      {"FilterOption",
       generate("filter_list: [{name: a, filter: [{function: regex, pattern: x}]}]\n"),
       {"unknown key 'pattern'"}},
      {"GroupBeyondNumbers",
       generate(
           "filter_list: [{name: a, filter: [{function: regex, group_select: -9223372036854775808}]}]\n"),
       {"t.yaml:8", "'group_select' is no index", "-1000 to 1000"}},
      {"BadPattern",
       generate("filter_list: [{name: a, filter: [{function: regex, regex_pattern: \"(\"}]}]\n"),
       {"t.yaml:8", "'(' is not a regular expression"}},
      {"FilterOnChoices",
       task_text(choices + "filter_list: [{name: a, filter: [{function: take_first}]}]\n"),
       {"filters apply to generated answers only"}},
      {"FiltersOfOneName",
       generate("filter_list: [{name: a, filter: []}, {name: a, filter: []}]\n"),
       {"two entries named 'a'"}},
      {"TargetOutOfRange",
       task_text(choices),
       {"d.jsonl:2 (document 2)", "the target '7' is no choice"},
       "{\"question\":\"a\",\"answer\":1}\n{\"question\":\"b\",\"answer\":7}\n"},
      {"TargetNoChoice",
       task_text(choices),
       {"the target 'up' is no choice", "one of left, right"},
       "{\"question\":\"a\",\"answer\":\"up\"}\n"},
      {"FieldMissingInARow",
       task_text(choices),
       {"d.jsonl:2 (document 2)", "the field 'question' is missing"},
       "{\"question\":\"a\",\"answer\":1}\n{\"answer\":0}\n"},
      {"FieldIsNoText",
       task_text(choices),
       {"the field 'question'", "is no text"},
       "{\"question\":null,\"answer\":1}\n"},
      {"ChoicesAreNoList",
       task_text("doc_to_choice: \"{{question}}\"\n"),
       {"'doc_to_choice' gives no list of texts"}},
      {"EmptyData", task_text(choices), {"d.jsonl"}, ""},
      {"NegativeShots",
       task_text(choices + "num_fewshot: -1\n"),
       {"t.yaml:9", "'num_fewshot' has the wrong type"}},
      {"ShotsFromTheTestSplit",
       task_text(choices + "num_fewshot: 1\n"),
       {"no split to take the examples from", "fewshot_split: test"}},
      {"TooManyShots",
       task_text(choices + "num_fewshot: 2\nfewshot_split: test\n"),
       {"too few for 2 examples"}},
      {"UnknownSampler",
       task_text(choices + "fewshot_config: {sampler: balanced}\n"),
       {"unknown sampler 'balanced'"}},
      {"UnknownGenerationKey",
       generate("generation_kwargs: {penalty_alpha: 3}\n"),
       {"unknown key 'penalty_alpha'", "one of until, max_gen_toks"}},
      {"Beams", generate("generation_kwargs: {num_beams: 4}\n"), {"beams", "num_beams: 1"}},
      {"BadTemperature",
       generate("generation_kwargs: {temperature: hot}\n"),
       {"'temperature' has the wrong type"}},
      {"EmptyStop", generate("generation_kwargs: {until: [\"\"]}\n"), {"empty stop text"}},
      {"BadTruncate", generate("truncate: right\n"), {"'truncate' has the wrong type", "left or error"}},
      {"SchemaKeyword",
       generate("schema: {unevaluatedItems: false}\n"),
       {"unknown key 'unevaluatedItems'", "not supported yet"}},
      {"SchemaKeywordMistyped", generate("schema: {propertys: {}}\n"), {"did you mean 'properties'?"}},
      {"SchemaCount", generate("schema: {minItems: -1}\n"), {"'minItems' of a schema", "at least 0"}},
      {"SchemaPattern", generate("schema: {pattern: '('}\n"), {"the pattern '(' is not a regular"}},
      {"SchemaReference",
       generate("schema: {$ref: '#/$defs/a'}\n"),
       {"'#/$defs/a', where there is no schema"}},
      {"SchemaOfAnother", generate("schema: {$ref: 'http://a/b'}\n"), {"where there is no schema"}},
      {"SchemaReferenceIsNoText", generate("schema: {$ref: 5}\n"), {"where there is no schema"}},
      {"SchemaCircle",
       generate("schema: {properties: {a: {anyOf: [{$ref: '#/properties/a'}, {type: 'null'}]}}}\n"),
       {"leads back to itself"}},
      {"SchemaOfSchemas", generate("schema: {allOf: {type: object}}\n"), {"a list of schemas"}},
      {"SchemaType", generate("schema: {type: text}\n"), {"'text' is no type of JSON"}},
      {"SchemaTypeIsAMap", generate("schema: {type: {a: b}}\n"), {"'type' of a schema", "a list of types"}},
      {"SchemaXType", generate("schema: {properties: {a: {x-type: day}}}\n"), {"unknown x-type 'day'"}},
      {"TargetIsNoRecord", generate("schema: {type: object}\n"), {"document 1", "not a JSON object"}},
      {"TargetIsNoLabel", generate("labels: [a, b]\n"), {"none of the task's labels"}},
      {"LabelsAsMap", generate("labels: {a: {cost_of_miss: 5}}\n"), {"'labels' has the wrong type"}},
      {"CostOfMissBelowZero",
       generate("labels: [{name: a, cost_of_miss: -1}]\n"),
       {"'cost_of_miss' has the wrong type", "not below 0"}},
      {"LabelTwice", generate("labels: [a, {name: a}]\n"), {"'labels' names 'a' twice"}},
      {"CostWithoutCosts",
       generate("labels: [a, b]\nmetric_list: [{metric: cost_of_miss}]\n"),
       {"'cost_of_miss' needs a key", "{name: A, cost_of_miss: 20}"}},
      {"ClassIsNoLabel",
       generate("labels: [a, b]\nmetric_list: [{metric: recall, class: c}]\n"),
       {"'class' names 'c'", "one of a, b"}},
      {"NoClass",
       generate("labels: [a, b]\nmetric_list: [{metric: recall}]\n"),
       {"does not say of which class", "class: a"}},
      {"F1OfThreeLabels",
       generate("labels: [a, b, c]\nmetric_list: [{metric: f1}]\n"),
       {"does not say of which class"}},
      {"OneLabelAndSets",
       generate("labels: [a, b]\nmetric_list: [{metric: multilabel_f1}, {metric: mcc}]\n"),
       {"'mcc' is about documents with one label, 'multilabel_f1' about several"}},
      {"UnknownUnit",
       generate("metric_list: [{metric: edit_distance, unit: lines}]\n"),
       {"unknown unit 'lines'", "characters or words"}},
      {"NegativeTolerance",
       generate("metric_list: [{metric: numeric_match, tolerance: -1}]\n"),
       {"'tolerance' is not a number of at least 0"}},
      {"MajorityOfOne", generate("metric_list: [{metric: maj@k}]\n"), {"'maj@k' needs a key", "repeats"}},
      {"TakeFirstKOfOne",
       generate("filter_list: [{name: f, filter: [{function: take_first_k, k: 2}]}]\n"),
       {"'take_first_k' asks for 2 responses of 1", "repeats: 2"}},
      {"NoChoicesToFind",
       generate("filter_list: [{name: f, filter: [{function: multi_choice_regex}]}]\n"),
       {"needs the document's field 'choices'"}},
      {"TargetHasAnUnknownLabel",
       generate("labels: [a, b]\nmetric_list: [{metric: multilabel_f1}]\n"),
       {"has a name that is none of the task's labels", "some of a, b"}},
      {"NotYaml", "task: [\n", {"t.yaml:", "not valid YAML"}},
      {"NotAMap", "- task\n", {"not a task file"}},
      {"Empty", "", {"t.yaml"}},
      {"KeyTwice", "task: a\ntask: b\n", {"t.yaml:2", "the key 'task' is given twice"}},
      {"TwoDocuments", "task: a\n---\ntask: b\n", {"several YAML documents"}},
      {"DocumentsWithoutEnd", ",{\"qu\r\r\r\r", {"YAML"}},
      {"IncludesItself", "include: t.yaml\ntask: t\n", {"too many files include each other"}},
      {"IncludesNothing", "include: none.yaml\n", {"none.yaml"}},
      {"DeepYaml", "task: " + std::string(100'000, '['), {"t.yaml"}},
      {"DeepFlow", "task: " + std::string(200, '[') + std::string(200, ']'), {"nested too deeply"}},
      {"ManyAliases",
       "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "
       "[*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
       {"too many values"}},
      {"CyclicAlias", "task: &a [*a]\n", {"t.yaml"}},
  };
}

INSTANTIATE_TEST_SUITE_P(All, BadTask, testing::ValuesIn(bad_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Definition, ReadsGenerationOptions) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& extra) {
    Result<Definition> definition =
        read_definition(folder.write("t.yaml",
                                     "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: "
                                     "[a.jsonl, b.jsonl]}}\ntest_split: test\n"
                                     "doc_to_text: q\ndoc_to_target: a\n" +
                                         extra),
                        {});
    if (!definition) throw std::runtime_error(describe(definition.error()));
    return std::move(*definition);
  };
  const Definition plain = read("");
  EXPECT_EQ(plain.generation.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(plain.generation.max_tokens, 256);
  EXPECT_EQ(plain.truncation, Truncation::left);
  EXPECT_EQ(plain.data_files.at("test").size(), 2U);
  EXPECT_EQ(plain.data_files.at("test")[0].path, folder.path() / "a.jsonl");
  const Definition full = read(
      "truncate: error\ngeneration_kwargs: {until: [a, b], max_gen_toks: 9, do_sample: true, temperature: "
      "0.5, top_p: 0.9, top_k: 3, min_p: 0.1}\n");
  EXPECT_EQ(full.generation.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(full.generation.max_tokens, 9);
  EXPECT_DOUBLE_EQ(full.generation.temperature, 0.5);
  EXPECT_DOUBLE_EQ(full.generation.top_p, 0.9);
  EXPECT_EQ(full.generation.top_k, 3);
  EXPECT_EQ(full.truncation, Truncation::error);
  EXPECT_DOUBLE_EQ(read("generation_kwargs: {do_sample: false, temperature: 0.7}\n").generation.temperature,
                   0.0);
  EXPECT_DOUBLE_EQ(read("generation_kwargs: {do_sample: true}\n").generation.temperature, 1.0);
  EXPECT_TRUE(read("generation_kwargs: {until: []}\n").generation.stop.empty());
  // The harness's other names of max_gen_toks.
  EXPECT_EQ(read("generation_kwargs: {max_tokens: 5, max_new_tokens: 4}\n").generation.max_tokens, 4);
}

TEST(Definition, HashFollowsTheContentAfterIncludes) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", kRows);
  folder.write("base.yaml", task_text(kChoices));
  const auto hash = [&](const std::string& name, const std::string& text, const TaskOptions& options = {}) {
    return test::load(folder.write(name, text), options)->definition_hash();
  };
  const std::string base = test::load(folder.path() / "base.yaml")->definition_hash();
  EXPECT_EQ(hash("same.yaml", "include: base.yaml\n"), base);
  EXPECT_EQ(hash("comment.yaml", "# a comment\ninclude: base.yaml\ntask: t\n"), base);
  EXPECT_NE(hash("other.yaml", "include: base.yaml\ntarget_delimiter: \"\"\n"), base);
  EXPECT_NE(hash("shots.yaml", "include: base.yaml\nfewshot_split: test\n", {.num_fewshot = 1}),
            hash("shots0.yaml", "include: base.yaml\nfewshot_split: test\n"));
}

// Servers that hold answers to a schema write the members in its order: reasons before the answer, say.
TEST(Task, TheSchemaOfAnswersKeepsItsOrder) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", kRows);
  const std::string schema =
      "schema: {properties: {why: {type: string, x-type: text}, answer: {type: string}}}\n";
  const auto task = test::load(folder.write("t.yaml", task_text(schema, "generate_until")));
  EXPECT_EQ(task->answer_schema(), R"({"properties":{"why":{"type":"string"},"answer":{"type":"string"}}})");
  EXPECT_EQ(test::load(folder.write("c.yaml", task_text(kChoices)))->answer_schema(), "");
}

// What is said of judging comes with the task, and makes no other task of it: its answers are the same.
TEST(Task, TheKeyJudgeIsNoPartOfTheHash) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", kRows);
  const auto plain = test::load(folder.write("t.yaml", task_text("", "generate_until")));
  const std::string judge = "judge:\n  rubric: Be brief.\n  scale: [0, 10]\n";
  const auto judged = test::load(folder.write("t.yaml", task_text(judge, "generate_until")));
  EXPECT_EQ(plain->judge_rule(), "");
  EXPECT_EQ(judged->judge_rule(), R"({"rubric":"Be brief.","scale":[0,10]})");
  EXPECT_EQ(judged->definition_hash(), plain->definition_hash());
}

TEST(Task, SamplesHaveIdsSlicesAndHashes) {
  const TemporaryFolder folder;
  folder.write("d.jsonl",
               "{\"id\": \"a\", \"question\": \"1?\", \"answer\": 1, \"kind\": 3}\n{\"id\": \"a\", "
               "\"question\": \"2?\", \"answer\": [0, 1], \"kind\": true}\n"
               "{\"question\": \"3?\", \"answer\": \"right\", \"kind\": null}\n");
  const auto task = test::load(folder.write(
      "t.yaml",
      task_text(std::string(kChoices) + "slices: [kind]\nmetadata: {version: 2, description: words}\n")));
  const std::vector<Sample> samples = test::samples_of(*task);
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].id, "a");
  EXPECT_EQ(samples[1].id, "a#2");
  EXPECT_EQ(samples[2].id, "2");
  EXPECT_EQ(samples[0].slices.at("kind"), "3");
  EXPECT_EQ(samples[1].slices.at("kind"), "True");
  EXPECT_EQ(samples[0].target, "right");
  EXPECT_EQ(samples[1].target, "left | right");
  EXPECT_EQ(samples[2].gold, std::vector<int>{1});
  EXPECT_NE(samples[0].document_hash, samples[1].document_hash);
  EXPECT_EQ(samples[0].document_hash.size(), 64U);
  EXPECT_EQ(task->version(), "2");
  EXPECT_EQ(task->description(), "words");
  EXPECT_EQ(test::samples_of(*task, 2).size(), 2U);
  EXPECT_EQ(test::samples_of(*task, 99).size(), 3U);
}

TEST(Task, ChoicesGiveConfidenceAndTiesGoToTheFirst) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", kRows);
  const auto task = test::load(folder.write("t.yaml", task_text(kChoices)));
  const std::vector<Sample> samples = test::samples_of(*task);
  const auto score = [&](double left, double right) {
    std::vector<Reply> replies(2);
    replies[0].logprob = left;
    replies[1].logprob = right;
    return task->score(samples[0], replies);
  };
  EXPECT_EQ(score(-1.0, -1.0).answer, "left");
  EXPECT_DOUBLE_EQ(score(-1.0, -1.0).confidence, 0.5);
  EXPECT_NEAR(score(-1000.0, -1000.0 + std::log(3.0)).confidence, 0.75, 1e-12);
  EXPECT_EQ(score(-3.0, -1.0).scores.at("acc"), 1.0);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(score(-infinity, -5.0).answer, "right");
  EXPECT_TRUE(std::isnan(score(-infinity, -infinity).confidence));
}

TEST(Task, AFailedReplyGivesNoScores) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", kRows);
  const auto task = test::load(folder.write("t.yaml", task_text(kChoices)));
  std::vector<Reply> replies(2);
  replies[1].error = "too long";
  const Scored scored = task->score(test::samples_of(*task)[0], replies);
  EXPECT_TRUE(scored.scores.empty());
  EXPECT_TRUE(scored.no_answer);
  EXPECT_TRUE(std::isnan(test::aggregate(*task, "acc", {scored})));
}

TEST(Task, NanmeanLeavesOutWhatIsNoNumber) {
  const TemporaryFolder folder;
  folder.write("d.jsonl", kRows);
  Scored number;
  number.scores["acc"] = 1.0;
  Scored none;
  none.scores["acc"] = std::numeric_limits<double>::quiet_NaN();
  const auto mean_of = [&](const std::string& aggregation) {
    const auto task = test::load(folder.write(
        "t.yaml", task_text(std::string(kChoices) +
                            "metric_list: [{metric: acc, aggregation: " + aggregation + "}]\n")));
    return test::aggregate(*task, "acc", {number, none});
  };
  EXPECT_EQ(mean_of("nanmean"), 1.0);
  EXPECT_TRUE(std::isnan(mean_of("mean")));
}

TEST(Task, ReadsCsvAndLocalFiles) {
  const TemporaryFolder folder;
  folder.write("d.csv", "question,answer\na?,1\nb?,0\n");
  const auto task =
      test::load(folder.write("t.yaml",
                              "task: t\ndataset_path: d.csv\noutput_type: multiple_choice\ndoc_to_text: "
                              "question\ndoc_to_target: answer\ndoc_to_choice: [x, y]\n"));
  EXPECT_EQ(test::samples_of(*task)[0].gold, std::vector<int>{1});
  std::filesystem::create_directories(folder.path() / "set");
  folder.write("set/test.jsonl", kRows);
  const auto other = test::load(
      folder.write("u.yaml",
                   "task: u\ndataset_path: set\ntest_split: test\noutput_type: multiple_choice\ndoc_to_text: "
                   "question\ndoc_to_target: answer\ndoc_to_choice: [x, y]\n"));
  EXPECT_EQ(test::samples_of(*other).size(), 2U);
}

TEST(Task, FindsSplitsByTheNamesOfFiles) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "set" / "data");
  folder.write("set/data/train-0.jsonl", "{\"question\":\"t\",\"answer\":0}\n");
  folder.write("set/data/test-1.jsonl", "{\"question\":\"b\",\"answer\":1}\n");
  folder.write("set/data/test-0.jsonl", "{\"question\":\"a\",\"answer\":0}\n");
  folder.write("set/extra.jsonl", "{\"question\":\"x\",\"answer\":0}\n");
  const std::string rest =
      "output_type: multiple_choice\ndoc_to_text: question\ndoc_to_target: answer\n"
      "doc_to_choice: [x, y]\n";
  const auto test =
      test::load(folder.write("t.yaml", "task: t\ndataset_path: set\ntest_split: test\n" + rest));
  const auto samples = test::samples_of(*test);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].prompt.user, "a");
  EXPECT_EQ(samples[1].prompt.user, "b");
  const auto extra =
      test::load(folder.write("u.yaml", "task: u\ndataset_path: set\ntest_split: extra\n" + rest));
  EXPECT_EQ(test::samples_of(*extra)[0].prompt.user, "x");
}

TEST(Task, ReadsTextsByLineOrWhole) {
  const TemporaryFolder folder;
  folder.write("d.txt", "one\ntwo\n");
  const auto texts = [&](const std::string& more) {
    const auto task = test::load(folder.write(
        "t.yaml", "task: t\ndataset_path: text\ndataset_kwargs: {data_files: {test: d.txt}" + more +
                      "}\ntest_split: test\noutput_type: loglikelihood_rolling\ndoc_to_target: text\n"));
    std::vector<std::string> all;
    for (const Sample& sample : test::samples_of(*task)) all.push_back(sample.prompt.user);
    return all;
  };
  EXPECT_EQ(texts(""), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(texts(", sample_by: document"), (std::vector<std::string>{"one\ntwo\n"}));
}

class BadRowsOfATask : public testing::Test {
 protected:
  // Rows 1 and 3 (from 0) cannot be read, row 4 has no question.
  const std::string rows =
      "{\"question\":\"a\",\"answer\":0}\n{\"question\":\n{\"question\":\"c\",\"answer\":1}\n[]\n"
      "{\"answer\":0}\n{\"question\":\"f\",\"answer\":0}\n";
  // Ids of the samples, or the error.
  std::string ids(BadRows* bad, int64_t limit = 0, const std::string& more = "") const {
    folder.write("d.jsonl", rows);
    const auto task = load_task(
        folder.write("t.yaml",
                     "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\n"
                     "test_split: test\ndoc_to_text: '{{question}}'\ndoc_to_target: '{{answer}}'\n" +
                         more),
        {.num_fewshot = {}, .data_dir = {}, .overrides = {}, .held_documents = limit, .bad_rows = bad});
    if (!task) return describe(task.error());
    const auto samples = (*task)->samples(limit, bad);
    if (!samples) return describe(samples.error());
    std::string all;
    for (const Sample& sample : *samples) all += sample.id + " ";
    return all;
  }
  TemporaryFolder folder;
};

TEST_F(BadRowsOfATask, AreLeftOutUpToANumber) {
  BadRows bad(3);
  EXPECT_EQ(ids(&bad), "0 2 5 ") << "rows keep their numbers, so that runs can be compared";
  ASSERT_EQ(bad.shown().size(), 3u);
  EXPECT_TRUE(bad.shown()[0].place.ends_with("d.jsonl:2")) << bad.shown()[0].place;
  EXPECT_NE(describe(bad.shown()[2]).find("d.jsonl:5 (document 5)"), std::string::npos)
      << describe(bad.shown()[2]);
  BadRows two(2);
  EXPECT_NE(ids(&two).find("d.jsonl:5"), std::string::npos);
  EXPECT_NE(ids(nullptr).find("d.jsonl:2"), std::string::npos);
}

TEST_F(BadRowsOfATask, DocumentsThatAreNotHeldGiveTheSameSamplesEveryTime) {
  folder.write("d.jsonl", rows + "{\"question\":\"g\",\"answer\":1,\"id\":\"5\"}\n");
  const auto file = folder.write(
      "t.yaml",
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n"
      "doc_to_text: '{{question}}'\ndoc_to_target: '{{answer}}'\n");
  const auto samples = [&](int64_t held, int64_t limit) {
    BadRows bad(3);
    const auto task = load_task(file, {.held_documents = held, .bad_rows = &bad}).value();
    const auto read = [&](BadRows& counted) {
      std::string all;
      const std::vector<Sample> made = task->samples(limit, &counted).value();
      for (const Sample& sample : made) all += sample.id + sample.prompt.user + sample.document_hash + " ";
      return all;
    };
    const std::string first = read(bad);
    BadRows again(3);
    EXPECT_EQ(read(again), first);
    EXPECT_EQ(again.count(), limit == 2 ? 0 : 1) << "unreadable rows were counted when it was loaded";
    return fmt::format("{}{}", first, bad.count());
  };
  EXPECT_EQ(samples(1, 0), samples(0, 0));
  EXPECT_NE(samples(1, 0).find("5#2g"), std::string::npos);
  EXPECT_EQ(samples(1, 3), samples(0, 3));
  EXPECT_EQ(samples(1, 2), samples(0, 2));
}

TEST_F(BadRowsOfATask, RowsBeyondTheLimitAreCheckedToo) {
  BadRows bad(2);
  EXPECT_EQ(ids(&bad, 2), "0 2 ");
  EXPECT_EQ(bad.count(), 2);
  BadRows none;
  EXPECT_NE(ids(&none, 1).find("d.jsonl:2"), std::string::npos);
}

// Examples are drawn from all documents, whatever the limit: the same prompts with it and without.
TEST_F(BadRowsOfATask, ALimitDoesNotChangeWhereExamplesComeFrom) {
  folder.write("d.csv", "q,a\na,1\nb,2\nc,3\nd,4\ne,5\n");
  const auto file = folder.write(
      "u.yaml",
      "task: u\ndataset_path: csv\ndataset_kwargs: {data_files: {test: d.csv}}\ntest_split: test\n"
      "fewshot_split: test\nnum_fewshot: 2\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{a}}'\n");
  const auto all = test::samples_of(*test::load(file));
  const auto limited = test::samples_of(
      *test::load(file, {.num_fewshot = {}, .data_dir = {}, .overrides = {}, .held_documents = 1}), 1);
  ASSERT_EQ(limited.size(), 1u);
  EXPECT_EQ(limited[0].prompt.user, all[0].prompt.user);
}

}  // namespace
}  // namespace sizeup
