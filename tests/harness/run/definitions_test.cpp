// The built-in definitions against lm-evaluation-harness's own task files: requests byte by byte, and what
// stories260K in float32 makes of them (golden: tests/oracles/definitions_lm_eval.py).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "datasets/readers/reader.h"
#include "harness/run/asking.h"
#include "harness/statistics/interval.h"
#include "run_fixture.h"
#include "tasks/sandbox/sandbox.h"

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-3;  // design: log-probabilities against the harness in float32
constexpr double kRounded = 6e-6;    // the golden values have five digits
constexpr size_t kHashDigits = 12;   // of the oracle
constexpr int kWrittenTokens = 24;   // of the oracle

const Json& golden() {
  static const Json all = Json::parse(read_whole(golden_folder() / "definitions" / "expected.json"));
  return all;
}

std::vector<Json> rows_of(const std::filesystem::path& file) {
  Result<Dataset> dataset = read_dataset(file);
  if (!dataset) throw std::runtime_error(describe(dataset.error()));
  return std::move(dataset->rows);
}

void write_lines(const std::filesystem::path& file, const std::vector<Json>& rows) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  for (const Json& row : rows) out << to_line(row) << "\n";
}

// The shared files have the two contexts: they are the same up to the options, which begin after a space.
void write_winogrande(const std::filesystem::path& folder) {
  std::vector<Json> rows;
  for (const Json& row : rows_of(shared_folder() / "datasets/winogrande/winogrande_val.jsonl")) {
    const auto first = row["context_options"][0].get<std::string>();
    const auto second = row["context_options"][1].get<std::string>();
    const auto same = static_cast<size_t>(
        std::mismatch(first.begin(), first.end(), second.begin(), second.end()).first - first.begin());
    const size_t space = first.rfind(' ', same == 0 ? 0 : same - 1);
    const size_t cut = space == std::string::npos ? 0 : space + 1;
    rows.push_back(
        Json::object({{"sentence", first.substr(0, cut) + "_ " + row["continuation"].get<std::string>()},
                      {"option1", first.substr(cut)},
                      {"option2", second.substr(cut)},
                      {"answer", std::to_string(row["gold"].get<int>() + 1)}}));
  }
  write_lines(folder / "winogrande/dev.jsonl", rows);
}

// The shared files have the joined context: up to the first space it stands for ctx_a, the rest for ctx_b.
void write_hellaswag(const std::filesystem::path& folder) {
  std::vector<Json> rows;
  for (const Json& row : rows_of(shared_folder() / "datasets/hellaswag/hellaswag_val_sample_dev.jsonl")) {
    const auto context = row["ctx"].get<std::string>();
    const size_t space = context.find(' ');
    rows.push_back(Json::object({{"ind", row["ind"]},
                                 {"activity_label", "Scene"},
                                 {"ctx_a", context.substr(0, space)},
                                 {"ctx_b", space == std::string::npos ? "" : context.substr(space + 1)},
                                 {"endings", row["endings"]},
                                 {"label", std::to_string(row["label"].get<int>())}}));
  }
  write_lines(folder / "hellaswag/hellaswag_val.jsonl", rows);
}

// How many of its documents have an answer.
int64_t answered_of(const Json& one) {
  const Json& documents = one["documents"];
  return std::count_if(documents.begin(), documents.end(),
                       [](const Json& document) { return document.contains("scores"); });
}

class DefinitionRun : public RunFixture, public testing::WithParamInterface<size_t> {
 protected:
  const Json& expected = golden().at(GetParam());
  const Json& documents = expected["documents"];
  const std::string task = expected["task"].get<std::string>();
  const int64_t answered = answered_of(expected);

  void SetUp() override {
    RunFixture::SetUp();
    const auto model = shared_folder() / "models" / "stories260K-F32.gguf";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "not here: " << model;
    settings.models = {"stories=" + model.string() + "?dtype=float32"};
    settings.tasks = {member()};
    settings.data_dir = data_dir();
  }

