#include "backends/cuda/products.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "backends/cuda/check.h"
#include "backends/cuda/float_product.h"
#include "backends/cuda/probe.h"

namespace sizeup::cuda {
namespace {

// From here on the library's kernels can be faster (docs/performance-cuda.md).
constexpr int kLibraryRows = 129;
// Multiplications of a product that is worth looking for a kernel, at the least rows: a tenth of a
// millisecond's.
constexpr int64_t kWorthProbing = int64_t{1} << 29;
// Kernels are compared and timed at so many rows, for these and fewer, down to the size before.
constexpr std::array kProbeRows = {256, 1024, 4096};

int class_of(int rows) {
  for (const int most : kProbeRows) {
    if (rows <= most) return most;
  }
  return kProbeRows.back();
}

// The least of a few times, in milliseconds.
template <class Work>
float time_of(const Work& work, cudaStream_t stream) {
  constexpr int kRuns = 4;  // the first of which loads the code
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  float least = std::numeric_limits<float>::infinity();
  for (int run = 0; run < kRuns; ++run) {
    check(cudaEventRecord(begin, stream));
    work();
    check(cudaEventRecord(end, stream));
    check(cudaEventSynchronize(end));
    float one = 0.0F;
    check(cudaEventElapsedTime(&one, begin, end));
    least = std::min(least, one);
  }
  check(cudaEventDestroy(begin));
  check(cudaEventDestroy(end));
  return least;
}

}  // namespace

void Products::multiply(const Matrix& matrix, int first, int outputs, const ProductRows& rows,
                        cudaStream_t stream) {
  const float* bias = matrix.bias.bytes() == 0 ? nullptr : matrix.bias.as<float>() + first;
  const std::byte* weights = matrix.weights.as() + static_cast<size_t>(first) * matrix.row_bytes();
  if (matrix.precision == Precision::float32) {
    multiply_floats({.weights = reinterpret_cast<const float*>(weights),
                     .outputs = outputs,
                     .inputs = matrix.padded_inputs,
                     .in = static_cast<const float*>(rows.in),
                     .in_stride = rows.in_stride,
                     .rows = rows.rows,
                     .bias = bias,
                     .out = rows.out,
                     .out_stride = rows.out_stride,
                     .add = rows.add},
                    stream);
    return;
  }
  const TileProduct work{.weights = reinterpret_cast<const __nv_bfloat16*>(weights),
                         .outputs = outputs,
                         .inputs = matrix.padded_inputs,
                         .in = static_cast<const __nv_bfloat16*>(rows.in),
                         .in_stride = rows.in_stride,
                         .rows = rows.rows,
                         .bias = bias,
                         .out = rows.out,
                         .out_stride = rows.out_stride,
                         .add = rows.add};
  if (const LibraryKernel* kernel = library_kernel(work, stream)) {
    library_->multiply(*kernel, work, stream);
  } else {
    multiply_tiles(work, multiprocessors_, stream);
  }
}

// nullptr: the device's own kernel computes it.
const LibraryKernel* Products::library_kernel(const TileProduct& work, cudaStream_t stream) {
  // The library would add a bias in another order.
  if (work.rows < kLibraryRows || work.bias != nullptr) return nullptr;
  if (int64_t{work.outputs} * work.inputs * kLibraryRows < kWorthProbing) return nullptr;
  if (!opened_) {
    opened_ = true;
    auto library = MatrixLibrary::open();
    if (library) {
      library_ = std::move(*library);
    } else {
      notes_.push_back(fmt::format("large products at a third of their speed: {}", library.error().message));
    }
  }
  if (library_ == nullptr) return nullptr;
  const int rows = class_of(work.rows);
  const auto [found, is_new] =
      kernels_.try_emplace({work.outputs, work.inputs, work.in_stride, work.out_stride, rows});
  if (is_new) found->second = choose(work, rows, stream);
  return found->second ? &*found->second : nullptr;
}

// The fastest of the library's kernels that give the bits of multiply_tiles, storing and adding, on values
// whose sums depend on the order of adding; none if multiply_tiles itself is. Which one it is moves no bit.
std::optional<LibraryKernel> Products::choose(const TileProduct& shape, int rows, cudaStream_t stream) {
  const auto weight_count = static_cast<size_t>(shape.outputs) * static_cast<size_t>(shape.inputs);
  const auto in_count = static_cast<size_t>(shape.in_stride) * static_cast<size_t>(rows);
  const auto out_count = static_cast<size_t>(shape.out_stride) * static_cast<size_t>(rows);
  const DeviceMemory weights(weight_count * sizeof(__nv_bfloat16));
  const DeviceMemory in(in_count * sizeof(__nv_bfloat16));
  const DeviceMemory out(out_count * sizeof(float));
  fill_for_probe(weights.as<__nv_bfloat16>(), weight_count, 1, stream);
  fill_for_probe(in.as<__nv_bfloat16>(), in_count, 2, stream);
  TileProduct work = shape;
  work.weights = weights.as<__nv_bfloat16>();
  work.in = in.as<__nv_bfloat16>();
  work.rows = rows;
  work.out = out.as<float>();
  work.add = false;
  std::optional<LibraryKernel> best;
  float best_time = time_of([&] { multiply_tiles(work, multiprocessors_, stream); }, stream);
  int agreeing = 0;
  for (LibraryKernel& kernel : library_->kernels(work)) {
    if (!agrees(kernel, work, stream)) continue;
    ++agreeing;
    const float time = time_of([&] { library_->multiply(kernel, work, stream); }, stream);
    if (time >= best_time) continue;
    best_time = time;
    best = std::move(kernel);
  }
  if (agreeing == 0)
    notes_.push_back(
        fmt::format("products of {} outputs and {} inputs at half their speed: no kernel of cuBLASLt "
                    "gives the bits of the device's own",
                    shape.outputs, shape.inputs));
  return best;
}

bool Products::agrees(const LibraryKernel& kernel, TileProduct work, cudaStream_t stream) const {
  const auto count = static_cast<size_t>(work.out_stride) * static_cast<size_t>(work.rows);
  const DeviceMemory expected(count * sizeof(float));
  const DeviceMemory different(sizeof(uint32_t));
  float* const out = work.out;
  for (const int rows : {kLibraryRows, work.rows}) {
    for (const bool add : {false, true}) {
      work.rows = rows;
      work.add = add;
      if (!library_->can_multiply(kernel, work)) return false;
      // What is there before: something to add to, or what a result that is not stored would leave.
      fill_floats_for_probe(expected.as<float>(), count, stream);
      fill_floats_for_probe(out, count, stream);
      work.out = expected.as<float>();
      multiply_tiles(work, multiprocessors_, stream);
      work.out = out;
      library_->multiply(kernel, work, stream);
      if (!same_bits(expected.as<float>(), out, count, different.as<uint32_t>(), stream)) return false;
    }
  }
  return true;
}

}  // namespace sizeup::cuda
