// The reference device's product at the row counts of generation (1), small steps and prompts.
#include "backends/reference/product.h"

#include <benchmark/benchmark.h>

#include <array>
#include <vector>

namespace sizeup {
namespace {

// {outputs, inputs} of a feed-forward layer: of the larger bundled model, and of a model of about a billion
// parameters, whose weights do not fit the caches.
constexpr int64_t kSmallOutputs = 864;
constexpr int64_t kSmallInputs = 320;
constexpr int64_t kLargeOutputs = 8192;
constexpr int64_t kLargeInputs = 2048;

// Weights of a linear layer in float32, any values: speed does not depend on them (none is denormal).
struct Weight {
  std::vector<float> values;
  Tensor tensor;

  Weight(int64_t outputs, int64_t inputs) : values(static_cast<size_t>(outputs * inputs)) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) * 0.0625F - 0.5F;
    tensor.name = "weight";
    tensor.shape = {outputs, inputs};
    tensor.data = std::as_bytes(std::span(values));
  }
};

void product(benchmark::State& state) {
  const int64_t outputs = state.range(0);
  const int64_t inputs = state.range(1);
  const int64_t rows = state.range(2);
  const Weight weight(outputs, inputs);
  const PackedMatrix packed(std::array{&weight.tensor});
  const size_t in_stride = padded_columns(static_cast<int>(inputs));
  const size_t out_stride = padded_columns(static_cast<int>(outputs));
  FloatBuffer in(in_stride * static_cast<size_t>(rows));
  FloatBuffer out(out_stride * static_cast<size_t>(rows));
  for (size_t i = 0; i < in.size(); ++i) in.data()[i] = static_cast<float>(i % 13) * 0.125F - 0.75F;
  const RowsView in_view{in.data(), in_stride, static_cast<int>(rows)};
  const RowsView out_view{out.data(), out_stride, static_cast<int>(rows)};
  ThreadPool pool(static_cast<int>(state.range(3)));
  for (auto _ : state) {
    multiply(in_view, packed, out_view, pool);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetLabel(std::string(best_product_kernel().name));
  state.SetItemsProcessed(state.iterations() * rows);
  const auto multiplications = static_cast<double>(outputs * inputs * rows);
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * multiplications * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  // Every weight is read once in a step, whatever the row count.
  state.counters["weights_GB/s"] =
      benchmark::Counter(1e-9 * static_cast<double>(outputs * inputs * int64_t{sizeof(float)}) *
                             static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void one_thread(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t rows : {1, 16, 256}) {
    benchmark->Args({kSmallOutputs, kSmallInputs, rows, 1})->Args({kLargeOutputs, kLargeInputs, rows, 1});
  }
}
// By CPU time, which other programs on the machine disturb less.
BENCHMARK(product)
    ->Apply(one_thread)
    ->ArgNames({"outputs", "inputs", "rows", "threads"})
    ->Unit(benchmark::kMicrosecond);

void all_threads(benchmark::internal::Benchmark* benchmark) {
  const int available = ThreadPool::available_processors();
  for (const int64_t rows : {1, 16, 256}) {
    benchmark->Args({kSmallOutputs, kSmallInputs, rows, available})
        ->Args({kLargeOutputs, kLargeInputs, rows, available});
  }
}
BENCHMARK(product)
    ->Apply(all_threads)
    ->ArgNames({"outputs", "inputs", "rows", "threads"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sizeup
