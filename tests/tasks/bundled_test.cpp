// The built-in tasks: perfect answers get perfect scores, wrong ones do not.
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "tasks/filters.h"
#include "tasks/selection.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

std::filesystem::path definitions() {
  return source_path("tasks/definitions");
}

std::unique_ptr<Task> built_in(const std::string& name) {
  const Result<TaskSelection> selected = select_tasks({name}, definitions());
  if (!selected) throw std::runtime_error(describe(selected.error()));
  return test::load(selected->tasks.at(0).file);
}

// What a model that always knows would reply.
std::vector<Reply> perfect(const Sample& sample) {
  std::vector<Reply> replies(sample.asks.size());
  for (size_t i = 0; i < replies.size(); ++i) replies[i].logprob = -10.0;
  for (const int choice : sample.gold) replies[static_cast<size_t>(choice)].logprob = -0.1;
  if (sample.gold.empty()) replies[0].text = sample.accepted.at(0);
  return replies;
}

std::map<std::string, double> results(const Task& task,
                                      const std::function<std::vector<Reply>(const Sample&)>& model) {
  std::vector<Scored> scored;
  for (const Sample& sample : test::samples_of(task)) scored.push_back(task.score(sample, model(sample)));
  std::map<std::string, double> out;
  for (const MetricInfo& metric : task.metrics())
    out[metric.name] = test::aggregate(task, metric.name, scored);
  return out;
}

std::map<std::string, double> results_of_text(const Task& task, const std::string& text) {
  return results(task, [&](const Sample&) {
    std::vector<Reply> replies(1);
    replies[0].text = text;
    return replies;
  });
}

TEST(Bundled, HelpdeskPerfectAndConstant) {
  const auto task = built_in("helpdesk");
  const Sample first = test::samples_of(*task, 1)[0];
  EXPECT_EQ(first.id, "helpdesk-001");
  EXPECT_EQ(first.asks.size(), 8U);
  EXPECT_EQ(first.slices.size(), 4U);
  EXPECT_EQ(results(*task, perfect), (std::map<std::string, double>{{"acc", 1.0}, {"macro_f1", 1.0}}));
  const auto constant =
      results(*task, [](const Sample& sample) { return std::vector<Reply>(sample.asks.size()); });
  EXPECT_LT(constant.at("acc"), 0.5);
  EXPECT_LT(constant.at("macro_f1"), constant.at("acc"));
}

TEST(Bundled, ShuffledHelpdeskAsksTheSameQuestions) {
  const auto task = built_in("helpdesk");
  const auto control = built_in("helpdesk-shuffled");
  const auto samples = test::samples_of(*task);
  const auto shuffled = test::samples_of(*control);
  ASSERT_EQ(samples.size(), shuffled.size());
  size_t same = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].prompt.user, shuffled[i].prompt.user);
    same += samples[i].target == shuffled[i].target ? 1 : 0;
  }
  EXPECT_LT(same, samples.size() / 2);
  EXPECT_NE(task->data_hash(), control->data_hash());
}

// Whoever is always right is so in every variant; each variant asks something else about the same documents.
TEST(Bundled, VariantsKeepTheTarget) {
  for (const auto& [name, of, variants] :
       {std::tuple{"helpdesk-variants", "helpdesk", 8U}, std::tuple{"handbook-variants", "handbook", 7U}}) {
    SCOPED_TRACE(name);
    const auto task = built_in(name);
    const auto samples = test::samples_of(*task);
    std::map<std::string, std::string> targets;
    for (const Sample& sample : test::samples_of(*built_in(of))) targets[sample.id] = sample.target;
    std::map<std::string, std::set<std::string>> prompts;
    std::set<std::string> asked;
    for (const Sample& sample : samples) {
      EXPECT_EQ(sample.target, targets.at(sample.id.substr(0, sample.id.find(':'))));
      prompts[sample.document_hash].insert(sample.prompt.user);
      asked.insert(sample.slices.at("variant"));
    }
    EXPECT_EQ(asked.size(), variants);
    EXPECT_EQ(samples.size(), prompts.size() * variants);
    for (const auto& [document, different] : prompts) EXPECT_GE(different.size(), variants - 3);
  }
}