  std::filesystem::path data_dir() const {
    if (expected["data"] == "made up") return golden_folder() / "definitions" / "data";
    if (task == "winogrande") write_winogrande(folder);
    if (task == "hellaswag") write_hellaswag(folder);
    return task == "winogrande" || task == "hellaswag" ? folder : shared_folder() / "datasets";
  }

  bool option(const char* name) const { return expected["options"].value(name, false); }
  bool written() const { return expected["output_type"] == "generate_until"; }

  // A group of the one task, with what the oracle changed.
  std::string member() const {
    std::string text = "group: one\ntask:\n  - task: " + task + "\n";
    if (!expected["num_fewshot"].is_null())
      text += "    training_split: null\n    num_fewshot: " + to_line(expected["num_fewshot"]) + "\n";
    return own.write("group.yaml", text).string();
  }

  // As the oracle: fewer tokens than the definition allows.
  void shorten() {
    const std::string keys = fmt::format("    generation_kwargs: {{max_gen_toks: {}, until: {}}}\n",
                                         kWrittenTokens, to_line(expected["until"]));
    settings.tasks = {own.write("short.yaml", read_whole(settings.tasks[0]) + keys).string()};
  }

  std::unique_ptr<Task> open() const {
    const TaskSelection selected = select_tasks(settings.tasks, source_path("tasks/definitions")).value();
    Result<std::unique_ptr<Task>> opened_task = load_task(
        selected.tasks.at(0).file, {.data_dir = settings.data_dir,
                                    .overrides = selected.tasks.at(0).overrides,
                                    .system_instruction = expected["options"].value("system_instruction", ""),
                                    .fewshot_as_multiturn = option("fewshot_as_multiturn")});
    if (!opened_task) throw std::runtime_error(describe(opened_task.error()));
    return std::move(*opened_task);
  }
};

// As the oracle's chat template.
std::string shown(const Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  const auto& messages = std::get<std::vector<ChatMessage>>(prompt);
  std::string out;
  for (const auto& [role, content] : messages) out += "<" + role + ">" + content;
  return messages.back().role == "assistant" ? out : out + "<assistant>";
}

std::string request_text(const Sample& sample, size_t index, bool chat) {
  const Prompt prompt = prompt_of(text_of(sample, sample.asks[index]), chat);
  const Request request = request_of(sample, sample.asks[index], index, prompt, {.chat_template = chat});
  if (const auto* rolling = std::get_if<ScoreText>(&request.ask)) return "\n---\n" + rolling->text;
  const auto* score = std::get_if<ScoreContinuation>(&request.ask);
  return shown(prompt) + "\n---\n" + (score == nullptr ? "" : score->continuation);
}

std::string requests_text(const Sample& sample, bool chat) {
  std::vector<std::string> requests;
  for (size_t ask = 0; ask < sample.asks.size(); ++ask) requests.push_back(request_text(sample, ask, chat));
  return fmt::format("{}", fmt::join(requests, "\n---\n"));
}

std::string hash_of(const std::string& text) {
  return sha256_hex(text).substr(0, kHashDigits);
}

TEST_P(DefinitionRun, RequestsAreTheHarnesss) {
  if (task == "mbpp" && !SandboxPool::open({})) GTEST_SKIP() << "no sandbox here";
  const Result<std::vector<Sample>> samples = open()->samples(static_cast<int64_t>(documents.size()));
  ASSERT_TRUE(samples) << describe(samples.error());
  ASSERT_EQ(samples->size(), documents.size());
  for (size_t i = 0; i < samples->size(); ++i) {
    const Sample& sample = (*samples)[i];
    const std::string text = requests_text(sample, option("apply_chat_template"));
    EXPECT_EQ(hash_of(text), documents[i]["requests"].get<std::string>()) << "document " << i << ":\n"
                                                                          << text;
    const auto* write = std::get_if<AskGenerate>(&sample.asks[0]);
    ASSERT_EQ(write != nullptr, written());
    if (write == nullptr) continue;
    EXPECT_EQ(Json(write->stop), expected["until"]);
    EXPECT_EQ(write->max_tokens, expected["max_gen_toks"]);
  }
}

