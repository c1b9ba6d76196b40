// What the machine could do at most in the same run, so that other numbers can be read as shares of it.
#include <benchmark/benchmark.h>

#include <cstdint>
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
  for (int i = 0; i < kSums; ++i) sums[i] = Lanes{} + start;
  Lanes factor = Lanes{} + 0.5F;
  for (int step = 0; step < kSteps; ++step) {
    asm("" : "+v"(factor));  // a product that the compiler cannot take out of the loop
    for (int i = 0; i < kSums; ++i) {
      Lanes value = factor;
      asm("" : "+v"(value));
      sums[i] += value * factor;
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
BENCHMARK(peak_multiply_and_add)
    ->ArgName("threads")
    ->RangeMultiplier(2)
    ->Range(1, ThreadPool::available_processors())
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
#endif

// Reading more memory than the caches hold.
void read_memory(benchmark::State& state) {
  constexpr size_t kWords = size_t{1} << 25;  // 256 MiB
  static const std::vector<uint64_t> words(kWords, 1);
  ThreadPool pool(static_cast<int>(state.range(0)));
  const auto parts = static_cast<size_t>(pool.size());
  for (auto _ : state) {
    pool.parallel_for(parts, [&](size_t part) {
      uint64_t sums[8] = {};
      for (size_t i = kWords / parts * part; i + 8 <= kWords / parts * (part + 1); i += 8) {
        for (size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
      }
      benchmark::DoNotOptimize(sums);
    });
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kWords * sizeof(uint64_t)));
}
BENCHMARK(read_memory)
    ->ArgName("threads")
    ->RangeMultiplier(2)
    ->Range(1, ThreadPool::available_processors())
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