TEST(Bundled, InvoicesPerfectAndEmpty) {
  const auto task = built_in("invoices");
  const auto best = results(*task, perfect);
  EXPECT_DOUBLE_EQ(best.at("record_exact"), 1.0);
  EXPECT_DOUBLE_EQ(best.at("field_f1"), 1.0);
  EXPECT_DOUBLE_EQ(best.at("json_valid"), 1.0);
  EXPECT_DOUBLE_EQ(best.at("fabricated_rate"), 0.0);  // everything expected is in the text
  const auto fabricated = results_of_text(
      *task,
      R"({"vendor":"Nobody Ltd","number":"XX-000","date":"1901-01-01","due":null,"total":"0.01","currency":"EUR"})");
  EXPECT_DOUBLE_EQ(fabricated.at("record_exact"), 0.0);
  EXPECT_GT(fabricated.at("fabricated_rate"), 0.7);
  const auto nothing = results_of_text(*task, "I cannot read this.");
  EXPECT_DOUBLE_EQ(nothing.at("json_valid"), 0.0);
  EXPECT_DOUBLE_EQ(nothing.at("field_f1"), 0.0);
}

TEST(Bundled, HandbookPerfectRefusingAndInventing) {
  const auto task = built_in("handbook");
  const auto best = results(*task, perfect);
  EXPECT_DOUBLE_EQ(best.at("exact_match"), 1.0);
  EXPECT_DOUBLE_EQ(best.at("hallucination_rate"), 0.0);
  EXPECT_DOUBLE_EQ(best.at("f_score"), 1.0);
  EXPECT_DOUBLE_EQ(best.at("abstention"), 1.0);
  EXPECT_LT(best.at("unsupported_rate"), 0.05);
  const auto silent = results_of_text(*task, "Not in the handbook.");
  EXPECT_DOUBLE_EQ(silent.at("attempted"), 0.0);
  EXPECT_DOUBLE_EQ(silent.at("hallucination_rate"), 0.0);
  EXPECT_DOUBLE_EQ(silent.at("abstention"), 1.0);
  EXPECT_TRUE(std::isnan(silent.at("unsupported_rate")));
  const auto inventing = results_of_text(*task, "Zebulon Quux, extension 99999");
  EXPECT_DOUBLE_EQ(inventing.at("hallucination_rate"), 1.0);
  EXPECT_DOUBLE_EQ(inventing.at("unsupported_rate"), 1.0);
  EXPECT_DOUBLE_EQ(inventing.at("abstention"), 0.0);
}

TEST(Bundled, PocketMmluPerfect) {
  const auto task = built_in("pocket-mmlu");
  EXPECT_EQ(results(*task, perfect), (std::map<std::string, double>{{"acc", 1.0}, {"acc_norm", 1.0}}));
}

TEST(Bundled, PocketGsmCountsTheFinalNumber) {
  const auto task = built_in("pocket-gsm");
  const std::vector<Sample> samples = test::samples_of(*task);
  ASSERT_EQ(samples.size(), 330U);
  EXPECT_EQ(samples[0].slices.size(), 3U);
  const std::string strict = "exact_match,strict-match", flexible = "exact_match,flexible-extract";
  EXPECT_EQ(results(*task, perfect), (std::map<std::string, double>{{strict, 1.0}, {flexible, 1.0}}));
  // Answers made of the expected one: right steps before a wrong number, and the right number without its
  // mark.
  const auto altered = [&](const std::function<std::string(const std::string&)>& alter) {
    return results(*task, [&](const Sample& sample) {
      std::vector<Reply> replies(1);
      replies[0].text = alter(sample.accepted.at(0));
      return replies;
    });
  };
  EXPECT_EQ(altered([](const std::string& answer) { return answer + "1"; }),
            (std::map<std::string, double>{{strict, 0.0}, {flexible, 0.0}}));
  EXPECT_EQ(altered([](std::string answer) { return answer.replace(answer.find("#### "), 5, "It is "); }),
            (std::map<std::string, double>{{strict, 0.0}, {flexible, 1.0}}));
}

