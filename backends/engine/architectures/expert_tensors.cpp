#include "backends/engine/architectures/expert_tensors.h"

#include <fmt/format.h>

namespace sizeup {
namespace {

// Finds tensors of one layer; those that are missing or wrong are empty.
class ExpertFinder {
 public:
  ExpertFinder(TensorFinder& tensors, const DecoderSpec& spec, const ExpertNames& names,
               const std::string& layer)
      : tensors_(tensors), spec_(spec), names_(names), layer_(layer) {}

  ExpertTensors expert(int index) {
    const int64_t width = spec_.experts.width;
    ExpertTensors found;
    if (const Tensor* both = stacked(names_.stacked_gate_up, 2 * width, spec_.width)) {
      found.gate = rows_of(*both, 2 * width * index, width);
      found.up = rows_of(*both, 2 * width * index + width, width);
    } else {
      found.gate = matrix(names_.stacked_gate, names_.gate, index, width, spec_.width);
      found.up = matrix(names_.stacked_up, names_.up, index, width, spec_.width);
    }
    found.down = matrix(names_.stacked_down, names_.down, index, spec_.width, width);
    return found;
  }

  ExpertTensors shared() {
    const int64_t width = spec_.experts.shared_width;
    return {.gate = one(name(names_.shared_gate), {width, spec_.width}),
            .up = one(name(names_.shared_up), {width, spec_.width}),
            .down = one(name(names_.shared_down), {spec_.width, width})};
  }

  // {1, width}, or a vector in some files.
  Tensor shared_weight() {
    const std::string full = name(names_.shared_weight);
    const bool vector = tensors_.has_dimensions(full, 1);
    return one(full, vector ? std::vector<int64_t>{spec_.width} : std::vector<int64_t>{1, spec_.width});
  }

  std::string name(std::string_view part) const { return fmt::format("{}{}", layer_, part); }

 private:
  Tensor one(const std::string& full, const std::vector<int64_t>& shape) {
    const Tensor* found = tensors_.required(full, shape);
    return found == nullptr ? Tensor() : *found;
  }

  const Tensor* stacked(std::string_view part, int64_t rows, int64_t columns) {
    return part.empty() ? nullptr : tensors_.optional(name(part), {spec_.experts.count, rows, columns});
  }

  Tensor matrix(std::string_view all, std::string_view single, int index, int64_t rows, int64_t columns) {
    if (const Tensor* found = stacked(all, rows, columns)) return rows_of(*found, rows * index, rows);
    return one(name(fmt::format(fmt::runtime(single), index)), {rows, columns});
  }

  TensorFinder& tensors_;
  const DecoderSpec& spec_;
  const ExpertNames& names_;
  const std::string& layer_;
};

}  // namespace

MixtureTensors find_mixture(TensorFinder& tensors, const DecoderSpec& spec, const ExpertNames& names,
                            const std::string& layer) {
  const ExpertSpec& experts = spec.experts;
  ExpertFinder finder(tensors, spec, names, layer);
  MixtureTensors mixture;
  mixture.router = tensors.required(finder.name(names.router), {experts.count, spec.width});
  if (!names.selection_bias.empty())
    mixture.selection_bias = tensors.optional(finder.name(names.selection_bias), {experts.count});
  for (int e = 0; e < experts.count && !tensors.hopeless(); ++e) mixture.experts.push_back(finder.expert(e));
  if (experts.shared_width > 0) mixture.shared = finder.shared();
  if (experts.shared_gated) mixture.shared_gate = finder.shared_weight();
  return mixture;
}

}  // namespace sizeup
