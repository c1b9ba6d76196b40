// What the machine could do at most in the same run, so that other numbers can be read as shares of it.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>
#include <vector>

#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

#if defined(__x86_64__)
// Separate multiplications and additions, as the reference device's contract on bits has them (a fused
// multiply-add rounds once, and would count double here).
using Lanes = float __attribute__((vector_size(64)));
constexpr int kSums = 12;  // latency 4 x 2 pipes, with some to spare; all stay in registers
constexpr int kSteps = 1 << 16;

[[gnu::target("avx512f"), gnu::noinline]] float multiply_and_add(float start) {
  Lanes sums[kSums];
  for (Lanes& sum : sums) sum = Lanes{} + start;
  Lanes factor = Lanes{} + 0.5F;
  for (int step = 0; step < kSteps; ++step) {
    asm("" : "+v"(factor));  // a product that the compiler cannot take out of the loop
    for (Lanes& sum : sums) {
      Lanes value = factor;
      asm("" : "+v"(value));
      sum += value * factor;
    }
  }
  float total = 0;
  for (const Lanes& sum : sums) total += sum[0];
  return total;
}

void peak_multiply_and_add(benchmark::State& state) {
  if (!__builtin_cpu_supports("avx512f")) {
    state.SkipWithError("needs AVX-512");
    return;
  }
  ThreadPool pool(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    pool.parallel_for(static_cast<size_t>(pool.size()),
                      [](size_t i) { benchmark::DoNotOptimize(multiply_and_add(static_cast<float>(i))); });
  }
  constexpr int kLanes = sizeof(Lanes) / sizeof(float);
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * kLanes * kSums * static_cast<double>(kSteps) *
                                                     pool.size() * static_cast<double>(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
BENCHMARK(peak_multiply_and_add)->ArgName("threads")->Arg(1)->Unit(benchmark::kMicrosecond);  // by CPU time
BENCHMARK(peak_multiply_and_add)
    ->ArgName("threads")
    ->Arg(ThreadPool::available_processors())
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
#endif

// A sum over many words: eight partial sums, so that additions do not wait for each other.
uint64_t sum_of(std::span<const uint64_t> words) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= words.size(); i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
  }
  return std::accumulate(std::begin(sums), std::end(sums), uint64_t{0});
}

// Reading more memory than the caches hold.
void read_memory(benchmark::State& state) {
  constexpr size_t kWords = size_t{1} << 25;  // 256 MiB
  static const std::vector<uint64_t> words(kWords, 1);
  ThreadPool pool(static_cast<int>(state.range(0)));
  const size_t share = kWords / static_cast<size_t>(pool.size());
  for (auto _ : state) {
    pool.parallel_for(static_cast<size_t>(pool.size()), [&](size_t part) {
      benchmark::DoNotOptimize(sum_of(std::span(words).subspan(part * share, share)));
    });
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kWords * sizeof(uint64_t)));
}
BENCHMARK(read_memory)->ArgName("threads")->Arg(1)->Unit(benchmark::kMillisecond);  // by CPU time
BENCHMARK(read_memory)
    ->ArgName("threads")
    ->Arg(ThreadPool::available_processors())
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