TEST(Catalogue, ListsGroupsThenTasks) {
  const Result<std::vector<TaskListing>> tasks = list_tasks(definitions());
  ASSERT_TRUE(tasks) << describe(tasks.error());
  std::map<std::string, TaskListing> by_name;
  std::vector<std::string> shown;
  for (const TaskListing& task : *tasks) {
    EXPECT_FALSE(task.description.empty()) << task.name;
    EXPECT_EQ(task.name, task.file.stem()) << "a built-in task is found by its file's name";
    EXPECT_TRUE(by_name.emplace(task.name, task).second) << task.name;
    if (!task.is_member) shown.push_back(task.name);
  }
  EXPECT_THAT(
      shown,
      testing::ElementsAre(
          "bbh_cot_fewshot", "bbh_fewshot", "mmlu", "mmlu_continuation", "mmlu_flan_n_shot_loglikelihood",
          "mmlu_generative", "mmlu_pro", "arc_challenge", "arc_easy", "gsm8k", "gsm8k_cot", "gsm8k_cot_llama",
          "gsm8k_cot_zeroshot", "halueval_qa", "handbook", "handbook-confidence", "handbook-likelihood",
          "handbook-passages", "handbook-variants", "hellaswag", "helpdesk", "helpdesk-shuffled",
          "helpdesk-variants", "humaneval", "humaneval_64", "humaneval_instruct", "invoices",
          "lambada_openai", "lambada_standard", "mbpp", "mt_bench", "piqa", "pocket-code", "pocket-gsm",
          "pocket-mmlu", "truthfulqa_mc1", "truthfulqa_mc2", "wikitext", "winogrande"));
  EXPECT_EQ(by_name.at("mmlu").tasks, 57U);
  EXPECT_EQ(by_name.at("mmlu_stem").tasks, 19U);
  EXPECT_TRUE(by_name.at("mmlu_stem").is_member);
}

TEST(Catalogue, MetricTableDocumentsItself) {
  const std::vector<MetricListing> metrics = metric_table();
  EXPECT_GE(metrics.size(), 30U);
  for (const MetricListing& metric : metrics) {
    EXPECT_FALSE(metric.info.description.empty()) << metric.info.name;
    EXPECT_FALSE(metric.output_types.empty()) << metric.info.name;
  }
}

TEST(Docs, TablesOfMetricsAndFiltersAreTheProgramS) {
  const std::string docs = read_whole(source_path("docs/metrics.md"));
  for (const MetricListing& metric : metric_table()) {
    const std::string row = "| `" + metric.info.name + "` | " +
                            (metric.info.higher_is_better ? "higher" : "lower") + " | " +
                            metric.info.description + " | `" + metric.example + "` |\n";
    EXPECT_THAT(docs, testing::HasSubstr(row));
  }
  for (const FilterListing& filter : filter_table()) {
    EXPECT_THAT(docs, testing::HasSubstr("| `" + filter.name + "` | " + filter.description + " |\n"));
  }
  const size_t rows = metric_table().size() + filter_table().size();
  size_t written = 0;
  for (size_t at = docs.find("\n| `"); at != std::string::npos; at = docs.find("\n| `", at + 1)) ++written;
  EXPECT_EQ(written, rows) << "a row of docs/metrics.md is no metric or filter";
}

// The example of each metric, made a task file, is read, and has that metric.
TEST(Catalogue, ExamplesOfMetricsAreTaskFiles) {
  for (const MetricListing& metric : metric_table()) {
    SCOPED_TRACE(metric.info.name);
    const TemporaryFolder folder;
    folder.write("d.jsonl", "{\"question\": \"a?\", \"answer\": \"b\", \"passage\": \"c\"}\n");
    const std::string text =
        "{task: t, dataset_path: json, dataset_kwargs: {data_files: {test: d.jsonl}}, test_split: test, "
        "output_type: " +
        std::string(name_of(metric.output_types.back())) +
        ", doc_to_text: question, doc_to_target: answer, " + metric.example + "}\n";
    Result<std::unique_ptr<Task>> task = load_task(folder.write("t.yaml", text), {});
    if (!task && task.error().kind == ErrorKind::unavailable) continue;  // no sandbox on this machine
    ASSERT_TRUE(task) << describe(task.error());
    const std::string name = (*task)->metrics().front().name;
    const std::string family = metric.info.name.substr(0, metric.info.name.find_first_of("@^"));
    EXPECT_EQ(name.substr(0, family.size()), family);
  }
}

TEST(Hostile, OneMegabyteAnswersAreScored) {
  for (const char* name : {"invoices", "handbook", "pocket-gsm"}) {
    const auto task = built_in(name);
    const auto samples = test::samples_of(*task, 1);
    for (const std::string& text :
         {std::string(1 << 20, 'A'), std::string(1 << 20, '\xFF'), std::string(1 << 20, '{'),
          std::string(1 << 20, '7'), std::string(1 << 20, '.'), std::string(1 << 20, '\n'),
          "{\"a\":" + std::string(1 << 19, '[')}) {
      const Scored scored = test::score_text(*task, samples[0], text);
      EXPECT_EQ(scored.scores.begin()->second, 0.0);
    }
  }
}

}  // namespace
}  // namespace sizeup
