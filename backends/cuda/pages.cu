#include <algorithm>

#include "backends/cuda/check.h"
#include "backends/cuda/pages.h"

namespace sizeup::cuda {
namespace {

constexpr int kCopyThreads = 128;

// One block for each half of each copy. Positions lie one after the other and swizzling stays within them, so
// that the first of them are the first bytes.
__global__ void copy_halves(CopyWork work) {
  const PageHalf half = work.halves[blockIdx.x];
  const PageCopy copy = work.copies[blockIdx.y];
  const auto piece = [&](int32_t page) {
    return reinterpret_cast<uint4*>(work.memory + static_cast<size_t>(page) * work.page_bytes) + half.begin;
  };
  const uint4* from = piece(copy.from);
  uint4* to = piece(copy.to);
  for (int i = static_cast<int>(threadIdx.x); i < copy.positions * half.position_pieces; i += kCopyThreads) {
    to[i] = from[i];
  }
}

}  // namespace

void copy_pages(const CopyWork& work, cudaStream_t stream) {
  constexpr int kMostGridRows = 65535;
  for (int begin = 0; begin < work.copy_count; begin += kMostGridRows) {
    CopyWork part = work;
    part.copies += begin;
    part.copy_count = std::min(work.copy_count - begin, kMostGridRows);
    const dim3 grid(static_cast<unsigned>(work.half_count), static_cast<unsigned>(part.copy_count));
    if (work.half_count > 0) copy_halves<<<grid, kCopyThreads, 0, stream>>>(part);
    check(cudaGetLastError());
  }
}

}  // namespace sizeup::cuda
