#include <algorithm>
#include <optional>

#include "backends/cuda/check.h"
#include "backends/cuda/device_memory.h"
#include "backends/cuda/gpu_limits.h"
#include "backends/cuda/matrix_library.h"
#include "backends/cuda/probe.h"

namespace sizeup::cuda {
namespace {

constexpr int kRepetitions = 5;

// Calls `work` once to warm up, then for each repetition; the rates at which so many units are done.
template <class Work>
Spread rates(double units, const Work& work) {
  cudaEvent_t start = nullptr;
  cudaEvent_t end = nullptr;
  check(cudaEventCreate(&start));
  check(cudaEventCreate(&end));
  std::vector<double> all;
  work();
  for (int i = 0; i < kRepetitions; ++i) {
    check(cudaEventRecord(start, nullptr));
    work();
    check(cudaEventRecord(end, nullptr));
    check(cudaEventSynchronize(end));
    float milliseconds = 0.0F;
    check(cudaEventElapsedTime(&milliseconds, start, end));
    all.push_back(units * 1e3 / static_cast<double>(milliseconds));
  }
  check(cudaEventDestroy(start));
  check(cudaEventDestroy(end));
  return spread_of(std::move(all));
}

// The best of the library's kernels for a product of three square matrices.
std::optional<ArithmeticLimit> measure_products() {
  auto library = MatrixLibrary::open();
  if (!library) return std::nullopt;
  constexpr int kSide = 8192;  // large enough that starting and ending do not count
  constexpr size_t kElements = static_cast<size_t>(kSide) * kSide;
  const DeviceMemory weights(kElements * sizeof(__nv_bfloat16));
  const DeviceMemory in(kElements * sizeof(__nv_bfloat16));
  const DeviceMemory out(kElements * sizeof(float));
  fill_for_probe(weights.as<__nv_bfloat16>(), kElements, 1, nullptr);
  fill_for_probe(in.as<__nv_bfloat16>(), kElements, 2, nullptr);
  const TileProduct work{.weights = weights.as<__nv_bfloat16>(),
                         .outputs = kSide,
                         .inputs = kSide,
                         .in = in.as<__nv_bfloat16>(),
                         .in_stride = kSide,
                         .rows = kSide,
                         .out = out.as<float>(),
                         .out_stride = kSide};
  std::optional<ArithmeticLimit> best;
  for (const LibraryKernel& kernel : (*library)->kernels(work)) {
    if (!(*library)->can_multiply(kernel, work)) continue;
    const Spread rate =
        rates(2.0 * kSide * kElements, [&] { (*library)->multiply(kernel, work, nullptr); });
    if (!best || rate.median > best->rate.median)
      best = {.tier = "tensor cores", .dtype = "bfloat16", .threads = kAnyThreads, .rate = rate};
  }
  return best;
}

constexpr int kThreads = 256;

// Chains of multiply-adds: as many as a multiprocessor needs in flight, 4 cycles each for 4 schedulers.
constexpr int kChains = 8;
constexpr int kSteps = 1 << 14;

__global__ void multiply_add(float factor, float summand, float* out) {
  float sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = static_cast<float>(c + threadIdx.x);
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) sums[c] = __fmaf_rn(sums[c], factor, summand);
  }
  float sum = 0.0F;
  for (int c = 0; c < kChains; ++c) sum += sums[c];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

ArithmeticLimit measure_multiply_adds(int multiprocessors) {
  const int blocks = 8 * multiprocessors;
  const DeviceMemory out(static_cast<size_t>(blocks) * kThreads * sizeof(float));
  const double operations = 2.0 * blocks * kThreads * kChains * kSteps;
  const Spread rate = rates(operations, [&] {
    multiply_add<<<blocks, kThreads>>>(0.5F, 1.0F, out.as<float>());
    check(cudaGetLastError());
  });
  return {.tier = "cores", .dtype = "float32", .threads = kAnyThreads, .rate = rate};
}

__global__ void read(const uint4* values, size_t count, uint32_t* out) {
  constexpr int kInFlight = 8;
  const size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
  size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
  uint32_t sum = 0;
  for (; i + (kInFlight - 1) * stride < count; i += kInFlight * stride) {
    uint4 loaded[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) loaded[k] = __ldcs(values + i + k * stride);
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) sum += loaded[k].x ^ loaded[k].y ^ loaded[k].z ^ loaded[k].w;
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Far more than any chip's second-level cache; nothing where there is not so much memory.
std::optional<ReadLimit> measure_reads(int multiprocessors) {
  constexpr size_t kBytes = size_t{2} << 30;
  size_t free = 0;
  size_t total = 0;
  check(cudaMemGetInfo(&free, &total));
  if (free < 2 * kBytes) return std::nullopt;
  const int blocks = 8 * multiprocessors;
  const DeviceMemory values(kBytes);
  const DeviceMemory out(static_cast<size_t>(blocks) * kThreads * sizeof(uint32_t));
  const Spread rate = rates(static_cast<double>(kBytes), [&] {
    read<<<blocks, kThreads>>>(values.as<uint4>(), kBytes / sizeof(uint4), out.as<uint32_t>());
    check(cudaGetLastError());
  });
  return ReadLimit{.threads = kAnyThreads, .bytes = kBytes, .rate = rate};
}

}  // namespace

MachineLimits measure_limits() {
  int device = 0;
  int multiprocessors = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  MachineLimits limits;
  limits.arithmetic.push_back(measure_multiply_adds(multiprocessors));
  if (const auto products = measure_products()) limits.arithmetic.push_back(*products);
  if (const auto reads = measure_reads(multiprocessors)) limits.reads.push_back(*reads);
  return limits;
}

}  // namespace sizeup::cuda
