#include "backends/cuda/products.h"

#include <fmt/format.h>

#include <limits>

#include "backends/cuda/check.h"
#include "backends/cuda/float_product.h"
#include "backends/cuda/probe.h"

namespace sizeup::cuda {
namespace {

// From here on the library's kernels are faster (docs/performance-cuda.md).
constexpr int kLibraryRows = 192;
// Multiplications of a product that is worth looking for a kernel, at kProbeRows: a millisecond's.
constexpr int64_t kWorthProbing = int64_t{1} << 32;
// Rows on which kernels are compared and timed: enough to fill a large GPU.
constexpr int kProbeRows = 2048;

// Times the kernel on the probe's rows, in milliseconds.
float time_of(const MatrixLibrary& library, const LibraryKernel& kernel, const TileProduct& work,
              cudaStream_t stream) {
  constexpr int kRuns = 3;
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  float least = std::numeric_limits<float>::infinity();
  for (int run = 0; run < kRuns; ++run) {
    check(cudaEventRecord(begin, stream));
    library.multiply(kernel, work, stream);
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
  if (int64_t{work.outputs} * work.inputs * kProbeRows < kWorthProbing) return nullptr;
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
  const Shape shape{work.outputs, work.inputs, work.in_stride, work.out_stride};
  const auto [found, is_new] = kernels_.try_emplace(shape);
  if (is_new) found->second = choose(work, stream);
  return found->second ? &*found->second : nullptr;
}

// The fastest of the library's kernels that give the bits of multiply_tiles, storing and adding, on values
// whose sums depend on the order of adding. Which one that is moves no bit.
std::optional<LibraryKernel> Products::choose(const TileProduct& shape, cudaStream_t stream) {
  const auto weight_count = static_cast<size_t>(shape.outputs) * static_cast<size_t>(shape.inputs);
  const auto in_count = static_cast<size_t>(shape.in_stride) * kProbeRows;
  const auto out_count = static_cast<size_t>(shape.out_stride) * kProbeRows;
  const DeviceMemory weights(weight_count * sizeof(__nv_bfloat16));
  const DeviceMemory in(in_count * sizeof(__nv_bfloat16));
  const DeviceMemory expected(out_count * sizeof(float));
  const DeviceMemory out(out_count * sizeof(float));
  const DeviceMemory difference(sizeof(uint32_t));
  fill_for_probe(weights.as<__nv_bfloat16>(), weight_count, 1, stream);
  fill_for_probe(in.as<__nv_bfloat16>(), in_count, 2, stream);
  TileProduct work = shape;
  work.weights = weights.as<__nv_bfloat16>();
  work.in = in.as<__nv_bfloat16>();
  std::optional<LibraryKernel> best;
  float best_time = std::numeric_limits<float>::infinity();
  for (LibraryKernel& kernel : library_->kernels([&] {
         TileProduct many = work;
         many.rows = kProbeRows;
         return many;
       }())) {
    bool agrees = true;
    for (const int rows : {kLibraryRows + 1, kProbeRows}) {
      for (const bool add : {false, true}) {
        work.rows = rows;
        work.add = add;
        if (!agrees || !library_->can_multiply(kernel, work)) {
          agrees = false;
          continue;
        }
        // What is there before: something to add to, or what a result that is not stored would leave.
        fill_floats_for_probe(expected.as<float>(), out_count, stream);
        fill_floats_for_probe(out.as<float>(), out_count, stream);
        work.out = expected.as<float>();
        multiply_tiles(work, multiprocessors_, stream);
        work.out = out.as<float>();
        library_->multiply(kernel, work, stream);
        agrees =
            same_bits(expected.as<float>(), out.as<float>(), out_count, difference.as<uint32_t>(), stream);
      }
    }
    if (!agrees) continue;
    const float time = time_of(*library_, kernel, work, stream);
    if (time >= best_time) continue;
    best_time = time;
    best = std::move(kernel);
  }
  if (!best)
    notes_.push_back(
        fmt::format("products of {} outputs and {} inputs at a third of their speed: no kernel of "
                    "cuBLASLt gives the bits of the device's own",
                    shape.outputs, shape.inputs));
  return best;
}

}  // namespace sizeup::cuda
