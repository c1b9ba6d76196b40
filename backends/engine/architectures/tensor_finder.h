// Tensors by name with their shapes checked. The first problem is kept, so that an architecture file reads as
// a list of its tensors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

class TensorFinder {
 public:
  explicit TensorFinder(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  // nullptr after a problem: nothing of a model with an error may be used.
  const Tensor* required(const std::string& name, const std::vector<int64_t>& shape);
  const Tensor* optional(const std::string& name, const std::vector<int64_t>& shape);
  // Whether there is such a tensor, with so many dimensions.
  bool has_dimensions(const std::string& name, size_t dimensions) const;
  // `prefix`.weight of {outputs, inputs} and, where the file has it, `prefix`.bias.
  LinearTensors linear(const std::string& prefix, int64_t outputs, int64_t inputs);
  // The same with a bias that must be there.
  LinearTensors biased_linear(const std::string& prefix, int64_t outputs, int64_t inputs);

  // Records a problem unless there already is one.
  void fail(std::string message, std::string expected);
  const std::optional<Error>& error() const { return error_; }

 private:
  const Checkpoint& checkpoint_;
  std::optional<Error> error_;
};

}  // namespace sizeup
