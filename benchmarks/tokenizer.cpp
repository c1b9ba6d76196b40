// Text to tokens and back: over the bundled test set line by line, as a run's prompts come, and over
// any text with any tokenizer:
//   SIZEUP_BENCH_TOKENIZER=tokenizer.json SIZEUP_BENCH_TEXT=text.txt bench_reference --benchmark_filter=code
#include "backends/engine/tokenizer/tokenizer.h"

#include <benchmark/benchmark.h>

#include <sstream>

#include "benchmarks/inputs.h"

namespace sizeup {
namespace {

struct Setup {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> lines;
  int64_t bytes = 0;
};

Result<Setup> set_up() {
  auto tokenizer = load_tokenizer(std::filesystem::path(
      setting("SIZEUP_BENCH_TOKENIZER", SIZEUP_SOURCE_DIR "/models/pocket/pocket-small.gguf")));
  if (!tokenizer) return forward_error(tokenizer);
  auto text =
      read_file(setting("SIZEUP_BENCH_TEXT", SIZEUP_SOURCE_DIR "/datasets/bundled/helpdesk/test.jsonl"));
  if (!text) return forward_error(text);
  Setup setup;
  setup.tokenizer = std::move(*tokenizer);
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);) {
    setup.bytes += static_cast<int64_t>(line.size());
    setup.lines.push_back(std::move(line));
  }
  return setup;
}

void encode(benchmark::State& state) {
  const Result<Setup> setup = set_up();
  if (!setup) {
    state.SkipWithError(describe(setup.error()).c_str());
    return;
  }
  int64_t tokens = 0;
  for (auto _ : state) {
    for (const std::string& line : setup->lines) {
      tokens += static_cast<int64_t>(setup->tokenizer->encode(line, {}).size());
    }
  }
  state.SetItemsProcessed(tokens);
  state.SetBytesProcessed(state.iterations() * setup->bytes);
}
BENCHMARK(encode)->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
  const Result<Setup> setup = set_up();
  if (!setup) {
    state.SkipWithError(describe(setup.error()).c_str());
    return;
  }
  std::vector<std::vector<Token>> encoded;
  for (const std::string& line : setup->lines) encoded.push_back(setup->tokenizer->encode(line, {}));
  int64_t tokens = 0;
  for (auto _ : state) {
    for (const std::vector<Token>& ids : encoded) {
      benchmark::DoNotOptimize(setup->tokenizer->decode(ids, true));
      tokens += static_cast<int64_t>(ids.size());
    }
  }
  state.SetItemsProcessed(tokens);
}
BENCHMARK(decode)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
