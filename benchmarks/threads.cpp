// What it costs to hand work to the other threads and to wait until they are done. A generated token of a
// small model does it some 200 times.
#include <benchmark/benchmark.h>

#include <chrono>

#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// Work of about `duration` that touches no memory.
void keep_busy(std::chrono::nanoseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// The time of one call with nothing to do in it; between two calls the caller is busy alone for `gap_us`, as
// between the operations of a step. Short gaps find the workers looking, long ones (they are not) asleep.
template <class Call>
void hand_over(benchmark::State& state, Call call) {
  ThreadPool pool(static_cast<int>(state.range(0)));
  const std::chrono::microseconds gap(state.range(1));
  // The system needs some milliseconds to give new threads processors of their own.
  const auto settled = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < settled) call(pool);
  for (auto _ : state) {
    keep_busy(gap);
    const auto start = std::chrono::steady_clock::now();
    call(pool);
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
}

void hand_over_indices(benchmark::State& state) {
  hand_over(state, [](ThreadPool& pool) {
    pool.parallel_for(static_cast<size_t>(pool.size()), [](size_t i) { benchmark::DoNotOptimize(i); });
  });
}

void hand_over_run(benchmark::State& state) {
  hand_over(state, [](ThreadPool& pool) { pool.run([](int thread) { benchmark::DoNotOptimize(thread); }); });
}

// Two equal pieces of work of 20 us, one a thread: 20 us if handing over were free.
constexpr std::chrono::microseconds kPiece(20);

void share_two_pieces(benchmark::State& state) {
  hand_over(state, [](ThreadPool& pool) { pool.parallel_for(2, [](size_t) { keep_busy(kPiece); }); });
}

void all_gaps(benchmark::internal::Benchmark* benchmark) {
  for (const int gap_us : {0, 20, 500}) benchmark->Args({ThreadPool::available_processors(), gap_us});
  // A fixed number: the gaps, which are not measured, would make it hours for the time the library asks for.
  constexpr int kCalls = 4000;
  benchmark->ArgNames({"threads", "gap_us"})
      ->Iterations(kCalls)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}
BENCHMARK(hand_over_indices)->Apply(all_gaps);
BENCHMARK(hand_over_run)->Apply(all_gaps);
BENCHMARK(share_two_pieces)->Apply(all_gaps);

}  // namespace
}  // namespace sizeup
