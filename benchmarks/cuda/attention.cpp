// bench_cuda_attention: attention of a layer on a GPU, beside what the same GPU copies in a second. Keys and
// values are random and lie in more memory than the cache holds.
#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "backends/cuda/attention.h"
#include "backends/cuda/check.h"
#include "backends/cuda/rotary.h"

namespace sizeup::cuda {
namespace {

constexpr size_t kRotated = size_t{1} << 30;  // bytes: many times the cache of any GPU
constexpr int kRepeats = 20;

template <typename T>
class Memory {
 public:
  explicit Memory(size_t count) { check(cudaMalloc(&data_, (count + 1) * sizeof(T))); }
  explicit Memory(std::span<const T> values) : Memory(values.size()) {
    check(cudaMemcpy(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice));
  }
  ~Memory() { cudaFree(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  T* data() const { return static_cast<T*>(data_); }

 private:
  void* data_ = nullptr;
};

// Random normal values in bfloat16, or in float32.
void fill(std::byte* to, size_t bytes, bool rounded) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(1 << 20);
  for (float& value : values) value = normal(random);
  std::vector<uint16_t> halves;
  for (const float value : values)
    halves.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
  const auto* from = rounded ? static_cast<const void*>(halves.data()) : values.data();
  const size_t part = rounded ? halves.size() * sizeof(uint16_t) : values.size() * sizeof(float);
  for (size_t begin = 0; begin < bytes; begin += part) {
    check(cudaMemcpy(to + begin, from, std::min(part, bytes - begin), cudaMemcpyHostToDevice));
  }
}

// The median of what `body` takes, in milliseconds.
template <typename Body>
double time(const Body& body) {
  cudaEvent_t begin;
  cudaEvent_t end;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = 0; i < kRepeats + 3; ++i) {
    check(cudaEventRecord(begin));
    body(i);
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    float milliseconds = 0.0F;
    check(cudaEventElapsedTime(&milliseconds, begin, end));
    if (i >= 3) times.push_back(milliseconds);
  }
  check(cudaEventDestroy(begin));
  check(cudaEventDestroy(end));
  std::ranges::nth_element(times, times.begin() + kRepeats / 2);
  return times[kRepeats / 2];
}

struct Load {
  std::string name;
  int texts = 0;
  int shared = 0;  // positions, whole pages of which the texts have in common
  int before = 0;  // positions of a text that are not in the step, the shared ones included
  int rows = 0;    // of each text
};

Step step_of(const Load& load) {
  Step step;
  const int common = load.shared / kPagePositions;
  const int each = pages_for(load.before + load.rows) - common;
  for (int t = 0; t < load.texts; ++t) {
    step.table_begin.push_back(static_cast<int32_t>(step.pages.size()));
    for (int i = 0; i < common; ++i) step.pages.push_back(i);
    for (int i = 0; i < each; ++i) step.pages.push_back(common + t * each + i);
    for (int i = 0; i < load.rows; ++i) {
      step.tokens.push_back(0);
      step.tables.push_back(t);
      step.positions.push_back(load.before + i);
    }
  }
  step.table_begin.push_back(static_cast<int32_t>(step.pages.size()));
  step.page_count = common + load.texts * each;
  return step;
}

void run(const Load& load, int head_size, Precision precision, int multiprocessors) {
  const AttentionSpec spec{.heads = 32, .kv_heads = 8, .head_size = head_size};
  const Step step = step_of(load);
  const AttentionPlan plan(step, plan_shape(spec, precision),
                           {.multiprocessors = multiprocessors, .slots = 1 << 18});
  const PageShape shape = page_shape(spec, precision);
  const size_t layer = shape.layer_bytes() * static_cast<size_t>(step.page_count);
  const size_t layers = std::max<size_t>(1, kRotated / layer);
  const Memory<std::byte> pages(layer * layers);
  fill(pages.data(), layer * layers, precision == Precision::bfloat16);
  const auto width = static_cast<size_t>(spec.query_width());
  const size_t values = static_cast<size_t>(step.rows()) * width;
  const Memory<float> queries(values);
  fill(reinterpret_cast<std::byte*>(queries.data()), values * sizeof(float), false);
  const Memory<float> out(values);
  const Memory<int32_t> words(plan.words());
  const Memory<int32_t> positions(std::span<const int32_t>(step.positions));
  const Memory<int32_t> numbers(std::span<const int32_t>(step.pages));
  const Memory<std::byte> states(state_bytes(spec, plan.parts().slots));
  const double milliseconds = time([&](int i) {
    attend({.plan = plan.view(words.data()),
            .heads = spec.heads,
            .head_size = head_size,
            .scale = spec.score_scale(),
            .positions = positions.data(),
            .pages = numbers.data(),
            .queries = queries.data(),
            .query_stride = width,
            .memory = {.first = pages.data() + static_cast<size_t>(i) % layers * layer,
                       .page_bytes = shape.layer_bytes(),
                       .shape = shape},
            .states = reinterpret_cast<float*>(states.data()),
            .out = precision == Precision::float32 ? out.data() : nullptr,
            .rounded_out = out.data(),
            .out_stride = width},
           nullptr);
  });
  double visible = 0.0;
  for (const int32_t position : step.positions) visible += position + 1;
  const double flop = 4.0 * visible * static_cast<double>(width);
  // Keys and values once, queries and outputs.
  const double shared = load.shared / kPagePositions * kPagePositions;
  const double keys = shared + load.texts * (load.before + load.rows - shared);
  const double bytes = keys * 2 * spec.kv_width() * shape.element_bytes + 6.0 * static_cast<double>(values);
  fmt::print("{:34} D={:3} {:8} {:9.4f} ms {:7.1f} TFLOP/s {:7.0f} GB/s  items {}+{} states {}\n", load.name,
             head_size, precision_name(precision), milliseconds, flop / milliseconds * 1e-9,
             bytes / milliseconds * 1e-6, plan.parts().narrow_items, plan.parts().wide_items,
             plan.parts().slots);
}

void run_all() {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0));
  const Memory<std::byte> from(kRotated);
  const Memory<std::byte> to(kRotated);
  fill(from.data(), kRotated, true);
  const double milliseconds =
      time([&](int) { check(cudaMemcpyAsync(to.data(), from.data(), kRotated, cudaMemcpyDeviceToDevice)); });
  fmt::print("{}: copies {:.0f} GB/s, read and written\n", properties.name,
             2.0 * kRotated / milliseconds * 1e-6);
  const Load loads[] = {{"16 texts of 512", 16, 0, 0, 512},
                        {"91 questions of 90 on 700 shared", 91, 700, 700, 90},
                        {"1 text of 8192", 1, 0, 0, 8192},
                        {"1 stream at 1k", 1, 0, 1023, 1},
                        {"1 stream at 16k", 1, 0, 16383, 1},
                        {"32 streams at 1k", 32, 0, 1023, 1},
                        {"256 streams at 1k", 256, 0, 1023, 1},
                        {"256 streams at 1k, 700 shared", 256, 700, 1023, 1},
                        {"400 texts, 4 letters each, at 1k", 400, 0, 1020, 4}};
  for (const Load& load : loads) {
    for (const int head_size : {64, 128}) {
      run(load, head_size, Precision::bfloat16, properties.multiProcessorCount);
    }
  }
  for (const Load& load : {loads[0], loads[6]}) {
    for (const int head_size : {64, 128}) {
      run(load, head_size, Precision::float32, properties.multiProcessorCount);
    }
  }
  run(loads[0], 256, Precision::bfloat16, properties.multiProcessorCount);
  run(loads[6], 256, Precision::bfloat16, properties.multiProcessorCount);
}

}  // namespace
}  // namespace sizeup::cuda

int main() {
  sizeup::cuda::run_all();
}
