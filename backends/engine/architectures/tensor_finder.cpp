#include "backends/engine/architectures/tensor_finder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "backends/engine/architectures/harmless_tensors.h"
#include "backends/engine/formats/safetensors.h"

namespace sizeup {
namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("{{{}}}", fmt::join(shape, ", "));
}

// The first of a list as `text` shows each, and the number of the others.
template <typename Problem, typename Text>
std::string listed(const std::vector<Problem>& problems, const Text& text) {
  constexpr size_t kShown = 10;  // a screen's worth: enough to see what they have in common
  std::vector<std::string> shown;
  for (const Problem& problem : problems) {
    if (shown.size() < kShown) shown.push_back(text(problem));
  }
  const size_t more = problems.size() - shown.size();
  return fmt::format("{}{}", fmt::join(shown, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace

const Tensor* TensorFinder::required(const std::string& name, const std::vector<int64_t>& shape) {
  const Tensor* tensor = optional(name, shape);
  if (tensor == nullptr) add(missing_, {.name = name, .found = {}, .expected = shape_text(shape)});
  return tensor;
}

const Tensor* TensorFinder::optional(const std::string& name, const std::vector<int64_t>& shape) {
  ask(name);
  const Tensor* tensor = checkpoint_.find(name);
  if (tensor == nullptr) return nullptr;
  if (tensor->shape != shape) {
    add(misshapen_, {.name = name, .found = shape_text(tensor->shape), .expected = shape_text(shape)});
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

void TensorFinder::refuse(const std::string& name, std::string found, std::string expected) {
  add(unfit_, {.name = name, .found = std::move(found), .expected = std::move(expected)});
}

std::vector<UnusedTensor> TensorFinder::refuse_unasked(int layers) {
  std::vector<UnusedTensor> harmless;
  if (hopeless()) return harmless;  // the search ended before all were asked for
  for (const Tensor& tensor : checkpoint_.tensors()) {
    if (asked_.contains(tensor.name)) continue;
    if (const auto why = why_harmless(tensor, checkpoint_, layers)) {
      harmless.push_back({.tensor = &tensor, .why = *why});
    } else {
      add(unknown_, {.name = shown_name(tensor.name), .found = shape_text(tensor.shape), .expected = {}});
    }
  }
  return harmless;
}

void TensorFinder::add(Problems& kind, Problem problem) {
  if (wrong_.insert(problem.name).second) kind.push_back(std::move(problem));
}

std::optional<Error> TensorFinder::error() const {
  if (wrong_.empty()) return std::nullopt;
  Error error{.kind = ErrorKind::bad_input,
              .place = checkpoint_.path().string(),
              .message = {},
              .expected = {},
              .hint = {}};
  if (!unknown_.empty()) {
    error.expected = "tensors of this architecture, or ones that change no result";
    error.hint =
        "an adapter is named by ?adapter=; a tensor that changes nothing can be left out of the file";
  }
  if (wrong_.size() == 1 && !unfit_.empty()) {
    error.message = fmt::format("tensor '{}' is {}", unfit_.front().name, unfit_.front().found);
    error.expected = unfit_.front().expected;
    return error;
  }
  if (wrong_.size() == 1 && unknown_.empty()) {
    const Problem& problem = missing_.empty() ? misshapen_.front() : missing_.front();
    error.message = missing_.empty() ? fmt::format("tensor '{}' has shape {}", problem.name, problem.found)
                                     : fmt::format("tensor '{}' is missing", problem.name);
    error.expected = "shape " + problem.expected;
    return error;
  }
  std::vector<std::string> kinds;
  const auto describe = [&](const Problems& problems, const char* what, const auto& text) {
    if (!problems.empty()) kinds.push_back(fmt::format("{} {}", what, listed(problems, text)));
  };
  describe(missing_, "missing:", [](const Problem& p) { return fmt::format("'{}' {}", p.name, p.expected); });
  describe(misshapen_, "of another shape:", [](const Problem& p) {
    return fmt::format("'{}' {} for {}", p.name, p.found, p.expected);
  });
  describe(unfit_, "of another form:", [](const Problem& p) {
    return fmt::format("'{}' {} for {}", p.name, p.found, p.expected);
  });
  describe(unknown_, "not known what they change:", [](const Problem& p) {
    return fmt::format("'{}' {}", p.name, p.found);
  });
  error.message =
      fmt::format("{}{} {} not fit the configuration: {}", hopeless() ? "at least " : "", wrong_.size(),
                  wrong_.size() == 1 ? "tensor does" : "tensors do", fmt::join(kinds, "; "));
  return error;
}

}  // namespace sizeup
