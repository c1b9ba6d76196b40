// Packed blocks into bfloat16 tiles, one thread: weights a second, and the packed bytes read for them, from
// the second-level cache and from memory.
#include "benchmarks/tile_unpack.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

#include "backends/cpu/pack.h"
#include "backends/cpu/tier.h"
#include "backends/cpu/tile_product.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cpu {
namespace {

constexpr int kInputs = 2048;
// 256 KiB to 1 MiB of blocks, and several times what a core may keep of the last cache.
constexpr int kCachedOutputs = 256;
constexpr int kStreamedOutputs = 1 << 18;

// Steps whose tiles take turns, as in the product with few rows.
constexpr int kRingSteps = 4;

// Of any values from which every format has finite scales: subnormal products would cost extra.
PackedLinear make_linear(TensorType type, int outputs) {
  const BlockFormat& format = block_format(type);
  const int64_t row_bytes = int64_t{kInputs} / format.block_elements * format.block_bytes;
  std::vector<std::byte> bytes(static_cast<size_t>(row_bytes * outputs));
  std::minstd_rand random(1);
  std::generate(bytes.begin(), bytes.end(),
                [&] { return static_cast<std::byte>((random() >> 8 & 0x1B) | 0x60); });
  Tensor weight;
  weight.type = type;
  weight.shape = {outputs, kInputs};
  weight.data = bytes;
  const LinearTensors linear{.weight = &weight, .bias = nullptr};
  ThreadPool pool(ThreadPool::available_processors());
  return pack_linear(std::span(&linear, 1), false, {type, true}, kTilesAmx, pool);
}

void run_tile_unpack(benchmark::State& state, TensorType type, int outputs) {
  const PackedLinear linear = make_linear(type, outputs);
  const int steps = linear.padded_inputs / kStepColumns;
  HugeBuffer ring(kRingSteps * kStepWeightBytes);
  for (auto _ : state) {
    for (int panel = 0; panel < linear.panels(); ++panel) {
      for (int step = 0; step < steps; ++step) {
        unpack_tiles_avx512(linear, panel, step, step + 1,
                            ring.data() + static_cast<size_t>(step % kRingSteps) * kStepWeightBytes);
      }
    }
    benchmark::ClobberMemory();
  }
  const auto passes = static_cast<double>(state.iterations());
  state.counters["G_weights/s"] =
      benchmark::Counter(1e-9 * outputs * kInputs * passes, benchmark::Counter::kIsRate);
  state.counters["packed_GB/s"] = benchmark::Counter(
      1e-9 * static_cast<double>(linear.panel_bytes) * linear.panels() * passes, benchmark::Counter::kIsRate);
}

const bool kRegistered = [] {
  if (why_unsupported(CpuTier::avx512) || __builtin_cpu_supports("avx512bf16") == 0) return false;
  for (const BlockFormat& format : block_formats()) {
    if (format.block_elements == 1) continue;
    for (const bool cached : {true, false}) {
      const std::string name =
          fmt::format("tile_unpack/{}/{}", format.name, cached ? "second_level_cache" : "memory");
      benchmark::RegisterBenchmark(name.c_str(), [=, type = format.type](benchmark::State& state) {
        run_tile_unpack(state, type, cached ? kCachedOutputs : kStreamedOutputs);
      });
    }
  }
  return true;
}();

}  // namespace
}  // namespace sizeup::cpu