// Our name of one of the harness's "acc,none": MC2 is called acc there, and a single filter is not named
// here.
std::string our_name(const std::string& key, const std::string& task, bool many_filters) {
  if (many_filters) return key;
  return task == "truthfulqa_mc2" ? "mc2" : key.substr(0, key.find(','));
}

void check_answer(const AnswerRow& answer, const std::vector<ResponseRow>& responses, const Json& document,
                  const std::string& task) {
  const Json answers = document.value("answers", Json::object());
  if (document.contains("text")) {
    ASSERT_EQ(responses.size(), 1U);
    EXPECT_EQ(responses[0].text, document["text"].get<std::string>());
    // The store has one answer: that of the only filter.
    if (answers.size() == 1) {
      EXPECT_EQ(answer.answer, answers.begin()->get<std::string>());
    }
  } else {
    ASSERT_EQ(responses.size(), document["logprobs"].size());
    std::string greedy;
    for (size_t i = 0; i < responses.size(); ++i) {
      EXPECT_NEAR(responses[i].logprob, document["logprobs"][i].get<double>(), kTolerance);
      greedy += responses[i].greedy ? '1' : '0';
    }
    // Of a whole text the harness keeps no flag.
    EXPECT_EQ(document.value("greedy", greedy), greedy);
  }
  for (const auto& [key, value] : document["scores"].items()) {
    const std::string name = our_name(key, task, answers.size() > 1);
    ASSERT_TRUE(answer.scores.contains(name)) << name;
    EXPECT_NEAR(answer.scores.at(name), value.get<double>(), name == "mc2" ? kTolerance : kRounded);
  }
}

// Those whose answers are compared too.
class DefinitionAnswers : public DefinitionRun {};

TEST_P(DefinitionAnswers, AnswersAndResultsAreTheHarnesss) {
  settings.limit = answered;
  if (written()) shorten();
  Result<RunSummary> summary = execute(settings, progress, stop.get_token(),
                                       RunEnvironment::standard(source_path("tasks/definitions")));
  ASSERT_TRUE(summary) << describe(summary.error());
  const EvaluationSummary& evaluation = summary->evaluations.at(0);
  const Store stored = store();
  const auto samples = read_samples(stored, evaluation.evaluation_id).value();
  const auto answers = read_answers(stored, evaluation.evaluation_id).value();
  ASSERT_EQ(static_cast<int64_t>(samples.size()), answered);
  std::map<std::string, std::vector<double>> scores;
  for (size_t i = 0; i < samples.size(); ++i) {
    SCOPED_TRACE(samples[i].document_id);
    const auto responses = read_responses(stored, evaluation.evaluation_id, samples[i].id).value();
    check_answer(answers[i], responses, documents[i], task);
    for (const auto& [name, score] : answers[i].scores) scores[name].push_back(score);
  }
  const bool many_filters = documents[0].value("answers", Json::object()).size() > 1;
  constexpr std::string_view kError = "_stderr";
  for (const auto& [key, value] : expected["results"].items()) {
    SCOPED_TRACE(key);
    std::string result_key = key;
    const size_t error = key.find(kError);
    if (error != std::string::npos) result_key.erase(error, kError.size());
    const std::string name = our_name(result_key, task, many_filters);
    const bool mean = scores.contains(name);
    // Perplexities follow from log-probabilities: their tolerance is relative.
    const double bound = name == "mc2" ? kTolerance : mean ? kRounded : kTolerance * value.get<double>();
    if (error != std::string::npos) {
      ASSERT_TRUE(mean);
      EXPECT_NEAR(standard_error(scores.at(name)), value.get<double>(), bound);
      continue;
    }
    const auto ours = std::find_if(evaluation.results.begin(), evaluation.results.end(),
                                   [&](const ResultRow& row) { return row.metric == name; });
    ASSERT_NE(ours, evaluation.results.end()) << name;
    EXPECT_NEAR(ours->value, value.get<double>(), bound);
  }
}

