// Greedy answers to the bundled tasks, one at a time and eight at once, with and without drafts; and the
// search for a guess in a long text. Another model:
//   SIZEUP_BENCH_MODEL=model.gguf bench_reference --benchmark_filter='answers|guess'
#include <benchmark/benchmark.h>

#include <numeric>

#include "backends/engine/plan/prompt_lookup.h"
#include "backends/registry.h"
#include "benchmarks/inputs.h"
#include "tasks/selection.h"
#include "tasks/task.h"

namespace sizeup {
namespace {

constexpr int64_t kSamples = 60;  // of each task

Result<std::vector<Request>> requests_of(const std::string& task_name) {
  auto selection = select_tasks({task_name}, SIZEUP_SOURCE_DIR "/tasks/definitions");
  if (!selection) return forward_error(selection);
  auto task = load_task(selection->tasks.front().file, {});
  if (!task) return forward_error(task);
  auto samples = (*task)->samples(kSamples);
  if (!samples) return forward_error(samples);
  std::vector<Request> requests;
  for (const Sample& sample : *samples) {
    const auto& ask = std::get<AskGenerate>(sample.asks.front());
    std::vector<ChatMessage> messages;
    if (!sample.prompt.system.empty()) messages.push_back({"system", sample.prompt.system});
    messages.push_back({"user", sample.prompt.user});
    requests.push_back(
        {.id = requests.size(),
         .ask = Generate{
             .prompt = std::move(messages), .max_tokens = ask.max_tokens, .stop = ask.stop, .sampling = {}}});
  }
  return requests;
}

Result<std::unique_ptr<Backend>> open_model() {
  const std::string model =
      setting("SIZEUP_BENCH_MODEL", SIZEUP_SOURCE_DIR "/models/pocket/pocket-large.gguf");
  auto reference = ModelReference::parse(model);
  if (!reference) return forward_error(reference);
  return open_backend(*reference);
}

void answers(benchmark::State& state, const std::string& task) {
  static const Result<std::unique_ptr<Backend>> backend = open_model();  // of all benchmarks
  const auto requests = requests_of(task);
  if (!backend || !requests) {
    state.SkipWithError(describe(backend ? requests.error() : backend.error()).c_str());
    return;
  }
  const RunOptions options{.draft = state.range(1) != 0, .max_concurrent = static_cast<int>(state.range(0))};
  RunCounts counts;
  int64_t tokens = 0;
  for (auto _ : state) {
    ListSource source(*requests);
    FunctionSink sink([](Response&&) {});
    counts = (*backend)->run(source, sink, options, {}).value();
    tokens += counts.tokens_generated;
  }
  state.SetItemsProcessed(tokens);
  state.counters["generated"] = static_cast<double>(counts.tokens_generated);
  state.counters["drafted"] = static_cast<double>(counts.tokens_drafted);
  state.counters["accepted"] = static_cast<double>(counts.tokens_accepted);
}

void at_once(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"streams", "draft"})->ArgsProduct({{1, 8}, {0, 1}});
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(answers, pocket_gsm, "pocket-gsm")->Apply(at_once);
BENCHMARK_CAPTURE(answers, invoices, "invoices")->Apply(at_once);
BENCHMARK_CAPTURE(answers, pocket_code, "pocket-code")->Apply(at_once);

// The worst case: every eighth token is the last one, and the one before it never matches.
void guess(benchmark::State& state) {
  std::vector<Token> text(static_cast<size_t>(state.range(0)));
  std::iota(text.begin(), text.end(), 1);
  for (size_t i = 7; i < text.size(); i += 8) text[i] = 0;
  text.back() = 0;
  PromptLookup lookup;
  for (auto _ : state) benchmark::DoNotOptimize(lookup.guess(text));
}
BENCHMARK(guess)->Arg(1024)->Arg(32768)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sizeup
