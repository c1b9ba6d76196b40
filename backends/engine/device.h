// Where the engine computes: a device owns packed weights, activations and key/value pages, and does a small
// set of operations on the rows of a step. Rows are ragged: each has its own position and page table.
//
// Contract on bits (the harness promises it to users): what a row gets depends only on its own values and
// its history of positions, never on how many rows share the step, on threads, or on the order of rows.
#pragma once

#include <memory>
#include <string_view>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/step.h"

namespace sizeup {

// Handles of a device's own things.
enum class MatrixId : int32_t {};
enum class VectorId : int32_t {};
enum class RowsId : int32_t {};

class Device {
 public:
  virtual ~Device() = default;

  virtual std::string_view name() const = 0;       // "reference"
  virtual std::string_view precision() const = 0;  // "float32"
  // Threads for all later steps; they never change a bit.
  virtual void set_threads(int threads) = 0;

  // Setting up: weights are packed from the checkpoint, which may be closed afterwards.
  virtual MatrixId add_matrix(const Tensor& weight) = 0;  // {outputs, inputs}
  virtual VectorId add_vector(const Tensor& weight) = 0;  // {columns}
  virtual RowsId add_rows(int columns) = 0;               // activations, as many rows as a step brings
  virtual int64_t page_bytes() const = 0;                 // keys and values of one page, all layers

  // The step's plan: keeps a copy of what it needs, makes room for pages, copies pages.
  virtual void begin(const Step& step) = 0;

  // Each operation gives `out` as many rows as its input has.
  virtual void embed(MatrixId table, RowsId out) = 0;  // rows of the step
  virtual void norm(RowsId in, VectorId weight, float epsilon, RowsId out) = 0;
  virtual void linear(RowsId in, MatrixId weight, RowsId out) = 0;
  virtual void add_bias(RowsId rows, VectorId bias) = 0;
  // Rotates query (in place) and key, then writes key and value where the step says.
  virtual void rotate_and_write(int layer, RowsId query, RowsId key, RowsId value) = 0;
  // Softmax of query * key / sqrt(head_size) over positions 0 to the row's own, times value.
  virtual void attention(int layer, RowsId query, RowsId out) = 0;
  virtual void gated_activation(Activation activation, RowsId gate, RowsId up, RowsId out) = 0;
  virtual void add(RowsId rows, RowsId addend) = 0;       // rows += addend
  virtual void select_wanted(RowsId in, RowsId out) = 0;  // the rows of Step::wanted, in order
  virtual void log_probabilities(RowsId wanted, MatrixId head, StepResult& result) = 0;
};

// A device for this decoder: its page geometry and rotation are fixed by the spec.
using DeviceFactory = std::unique_ptr<Device> (*)(const DecoderSpec& spec);

}  // namespace sizeup
