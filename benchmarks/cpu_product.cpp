// The products of the CPU device at the row counts of generation (1), several streams, and prompts: GFLOP/s,
// share of the tier's measured peak, and the rate at which weights are read.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/pack.h"
#include "benchmarks/peak.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cpu {
namespace {

struct Layer {
  int outputs;
  int inputs;
};
// Feed-forward layers of models of 135 million and of a billion parameters.
constexpr Layer kLayers[] = {{1536, 576}, {8192, 2048}, {2048, 8192}};

PackedLinear make_linear(const Layer& layer, const ProductFamily& family, ThreadPool& pool) {
  const std::vector<uint16_t> values(static_cast<size_t>(layer.outputs) * static_cast<size_t>(layer.inputs),
                                     0x3C12);
  Tensor weight;
  weight.type = TensorType::bf16;
  weight.shape = {layer.outputs, layer.inputs};
  weight.data = std::as_bytes(std::span(values));
  const LinearTensors linear{.weight = &weight, .bias = nullptr};
  return pack_linear(std::span(&linear, 1), false, WeightFormat::bfloat16, family, pool);
}

void run_product(benchmark::State& state, CpuTier tier, Precision precision, const Layer& layer, int rows) {
  ThreadPool pool(static_cast<int>(state.range(0)));
  const ProductFamily& family = kernels_of(tier).product(precision, true);
  const PackedLinear linear = make_linear(layer, family, pool);
  Operand in{.data = nullptr, .format = family.operand, .rows = rows, .columns = linear.padded_inputs};
  HugeBuffer in_bytes(in.bytes());
  in.data = in_bytes.data();
  std::memset(in.data, 0x3C, in.bytes());
  HugeBuffer out_bytes(sizeof(float) * kLanes * static_cast<size_t>(groups_of(rows)) *
                       static_cast<size_t>(layer.outputs));
  ProductResult result;
  result.rows = {.data = reinterpret_cast<float*>(out_bytes.data()), .rows = rows, .columns = layer.outputs};
  result.outputs = layer.outputs;
  std::vector<HugeBuffer> scratch;
  for (int t = 0; t < pool.size(); ++t) scratch.emplace_back(family.scratch_bytes(linear));
  for (auto _ : state) {
    pool.run([&](int thread) {
      const int first = linear.panels() * thread / pool.size();
      const int end = linear.panels() * (thread + 1) / pool.size();
      family.multiply(linear, in, result, first, end, scratch[static_cast<size_t>(thread)].data());
    });
    benchmark::ClobberMemory();
  }
  const double flop = 2.0 * rows * layer.outputs * layer.inputs * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsRate);
  const double most = peak(cpu_tier_name(tier), precision_name(precision), pool.size());
  if (most > 0.0) state.counters["of_peak"] = benchmark::Counter(flop / most, benchmark::Counter::kIsRate);
  state.counters["weights_GB/s"] =
      benchmark::Counter(1e-9 * static_cast<double>(linear.panel_bytes()) * linear.panels() *
                             static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

// One benchmark for each tier of this machine, precision, layer and row count.
const bool kRegistered = [] {
  for (const CpuTierEntry& entry : cpu_tiers()) {
    if (why_unsupported(entry.tier)) continue;
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      for (const Layer& layer : kLayers) {
        for (const int rows : {1, 8, 32, 256, 2048}) {
          const std::string name =
              "cpu_product/" + std::string(entry.name) + "/" + std::string(precision_name(precision)) +
              "/outputs:" + std::to_string(layer.outputs) + "/inputs:" + std::to_string(layer.inputs) +
              "/rows:" + std::to_string(rows);
          benchmark::RegisterBenchmark(name.c_str(),
                                       [tier = entry.tier, precision, layer, rows](benchmark::State& state) {
                                         run_product(state, tier, precision, layer, rows);
                                       })
              ->ArgName("threads")
              ->Arg(ThreadPool::available_processors())
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
        }
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace sizeup::cpu
