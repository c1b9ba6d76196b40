// What ?quant= costs when a model is loaded: float rows to each format, and back.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "backends/engine/formats/quantise.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

constexpr int64_t kRows = 512;
constexpr int64_t kColumns = 2048;  // 4 MiB of floats: more than the second-level caches, as a matrix is

std::vector<float> normal_values() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(kRows * kColumns));
  for (float& value : values) value = normal(random);
  return values;
}

void count_floats(benchmark::State& state) {
  const int64_t bytes = kRows * kColumns * static_cast<int64_t>(sizeof(float));
  state.SetBytesProcessed(state.iterations() * bytes);
}

void quantise(benchmark::State& state, TensorType type) {
  const std::vector<float> values = normal_values();
  const auto size = static_cast<size_t>(row_bytes(type, kColumns));
  std::vector<std::byte> bytes(size * static_cast<size_t>(kRows));
  ThreadPool pool(static_cast<int>(state.range(0)));
  std::atomic<bool> good = true;
  for (auto _ : state) {
    pool.parallel_for(static_cast<size_t>(kRows), [&](size_t r) {
      const auto row =
          std::span(values).subspan(r * static_cast<size_t>(kColumns), static_cast<size_t>(kColumns));
      if (!quantise_row(type, row, std::span(bytes).subspan(r * size, size))) good = false;
    });
    benchmark::ClobberMemory();
  }
  if (!good) state.SkipWithError("a row was refused");
  count_floats(state);
}

void dequantise(benchmark::State& state, TensorType type) {
  const BlockFormat& format = block_format(type);
  // Any bytes are a block, and take the same time; those of small scales are no infinities.
  const std::vector<std::byte> bytes(static_cast<size_t>(row_bytes(type, kColumns * kRows)), std::byte{0x11});
  std::vector<float> values(static_cast<size_t>(kRows * kColumns));
  for (auto _ : state) {
    format.dequantise(bytes.data(), kRows * kColumns, values.data());
    benchmark::ClobberMemory();
  }
  count_floats(state);
}

// Each is named by its format: quantise/Q4_K/threads:2.
const bool kRegistered = [] {
  const int threads = ThreadPool::available_processors();
  for (const TensorType type : quantised_types()) {
    auto* measured = benchmark::RegisterBenchmark(
        ("quantise/" + std::string(block_format(type).name)).c_str(), quantise, type);
    measured->ArgName("threads")->Arg(1)->UseRealTime();
    if (threads > 1) measured->Arg(threads);
  }
  for (const BlockFormat& format : block_formats()) {
    benchmark::RegisterBenchmark(("dequantise/" + std::string(format.name)).c_str(), dequantise, format.type);
  }
  return true;
}();

}  // namespace
}  // namespace sizeup
