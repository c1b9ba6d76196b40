#include "backends/engine/architectures/tensor_finder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sizeup {
namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("{{{}}}", fmt::join(shape, ", "));
}

}  // namespace

const Tensor* TensorFinder::required(const std::string& name, const std::vector<int64_t>& shape) {
  const Tensor* tensor = optional(name, shape);
  if (tensor == nullptr) fail(fmt::format("tensor '{}' is missing", name), "shape " + shape_text(shape));
  return tensor;
}

const Tensor* TensorFinder::optional(const std::string& name, const std::vector<int64_t>& shape) {
  const Tensor* tensor = checkpoint_.find(name);
  if (tensor == nullptr) return nullptr;
  if (tensor->shape != shape) {
    fail(fmt::format("tensor '{}' has shape {}", name, shape_text(tensor->shape)),
         "shape " + shape_text(shape));
    return nullptr;
  }
  return tensor;
}

bool TensorFinder::has_dimensions(const std::string& name, size_t dimensions) const {
  const Tensor* tensor = checkpoint_.find(name);
  return tensor != nullptr && tensor->shape.size() == dimensions;
}

LinearTensors TensorFinder::linear(const std::string& prefix, int64_t outputs, int64_t inputs) {
  return {.weight = required(prefix + ".weight", {outputs, inputs}),
          .bias = optional(prefix + ".bias", {outputs})};
}

LinearTensors TensorFinder::biased_linear(const std::string& prefix, int64_t outputs, int64_t inputs) {
  return {.weight = required(prefix + ".weight", {outputs, inputs}),
          .bias = required(prefix + ".bias", {outputs})};
}

void TensorFinder::fail(std::string message, std::string expected) {
  if (error_) return;
  error_ = Error{.kind = ErrorKind::bad_input,
                 .place = checkpoint_.path().string(),
                 .message = std::move(message),
                 .expected = std::move(expected),
                 .hint = {}};
}

}  // namespace sizeup
