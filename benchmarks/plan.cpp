// What comes before the first product of a run in the form of MMLU, 5-shot: rendering the prompts, tokenising
// each with its four letters, and planning. The texts are the official ones where they are present
// (../shared, or SIZEUP_SHARED), repeated to MMLU's size; the planned requests are synthetic, of the same
// form:
//   SIZEUP_BENCH_TOKENIZER=tokenizer.json bench_reference --benchmark_filter='mmlu|requests'
#include "backends/engine/plan/plan.h"

#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>

#include "backends/engine/request_tokens.h"
#include "benchmarks/inputs.h"
#include "tasks/selection.h"
#include "tasks/task.h"

namespace sizeup {
namespace {

constexpr int kSubjects = 57;
constexpr int kQuestionsPerSubject = 246;  // 14,042 in all, nearly
constexpr size_t kQuestions = 14042;
constexpr int kExampleTokens = 700;
constexpr int kQuestionTokens = 90;
constexpr int kVocabulary = 128256;
constexpr int kLetters = 4;

// ---- Planning

std::vector<TokenRequest> mmlu_requests() {
  std::mt19937 random(1);
  const auto append = [&](std::vector<Token>& tokens, int count) {
    for (; count > 0; --count) tokens.push_back(static_cast<Token>(random() % kVocabulary));
  };
  std::vector<TokenRequest> requests;
  for (int subject = 0; subject < kSubjects; ++subject) {
    std::vector<Token> examples;
    append(examples, kExampleTokens);
    for (int question = 0; question < kQuestionsPerSubject; ++question) {
      std::vector<Token> tokens = examples;
      append(tokens, kQuestionTokens);
      for (Token letter = 0; letter < kLetters; ++letter) {
        requests.push_back(
            {.tokens = tokens, .targets = {letter}, .first_target = static_cast<int>(tokens.size()) - 1});
      }
    }
  }
  return requests;
}

// Many prompts that share examples, each with an answer of up to 256 tokens.
std::vector<TokenRequest> generating_requests() {
  std::vector<TokenRequest> requests;
  for (TokenRequest& request : mmlu_requests()) {
    if (request.targets.front() != 0 || requests.size() == kQuestions / 10) continue;
    requests.push_back({.tokens = std::move(request.tokens), .targets = {}, .max_new_tokens = 256});
  }
  return requests;
}

class Ignoring : public PlanListener {
 public:
  void on_target(int64_t, int, float, bool, const NextToken&) override {}
  std::optional<Token> on_next(int64_t, const NextToken& next) override { return next.best; }
  void on_done(int64_t) override {}
};

void plan_all(benchmark::State& state, const std::vector<TokenRequest>& requests) {
  Ignoring listener;
  StepResult result;
  PlanCounts counts;
  int64_t steps = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<TokenRequest> mine = requests;
    state.ResumeTiming();
    Plan plan({.max_rows = 2048, .pages = 512});
    plan.add(std::move(mine));
    for (; !plan.idle(); ++steps) {
      const Step& step = plan.next_step();
      result.best.resize(step.wanted.size());
      result.best_logprobs.resize(step.wanted.size());
      result.target_logprobs.resize(step.targets.size());
      plan.finish_step(result, listener);
    }
    counts = plan.counts();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(requests.size()));
  state.counters["rows"] = static_cast<double>(counts.rows_computed);
  state.counters["recomputed"] = static_cast<double>(counts.rows_recomputed);
  state.counters["steps"] = static_cast<double>(steps) / static_cast<double>(state.iterations());
}

void plan_mmlu(benchmark::State& state) {
  plan_all(state, mmlu_requests());
}
BENCHMARK(plan_mmlu)->Unit(benchmark::kMillisecond);

void plan_generating_requests(benchmark::State& state) {
  plan_all(state, generating_requests());
}
BENCHMARK(plan_generating_requests)->Unit(benchmark::kMillisecond);

// ---- Rendering and tokenising

std::filesystem::path shared(const std::string& name) {
  return std::filesystem::path(setting("SIZEUP_SHARED", SIZEUP_SOURCE_DIR "/../shared")) / name;
}

Result<std::vector<std::unique_ptr<Task>>> mmlu_tasks() {
  auto selection = select_tasks({"mmlu"}, SIZEUP_SOURCE_DIR "/tasks/definitions");
  if (!selection) return forward_error(selection);
  std::vector<std::unique_ptr<Task>> tasks;
  for (const SelectedTask& selected : selection->tasks) {
    auto task = load_task(
        selected.file, {.num_fewshot = 5, .data_dir = shared("datasets"), .overrides = selected.overrides});
    // Not every subject's test set is there.
    if (task) tasks.push_back(std::move(*task));
  }
  if (tasks.empty()) return bad_input(shared("datasets/mmlu").string(), "no subject of MMLU could be read");
  return tasks;
}

Result<std::vector<Sample>> mmlu_samples() {
  auto tasks = mmlu_tasks();
  if (!tasks) return forward_error(tasks);
  std::vector<Sample> all;
  while (all.size() < kQuestions) {
    for (const auto& task : *tasks) {
      auto samples = task->samples(0);
      if (!samples) return forward_error(samples);
      std::move(samples->begin(), samples->end(), std::back_inserter(all));
    }
  }
  all.resize(kQuestions);
  return all;
}

void render_mmlu(benchmark::State& state) {
  for (auto _ : state) {
    const auto samples = mmlu_samples();
    if (!samples) {
      state.SkipWithError(describe(samples.error()).c_str());
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kQuestions));
}
BENCHMARK(render_mmlu)->Unit(benchmark::kMillisecond);

Result<std::vector<Request>> mmlu_texts() {
  auto samples = mmlu_samples();
  if (!samples) return forward_error(samples);
  std::vector<Request> requests;
  for (const Sample& sample : *samples) {
    for (const Ask& ask : sample.asks) {
      const auto& score = std::get<AskScore>(ask);
      requests.push_back({.id = requests.size(),
                          .ask = ScoreContinuation{sample.prompt.system + sample.prompt.user,
                                                   score.delimiter + score.continuation}});
    }
  }
  return requests;
}

struct Texts {
  TextModel model;
  std::vector<Request> requests;
};

Result<Texts> load_texts() {
  auto tokenizer = load_tokenizer(std::filesystem::path(
      setting("SIZEUP_BENCH_TOKENIZER", shared("tokenizers/ggml-vocab-gpt-2.gguf").c_str())));
  if (!tokenizer) return forward_error(tokenizer);
  auto requests = mmlu_texts();
  if (!requests) return forward_error(requests);
  return Texts{TextModel(std::move(*tokenizer), std::nullopt, "2026-01-01T00:00:00"), std::move(*requests)};
}

void tokenise_mmlu(benchmark::State& state) {
  static const Result<Texts> texts = load_texts();  // of all threads
  if (!texts) {
    state.SkipWithError(describe(texts.error()).c_str());
    return;
  }
  const DecoderLimits limits{.context_length = 8192, .vocabulary = texts->model.tokenizer().vocabulary()};
  const size_t share = texts->requests.size() / static_cast<size_t>(state.threads());
  const size_t begin = share * static_cast<size_t>(state.thread_index());
  int64_t tokens = 0;
  for (auto _ : state) {
    tokens = 0;
    RequestTokeniser tokeniser(texts->model, limits);
    for (size_t i = begin; i < begin + share; ++i) {
      const auto tokenised = tokeniser.tokenise(texts->requests[i]);
      tokens += static_cast<int64_t>(tokenised->parts.front().tokens.size());
    }
  }
  state.counters["tokens"] = static_cast<double>(tokens);
}
BENCHMARK(tokenise_mmlu)->Threads(1)->Threads(2)->UseRealTime()->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
