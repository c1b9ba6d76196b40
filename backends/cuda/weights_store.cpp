#include "backends/cuda/weights_store.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda/check.h"
#include "backends/cuda/tile_product.h"
#include "backends/engine/formats/bfloat16.h"
#include "backends/engine/stacked_biases.h"

namespace sizeup::cuda {
namespace {

// Copies of so many bytes run at the bus's speed.
constexpr size_t kBufferBytes = size_t{64} << 20;

size_t element_bytes(Precision precision) {
  return precision == Precision::bfloat16 ? sizeof(uint16_t) : sizeof(float);
}

}  // namespace

size_t Matrix::row_bytes() const {
  return static_cast<size_t>(padded_inputs) * element_bytes(precision);
}

WeightsUpload::WeightsUpload(Precision precision, int threads)
    : precision_(precision), pool_(std::make_unique<ThreadPool>(threads)) {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  for (Buffer& buffer : buffers_) check(cudaEventCreateWithFlags(&buffer.copied, cudaEventDisableTiming));
}

WeightsUpload::~WeightsUpload() {
  cudaStreamSynchronize(stream_);
  for (const Buffer& buffer : buffers_) cudaEventDestroy(buffer.copied);
  cudaStreamDestroy(stream_);
}

Matrix WeightsUpload::upload(std::span<const LinearTensors> stacked) {
  Matrix matrix;
  matrix.precision = precision_;
  matrix.inputs = static_cast<int>(stacked.front().weight->columns());
  matrix.padded_inputs = padded_inputs(matrix.inputs);
  for (const LinearTensors& part : stacked) matrix.outputs += static_cast<int>(part.weight->rows());
  matrix.weights = DeviceMemory(matrix.row_bytes() * static_cast<size_t>(matrix.outputs));
  std::byte* to = matrix.weights.as();
  for (const LinearTensors& part : stacked) {
    upload_rows(*part.weight, matrix, to);
    to += matrix.row_bytes() * static_cast<size_t>(part.weight->rows());
  }
  check(cudaStreamSynchronize(stream_));
  const std::vector<float> biases = stacked_biases(stacked);
  if (!biases.empty()) matrix.bias = DeviceMemory::of<float>(biases);
  return matrix;
}

void WeightsUpload::upload_rows(const Tensor& weight, const Matrix& matrix, std::byte* to) {
  const size_t row_bytes = matrix.row_bytes();
  const auto buffer_rows = static_cast<int64_t>(std::max<size_t>(1, kBufferBytes / row_bytes));
  for (int64_t first = 0; first < weight.rows(); first += buffer_rows) {
    const auto count = static_cast<size_t>(std::min(buffer_rows, weight.rows() - first));
    Buffer& buffer = buffers_[next_++ % buffers_.size()];
    check(cudaEventSynchronize(buffer.copied));
    buffer.memory.require_bytes(std::min(static_cast<size_t>(buffer_rows), count) * row_bytes);
    std::byte* rows = buffer.memory.data();
    pool_->parallel_for(count, [&](size_t i) {
      pack_row(weight, first + static_cast<int64_t>(i), rows + i * row_bytes);
      const size_t used = static_cast<size_t>(matrix.inputs) * element_bytes(precision_);
      std::memset(rows + i * row_bytes + used, 0, row_bytes - used);
    });
    check(cudaMemcpyAsync(to + static_cast<size_t>(first) * row_bytes, rows, count * row_bytes,
                          cudaMemcpyHostToDevice, stream_));
    check(cudaEventRecord(buffer.copied, stream_));
  }
}

void WeightsUpload::pack_row(const Tensor& weight, int64_t row, std::byte* to) const {
  const auto columns = static_cast<size_t>(weight.columns());
  const TensorType kept = precision_ == Precision::bfloat16 ? TensorType::bf16 : TensorType::f32;
  if (weight.type == kept) return copy_row(weight, row, std::span(to, columns * element_bytes(precision_)));
  if (precision_ == Precision::float32)
    return dequantise_row(weight, row, std::span(reinterpret_cast<float*>(to), columns));
  std::vector<float> values(columns);
  dequantise_row(weight, row, values);
  std::ranges::transform(values, reinterpret_cast<uint16_t*>(to), to_bfloat16);
}

}  // namespace sizeup::cuda
