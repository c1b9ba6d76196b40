// The products of the CPU device at the row counts of generation (1), several streams, and prompts: GFLOP/s,
// share of the tier's measured peak, and the rate at which weights are read.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

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

// Copies of one layer, so many that a run through them leaves the caches (the last ones measured had 260 MB):
// few rows read weights from memory, as in a model.
constexpr size_t kStreamBytes = size_t{800} << 20;

std::vector<PackedLinear> make_linears(const Layer& layer, const Storage& storage,
                                       const ProductFamily& family, int rows, ThreadPool& pool) {
  const BlockFormat& format = block_format(storage.type);
  const int64_t blocks = int64_t{layer.outputs} * layer.inputs / format.block_elements;
  const std::vector<std::byte> bytes(static_cast<size_t>(blocks * format.block_bytes), std::byte{0x3C});
  Tensor weight;
  weight.type = storage.type;
  weight.shape = {layer.outputs, layer.inputs};
  weight.data = bytes;
  const LinearTensors linear{.weight = &weight, .bias = nullptr};
  std::vector<PackedLinear> linears;
  do {
    linears.push_back(pack_linear(std::span(&linear, 1), false, storage, family, pool));
  } while (rows <= 32 && linears.size() * linears.front().weights.size() < kStreamBytes);
  return linears;
}

void run_product(benchmark::State& state, CpuTier tier, Precision precision, TensorType type,
                 const Layer& layer, int rows) {
  ThreadPool pool(static_cast<int>(state.range(0)));
  const ProductFamily& family = kernels_of(tier).product(precision, type == TensorType::bf16);
  const Storage storage{type, type != TensorType::bf16 && precision == Precision::bfloat16};
  const std::vector<PackedLinear> linears = make_linears(layer, storage, family, rows, pool);
  const PackedLinear& linear = linears.front();
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
  size_t next = 0;
  for (auto _ : state) {
    const PackedLinear& weights = linears[next++ % linears.size()];
    pool.run([&](int thread) {
      const int first = weights.panels() * thread / pool.size();
      const int end = weights.panels() * (thread + 1) / pool.size();
      family.multiply(weights, in, result, first, end, scratch[static_cast<size_t>(thread)].data());
    });
    benchmark::ClobberMemory();
  }
  const double flop = 2.0 * rows * layer.outputs * layer.inputs * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsRate);
  const double most = peak(cpu_tier_name(tier), precision_name(precision), pool.size());
  if (most > 0.0) state.counters["of_peak"] = benchmark::Counter(flop / most, benchmark::Counter::kIsRate);
  state.counters["weights_GB/s"] =
      benchmark::Counter(1e-9 * static_cast<double>(linear.panel_bytes) * linear.panels() *
                             static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

constexpr TensorType kTypes[] = {TensorType::bf16, TensorType::q8_0, TensorType::q4_0,
                                 TensorType::q4_k, TensorType::q6_k, TensorType::iq4_xs};

// Not every layer: blocks of 256 do not divide 576 inputs.
bool fits(TensorType type, const Layer& layer) {
  return layer.inputs % block_format(type).block_elements == 0;
}

void register_product(const CpuTierEntry& tier, Precision precision, TensorType type, const Layer& layer) {
  for (const int rows : {1, 8, 32, 256, 2048}) {
    const std::string name =
        fmt::format("cpu_product/{}/{}/{}/outputs:{}/inputs:{}/rows:{}", tier.name, precision_name(precision),
                    block_format(type).name, layer.outputs, layer.inputs, rows);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=, tier = tier.tier](benchmark::State& state) {
                                   run_product(state, tier, precision, type, layer, rows);
                                 })
        ->ArgName("threads")
        ->Arg(ThreadPool::available_processors())
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

// One benchmark for each tier of this machine, precision, weight format, layer and row count.
const bool kRegistered = [] {
  for (const CpuTierEntry& entry : cpu_tiers()) {
    if (why_unsupported(entry.tier)) continue;
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      for (const TensorType type : kTypes) {
        for (const Layer& layer : kLayers) {
          if (fits(type, layer)) register_product(entry, precision, type, layer);
        }
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace sizeup::cpu
