// The store: rows in, and a million responses read back as reports and comparisons read them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "harness/decide/comparison.h"
#include "harness/store/read.h"
#include "harness/store/writer.h"
#include "reports/report.h"

namespace sizeup {
namespace {

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sizeup-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Two models write an answer of a sentence to each of `documents` questions.
struct Answers {
  std::vector<SampleRow> samples;
  Store::Plan plan;

  explicit Answers(int64_t documents) {
    for (int64_t i = 0; i < documents; ++i) {
      SampleRow sample;
      sample.document_id = fmt::format("{}", i);
      sample.document_hash = fmt::format("{:064x}", i * 0x9E3779B97F4A7C15U);
      sample.row = i;
      sample.prompt =
          fmt::format("Ticket {}: my parcel has not arrived, although it was sent a week ago.\nQueue:", i);
      sample.target = "orders";
      sample.slices = {{"language", i % 3 == 0 ? "de" : "en"}};
      samples.push_back(std::move(sample));
    }
    plan.samples.emplace_back(samples);
    plan.run.created_at = plan.run.now = "2026-11-26T03:00:00.000Z";
    plan.run.protocol = "generative";
    plan.run.settings = "{}";
    plan.run.program = "sizeup benchmark";
    plan.run.machine = "{}";
    for (const char* name : {"small", "large"}) {
      EvaluationRow evaluation;
      evaluation.model.name = evaluation.model.reference = evaluation.model.fingerprint = name;
      evaluation.model.card =
          fmt::format(R"({{"name":"{}","parameters":{}}})", name, name[0] == 's' ? 1000 : 9000);
      evaluation.task.name = "tickets";
      evaluation.task.definition_hash = evaluation.task.data_hash = "1";
      evaluation.task.output_type = "generate_until";
      evaluation.task.metrics = {{"exact_match", "", true, true}};
      evaluation.task.slice_fields = {"language"};
      evaluation.scenario = "offline";
      evaluation.protocol = "generative";
      evaluation.samples = documents;
      plan.evaluations.push_back(evaluation);
      plan.lists.push_back(0);
    }
  }
};

ResponseRow response_of(size_t model, int64_t document, const std::string& prompt) {
  ResponseRow row;
  row.key = fmt::format("{:064x}", document * 2 + static_cast<int64_t>(model));
  row.key_json = fmt::format(R"({{"ask":"generate","max_tokens":16,"model":"{}","prompt_sha256":"{}"}})",
                             model, row.key);
  row.prompt = prompt;
  row.text = "This is a question about an order that was sent.";
  row.finish = "stop";
  row.tokens.assign(10, static_cast<int32_t>(document % 30'000));
  row.token_logprobs.assign(10, -0.25F);
  row.prompt_tokens = 30;
  row.completion_tokens = 10;
  return row;
}

// Response and its use, answer, one score; the prompt is the other model's too.
constexpr int64_t kRowsPerAnswer = 4;

// Writes the answers of both models to the documents from `first` on. Returns how many rows that were.
int64_t write_answers(StoreWriter& writer, const Answers& answers, const Store::Planned& planned,
                      int64_t first, int64_t count) {
  for (size_t model = 0; model < 2; ++model) {
    for (int64_t i = first; i < first + count; ++i) {
      const int64_t sample = planned.sample_ids[0][static_cast<size_t>(i)];
      const int64_t evaluation = planned.evaluation_ids[model];
      ResponseRow response = response_of(model, i, answers.samples[static_cast<size_t>(i)].prompt);
      value_of(writer.write(ResponseWrite{std::move(response), {{evaluation, sample, 0}}}));
      AnswerRow answer;
      answer.evaluation_id = evaluation;
      answer.sample_id = sample;
      answer.answer = "orders";
      answer.confidence = 0.75;
      answer.scores = {{"exact_match", (i * 7 + static_cast<int64_t>(model)) % 10 < 7 ? 1.0 : 0.0}};
      value_of(writer.write(std::move(answer)));
    }
  }
  value_of(writer.flush());
  return 2 * count * kRowsPerAnswer + count;  // and a prompt for each document
}

// With the group commits of a run. range: documents.
void rows_in(benchmark::State& state) {
  const Answers answers(state.range(0));
  int64_t rows = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const Folder folder;
    Store store = value_of(Store::open(folder / "sizeup.db", StoreAccess::write));
    const Store::Planned planned = value_of(store.create_run(answers.plan));
    state.ResumeTiming();
    StoreWriter writer(store, {});
    rows += write_answers(writer, answers, planned, 0, state.range(0));
  }
  state.counters["rows/s"] = benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kIsRate);
}
BENCHMARK(rows_in)->Arg(20'000)->Unit(benchmark::kMillisecond)->UseRealTime();

void samples_in(benchmark::State& state) {
  const Answers answers(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const Folder folder;
    Store store = value_of(Store::open(folder / "sizeup.db", StoreAccess::write));
    state.ResumeTiming();
    value_of(store.create_run(answers.plan));
  }
  state.counters["rows/s"] = benchmark::Counter(static_cast<double>(state.range(0) * state.iterations()),
                                                benchmark::Counter::kIsRate);
}
BENCHMARK(samples_in)->Arg(100'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// A store of a million responses, made once.
const std::filesystem::path& million() {
  static const Folder folder;
  static const std::filesystem::path file = [] {
    constexpr int64_t kDocuments = 500'000;
    const std::filesystem::path made = folder / "million.db";
    const Answers answers(kDocuments);
    Store store = value_of(Store::open(made, StoreAccess::write));
    const Store::Planned planned = value_of(store.create_run(answers.plan));
    {
      StoreWriter writer(store, {});
      write_answers(writer, answers, planned, 0, kDocuments);
    }
    for (size_t model = 0; model < 2; ++model) {
      EvaluationRow evaluation;
      evaluation.id = planned.evaluation_ids[model];
      evaluation.finished_at = planned.run.created_at;
      const std::vector<ResultRow> results = {{"exact_match", "", "", 0.7, 0.699, 0.701, kDocuments}};
      value_of(store.finish_evaluation(evaluation, results, std::nullopt));
    }
    value_of(store.finish_run(planned.run.id, planned.run.created_at));
    return made;
  }();
  return file;
}

// `sizeup compare`: reads the scores of both models and compares them.
void compared(benchmark::State& state) {
  const Store store = value_of(Store::open(million(), StoreAccess::read));
  for (auto _ : state) {
    const Evidence small = value_of(load_evidence(store, "small"));
    const Evidence large = value_of(load_evidence(store, "large"));
    benchmark::DoNotOptimize(value_of(compare(small, large, {}, kDefaultMargin)).tasks.size());
  }
}
BENCHMARK(compared)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

void report_loaded(benchmark::State& state) {
  const Store store = value_of(Store::open(million(), StoreAccess::read));
  for (auto _ : state) benchmark::DoNotOptimize(value_of(load_report(store, "", {})).samples.size());
}
BENCHMARK(report_loaded)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

void report_written(benchmark::State& state) {
  const Folder folder;
  const Store store = value_of(Store::open(million(), StoreAccess::read));
  for (auto _ : state) {
    const ReportData data = value_of(load_report(store, "", {}));
    value_of(write_html(data, folder / "report.html"));
  }
}
BENCHMARK(report_written)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

}  // namespace
}  // namespace sizeup
