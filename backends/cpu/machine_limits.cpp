#include "backends/cpu/machine_limits.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>

#include "backends/cpu/peak_loops.h"
#include "backends/cpu/tier.h"
#include "core/memory/huge_buffer.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// Five of 50 ms: long beside waking threads (tens of microseconds), short enough to be asked for casually.
constexpr int kRepetitions = 5;
constexpr double kSeconds = 0.05;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct PeakLoop {
  CpuTier tier;
  std::string_view dtype;
  int64_t (*run)(int64_t iterations);
};

// From the lowest tier to the highest.
#if defined(__x86_64__)
constexpr std::array kPeakLoops{PeakLoop{CpuTier::avx2, "float32", peak_loop_avx2},
                                PeakLoop{CpuTier::avx512, "float32", peak_loop_avx512},
                                PeakLoop{CpuTier::amx, "bfloat16", peak_loop_amx}};
#elif defined(__aarch64__)
constexpr std::array kPeakLoops{PeakLoop{CpuTier::neon, "float32", peak_loop_neon},
                                PeakLoop{CpuTier::neon_bf16, "bfloat16", peak_loop_neon_bf16}};
#else
constexpr std::array<PeakLoop, 0> kPeakLoops{};
#endif

ArithmeticLimit measure_arithmetic(const PeakLoop& loop, ThreadPool& pool) {
  int64_t iterations = 1 << 16;
  for (double elapsed = 0.0; elapsed < kSeconds / 4;) {
    const auto start = Clock::now();
    loop.run(iterations);
    elapsed = seconds_since(start);
    const double factor = elapsed < kSeconds / 4 ? 2.0 : kSeconds / elapsed;
    iterations = static_cast<int64_t>(static_cast<double>(iterations) * factor);
  }
  std::vector<double> rates;
  std::vector<int64_t> operations(static_cast<size_t>(pool.size()));
  for (int i = 0; i < kRepetitions; ++i) {
    const auto start = Clock::now();
    pool.parallel_for(operations.size(), [&](size_t thread) { operations[thread] = loop.run(iterations); });
    const double elapsed = seconds_since(start);
    int64_t total = 0;
    for (const int64_t one : operations) total += one;
    rates.push_back(static_cast<double>(total) / elapsed);
  }
  return {cpu_tier_name(loop.tier), loop.dtype, pool.size(), spread_of(std::move(rates))};
}

// ---- Memory

// Twice the last cache, so that little of it is left there from the repetition before; at least what is far
// beyond any one core's share, at most what every machine that runs models can spare.
size_t bytes_to_read() {
  constexpr size_t kLeast = size_t{256} << 20;
  constexpr size_t kMost = size_t{1} << 30;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#else
  const long cache = 0;  // the system doesn't say
#endif
  return std::clamp(cache > 0 ? 2 * static_cast<size_t>(cache) : kMost, kLeast, kMost);
}

// In huge pages where there are any, as packed weights lie. Nothing if there is not so much memory.
std::optional<HugeBuffer> memory_to_read() {
  try {
    HugeBuffer buffer(bytes_to_read());
    std::memset(buffer.data(), 1, buffer.size());  // pages of zeros would all be one
    return buffer;
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

// Four streams at once, as a product reads several outputs' weights, and prefetched: with 16-byte loads,
// which every processor has, the lines of too few iterations are in flight otherwise. On a Sapphire Rapids
// core this reads 15.9 GB/s, without prefetching 12.5, with 64-byte loads 16.3.
uint64_t sum_of(std::span<const std::byte> bytes) {
  using Lanes = uint64_t __attribute__((vector_size(16)));
  constexpr size_t kStreams = 4;
  constexpr size_t kLine = 64;
  constexpr size_t kAhead = 32 * kLine;
  const size_t stride = bytes.size() / kStreams / kLine * kLine;
  std::array<Lanes, kStreams> sums{};
  for (size_t at = 0; at < stride; at += kLine) {
    for (size_t stream = 0; stream < kStreams; ++stream) {
      const std::byte* from = bytes.data() + stream * stride + at;
      __builtin_prefetch(from + kAhead);
      std::array<Lanes, kLine / sizeof(Lanes)> line;
      std::memcpy(&line, from, kLine);
      sums[stream] += (line[0] + line[1]) + (line[2] + line[3]);
    }
  }
  const Lanes sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return sum[0] + sum[1];
}

ReadLimit measure_read(std::span<const std::byte> bytes, ThreadPool& pool) {
  constexpr size_t kAlignment = 4096;
  const auto threads = static_cast<size_t>(pool.size());
  const size_t share = bytes.size() / threads / kAlignment * kAlignment;
  std::vector<double> rates;
  std::vector<uint64_t> sums(threads);
  for (int i = 0; i < kRepetitions; ++i) {
    const auto start = Clock::now();
    pool.parallel_for(threads, [&](size_t thread) {
      sums[thread] = sum_of(bytes.subspan(thread * share, share));
      asm volatile("" : : "r"(&sums[thread]) : "memory");  // the sum is needed
    });
    rates.push_back(static_cast<double>(share * threads) / seconds_since(start));
  }
  return {pool.size(), share * threads, spread_of(std::move(rates))};
}

}  // namespace

MachineLimits measure_machine_limits(std::span<const int> thread_counts) {
  MachineLimits limits;
  for (const int threads : thread_counts) {
    ThreadPool pool(threads);
    for (const PeakLoop& loop : kPeakLoops) {
      if (!why_unsupported(loop.tier)) limits.arithmetic.push_back(measure_arithmetic(loop, pool));
    }
  }
  const std::optional<HugeBuffer> buffer = memory_to_read();
  if (!buffer) return limits;
  for (const int threads : thread_counts) {
    ThreadPool pool(threads);
    limits.reads.push_back(measure_read({buffer->data(), buffer->size()}, pool));
  }
  return limits;
}

}  // namespace sizeup