// Data for every member of the large groups: they differ in descriptions and examples.
void write_member_data(const std::filesystem::path& folder) {
  for (const char* split : {"dev", "test"}) std::filesystem::create_directories(folder / "mmlu" / split);
  const auto dev = std::filesystem::directory_iterator(shared_folder() / "datasets/mmlu/dev");
  for (const auto& file : dev) {
    const std::string stem = file.path().stem().string();
    const std::string subject = stem.substr(0, stem.rfind("_dev"));
    std::filesystem::copy_file(file, folder / "mmlu/dev" / file.path().filename());
    std::filesystem::copy_file(file, folder / "mmlu/test" / (subject + "_test.csv"));
  }
  std::filesystem::copy(golden_folder() / "definitions/data/mmlu_pro", folder / "mmlu_pro");
  const std::string prefix = "bbh_fewshot_";
  for (const auto& file : std::filesystem::directory_iterator(source_path("tasks/definitions/bbh_fewshot"))) {
    const std::string stem = file.path().stem().string();
    if (stem.starts_with(prefix)) {
      write_lines(folder / "bbh" / (stem.substr(prefix.size()) + ".json"),
                  {Json::parse(R"({"examples": [{"input": "One?", "target": "yes"}]})")});
    }
  }
}

TEST(Definitions, EveryMemberIsWordedAsTheHarnesss) {
  if (!std::filesystem::exists(shared_folder() / "datasets")) GTEST_SKIP() << "no official data here";
  const TemporaryFolder folder;
  write_member_data(folder.path());
  for (const Json& one : Json::parse(read_whole(golden_folder() / "definitions" / "wording.json"))) {
    SCOPED_TRACE(one["task"]);
    TaskOptions options;
    options.data_dir = folder.path();
    if (!one["num_fewshot"].is_null()) options.num_fewshot = one["num_fewshot"].get<int>();
    const auto selected = select_tasks({one["task"].get<std::string>()}, source_path("tasks/definitions"));
    ASSERT_TRUE(selected) << describe(selected.error());
    const Result<std::unique_ptr<Task>> task = load_task(selected->tasks.at(0).file, options);
    ASSERT_TRUE(task) << describe(task.error());
    const Result<std::vector<Sample>> samples = (*task)->samples(1);
    ASSERT_TRUE(samples) << describe(samples.error());
    const std::string text = requests_text(samples->at(0), false);
    EXPECT_EQ(hash_of(text), one["requests"].get<std::string>()) << text;
  }
}

// docs/tasks.md claims what the tests above compare, no more.
TEST(Definitions, TheTableInTheDocumentationIsWhatIsCompared) {
  std::string table;
  for (const Json& one : golden()) {
    std::set<std::string> results;
    for (const auto& [key, value] : one["results"].items()) results.insert(key.substr(0, key.find(',')));
    table += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", one["task"].get<std::string>(),
                         one["form"].get<std::string>(), one["data"] == "shared" ? "official" : "made up",
                         one["documents"].size(), answered_of(one), fmt::join(results, ", "));
  }
  const std::string page = read_whole(source_path("docs/tasks.md"));
  const size_t end = page.find("<!-- end of agreement -->");
  ASSERT_NE(end, std::string::npos);
  ASSERT_GE(end, table.size());
  EXPECT_EQ(page.substr(end - table.size(), table.size()), table)
      << "tests/oracles/definitions_lm_eval.py --table writes it";
}

std::vector<size_t> with_answers() {
  std::vector<size_t> out;
  for (size_t i = 0; i < golden().size(); ++i) {
    if (answered_of(golden()[i]) > 0) out.push_back(i);
  }
  return out;
}

std::string case_name(const testing::TestParamInfo<size_t>& info) {
  const Json& one = golden().at(info.param);
  std::string name = one["task"].get<std::string>() + "_" + one["form"].get<std::string>();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == ','; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Definitions, DefinitionRun, testing::Range(size_t{0}, golden().size()), case_name);
INSTANTIATE_TEST_SUITE_P(Definitions, DefinitionAnswers, testing::ValuesIn(with_answers()), case_name);

}  // namespace
}  // namespace sizeup
