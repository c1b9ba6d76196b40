#include "backends/cuda/check.h"
#include "backends/cuda/probe.h"

namespace sizeup::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 1024;

// SplitMix64's output function.
__device__ uint64_t mixed(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9U;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBU;
  return state ^ (state >> 31);
}

__device__ size_t first_index() {
  return blockIdx.x * static_cast<size_t>(kThreads) + threadIdx.x;
}
constexpr size_t kStride = static_cast<size_t>(kThreads) * kBlocks;

__global__ void fill(__nv_bfloat16* values, size_t count, uint64_t seed) {
  for (size_t i = first_index(); i < count; i += kStride) {
    const uint64_t random = mixed(i + seed * 0x9E3779B97F4A7C15U);
    float value = static_cast<float>(random & 0xFFFFFF) * 0x1p-23F - 1.0F;
    switch (random >> 40 & 15) {
      case 0:
        value = 1024.0F;
        break;
      case 1:
        value = -1024.0F;
        break;
      case 2:
      case 3:
        value *= 0x1p-15F;
        break;
      default:
        break;
    }
    values[i] = __float2bfloat16_rn(value);
  }
}

__global__ void fill_floats(float* values, size_t count) {
  for (size_t i = first_index(); i < count; i += kStride)
    values[i] = static_cast<float>(mixed(i) & 0xFFFFFF) * 0x1p-18F - 32.0F;
}

__global__ void compare(const uint32_t* a, const uint32_t* b, size_t count, uint32_t* different) {
  bool differs = false;
  for (size_t i = first_index(); i < count; i += kStride) differs |= a[i] != b[i];
  if (differs) *different = 1;
}

}  // namespace

void fill_for_probe(__nv_bfloat16* values, size_t count, uint32_t seed, cudaStream_t stream) {
  fill<<<kBlocks, kThreads, 0, stream>>>(values, count, seed);
  check(cudaGetLastError());
}

void fill_floats_for_probe(float* values, size_t count, cudaStream_t stream) {
  fill_floats<<<kBlocks, kThreads, 0, stream>>>(values, count);
  check(cudaGetLastError());
}

bool same_bits(const float* a, const float* b, size_t count, uint32_t* scratch, cudaStream_t stream) {
  check(cudaMemsetAsync(scratch, 0, sizeof *scratch, stream));
  compare<<<kBlocks, kThreads, 0, stream>>>(reinterpret_cast<const uint32_t*>(a),
                                            reinterpret_cast<const uint32_t*>(b), count, scratch);
  check(cudaGetLastError());
  uint32_t different = 0;
  check(cudaMemcpyAsync(&different, scratch, sizeof different, cudaMemcpyDeviceToHost, stream));
  check(cudaStreamSynchronize(stream));
  return different == 0;
}

}  // namespace sizeup::cuda
