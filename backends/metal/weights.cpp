#include "backends/metal/weights.h"

#include "backends/engine/decoder_extension.h"
#include "backends/engine/stacked_biases.h"
#include "backends/metal/encode.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/memory.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

static_assert(static_cast<int>(TensorType::f32) == kWeightF32);
static_assert(static_cast<int>(TensorType::bf16) == kWeightBF16);
static_assert(static_cast<int>(TensorType::q8_0) == kWeightQ8_0);
static_assert(static_cast<int>(TensorType::q6_k) == kWeightQ6K);
static_assert(static_cast<int>(TensorType::mxfp4) == kWeightMXFP4);

// Of a part: kernels read float32 at any of its rows.
constexpr size_t kPartAlignment = 16;

// Parts of one format that follow each other are one.
std::vector<MatrixPart> lay_out(std::span<const LinearTensors> stacked) {
  std::vector<MatrixPart> parts;
  size_t end = 0;
  int output = 0;
  for (const LinearTensors& linear : stacked) {
    const auto outputs = static_cast<int>(linear.weight->rows());
    if (parts.empty() || parts.back().type != linear.weight->type) {
      end = (end + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
      parts.push_back(
          {.type = linear.weight->type,
           .offset = end,
           .first_output = output,
           .outputs = 0,
           .row_bytes = static_cast<int>(row_bytes(linear.weight->type, linear.weight->columns()))});
    }
    parts.back().outputs += outputs;
    output += outputs;
    end += static_cast<size_t>(outputs) * static_cast<size_t>(parts.back().row_bytes);
  }
  return parts;
}

int64_t bytes_of(const Tensor* tensor) {
  return tensor == nullptr ? 0 : tensor->rows() * row_bytes(tensor->type, tensor->columns());
}
int64_t bytes_of(const LinearTensors& linear) {
  return bytes_of(linear.weight);
}
int64_t bytes_of(const std::vector<LinearTensors>& stacked) {
  int64_t sum = 0;
  for (const LinearTensors& linear : stacked) sum += bytes_of(linear);
  return sum;
}
int64_t bytes_of(const ExpertTensors& expert) {
  return bytes_of(&expert.gate) + bytes_of(&expert.up) + bytes_of(&expert.down);
}
int64_t bytes_of(const MixtureTensors& mixture) {
  int64_t sum = bytes_of(mixture.router);
  for (const ExpertTensors& expert : mixture.experts) sum += bytes_of(expert);
  return mixture.shared ? sum + bytes_of(*mixture.shared) : sum;
}
int64_t bytes_of(const ExtensionWeights& weights) {
  int64_t sum = 0;
  for (const Tensor* matrix : weights.matrices) sum += bytes_of(matrix);
  for (const Tensor* matrix : weights.coefficients) sum += bytes_of(matrix);
  for (const MixtureTensors* mixture : weights.mixtures) sum += bytes_of(*mixture);
  return sum;
}

}  // namespace

size_t Matrix::bytes() const {
  return weights->bytes().size() + (bias == nullptr ? 0 : bias->bytes().size());
}

Matrix load_matrix(Queue& queue, std::span<const LinearTensors> stacked, ThreadPool& pool) {
  Matrix matrix;
  matrix.inputs = static_cast<int>(stacked.front().weight->columns());
  matrix.parts = lay_out(stacked);
  const MatrixPart& last = matrix.parts.back();
  matrix.outputs = last.first_output + last.outputs;
  matrix.weights = queue.make_buffer(last.offset +
                                     static_cast<size_t>(last.outputs) * static_cast<size_t>(last.row_bytes));
  int output = 0;
  auto part = matrix.parts.begin();
  for (const LinearTensors& linear : stacked) {
    if (output == part->first_output + part->outputs) ++part;
    const auto bytes = static_cast<size_t>(part->row_bytes);
    const size_t begin = part->offset + static_cast<size_t>(output - part->first_output) * bytes;
    const auto rows = static_cast<size_t>(linear.weight->rows());
    const std::span<std::byte> to = matrix.weights->bytes().subspan(begin, rows * bytes);
    pool.parallel_for(rows, [&](size_t row) {
      copy_row(*linear.weight, static_cast<int64_t>(row), to.subspan(row * bytes, bytes));
    });
    output += static_cast<int>(rows);
  }
  const std::vector<float> biases = stacked_biases(stacked);
  if (!biases.empty()) matrix.bias = buffer_of<float>(queue, biases);
  return matrix;
}

void multiply(Queue& queue, const Matrix& matrix, const Product& product) {
  const bool few = product.rows <= kFewRows;
  for (const MatrixPart& part : matrix.parts) {
    const size_t bias_offset = static_cast<size_t>(part.first_output) * sizeof(float);
    encode(queue,
           {few ? "linear_few" : "linear_many",
            {{"weight_format", static_cast<int>(part.type)},
             {"uses_matrices", queue.has_matrices() ? 1 : 0},
             {"linear_has_bias", matrix.bias != nullptr ? 1 : 0},
             {"linear_adds", product.add ? 1 : 0}}},
           {product.in,
            {matrix.weights.get(), part.offset},
            matrix.bias != nullptr ? Binding{matrix.bias.get(), bias_offset} : Binding{matrix.weights.get()},
            product.out},
           LinearParameters{.inputs = matrix.inputs,
                            .outputs = part.outputs,
                            .rows = product.rows,
                            .row_bytes = part.row_bytes,
                            .out_stride = product.out_stride,
                            .first_output = part.first_output},
           {{groups_for(part.outputs, kTileOutputs), groups_for(product.rows, few ? kFewRows : kTileRows)},
            kTileThreads});
  }
}

int64_t weight_bytes(const DecoderModel& model) {
  const DecoderTensors& tensors = model.tensors;
  int64_t sum = bytes_of(tensors.embedding) + bytes_of(tensors.positions) + bytes_of(tensors.head);
  for (const LayerTensors& layer : tensors.layers) {
    sum += bytes_of(layer.query_key_value) + bytes_of(layer.output) + bytes_of(layer.gate) +
           bytes_of(layer.up) + bytes_of(layer.down);
    if (layer.delta) sum += bytes_of(layer.delta->input) + bytes_of(layer.delta->gates);
    if (layer.mixture) sum += bytes_of(*layer.mixture);
  }
  return tensors.extension ? sum + bytes_of(tensors.extension->weights()) : sum;
}

}  // namespace sizeup::metal
