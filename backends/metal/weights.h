// Weights in the GPU's memory, in the formats of their files.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/metal/queue.h"
#include "core/threads/thread_pool.h"

namespace sizeup::metal {

// Neighbouring outputs of one format.
struct MatrixPart {
  TensorType type = TensorType::f32;
  size_t offset = 0;  // in bytes
  int first_output = 0;
  int outputs = 0;
  int row_bytes = 0;
};

struct Matrix {
  int outputs = 0;
  int inputs = 0;
  std::vector<MatrixPart> parts;
  std::unique_ptr<Buffer> weights;
  std::unique_ptr<Buffer> bias;  // nullptr: none

  size_t bytes() const;
};

// Outputs of the tensors side by side.
Matrix load_matrix(Queue& queue, std::span<const LinearTensors> stacked, ThreadPool& pool);

// out[row][output] = in[row] * weights + bias, or that added to it, for `rows` rows. out_stride: values from
// one row to the next.
struct Product {
  Binding in;
  int rows = 0;
  Binding out;
  int out_stride = 0;
  bool add = false;
};
void multiply(Queue& queue, const Matrix& matrix, const Product& product);

// Of the file's formats, or of float32 where rows are computed; of all linear layers, embedding, head and
// what an extension has.
int64_t weight_bytes(const DecoderModel& model);

}  // namespace sizeup::metal
