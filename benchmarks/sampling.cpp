// Choosing a token from the distribution of a large vocabulary, when no top_k bounds what is looked at.
#include "backends/engine/sampling.h"

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

namespace sizeup {
namespace {

constexpr int kVocabulary = 151936;  // of Qwen2.5

// Logits of a normal distribution: a deviation of 1 is nearly flat, with 4 a few dozen tokens have nine
// tenths.
std::vector<float> logits(float deviation) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, deviation);
  std::vector<float> values(kVocabulary);
  for (float& value : values) value = normal(random);
  return values;
}

void sample_vocabulary(benchmark::State& state, const Sampling& sampling, float deviation) {
  const std::vector<float> values = logits(deviation);
  uint64_t position = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sample(values, sampling, position++));
}
BENCHMARK_CAPTURE(sample_vocabulary, temperature, {.temperature = 0.8}, 4.0F)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sample_vocabulary, top_p, {.temperature = 0.8, .top_p = 0.9}, 4.0F)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sample_vocabulary, top_p_flat, {.temperature = 0.8, .top_p = 0.9}, 1.0F)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sample_vocabulary, min_p, {.temperature = 0.8, .min_p = 0.05}, 4.0F)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sample_vocabulary, top_k_1000, {.temperature = 0.8, .top_k = 1000, .top_p = 0.9}, 4.0F)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
