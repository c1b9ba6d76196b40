#include "backends/engine/architectures/expert_tensors.h"

#include <fmt/format.h>

namespace sizeup {
namespace {

// Finds tensors of one layer; those that are missing or wrong are empty.
class ExpertFinder {
 public:
  ExpertFinder(TensorFinder& tensors, const DecoderSpec& spec, const ExpertNames& names,
               const std::string& layer, RowSources& sources)
      : tensors_(tensors), spec_(spec), names_(names), layer_(layer), sources_(sources) {}

  ExpertTensors expert(int index) {
    const int64_t width = spec_.experts.width;
    ExpertTensors found;
    if (const auto both =
            stacked(names_.stacked_gate_up, names_.transposed_gate_up, index, 2 * width, spec_.width)) {
      if (!both->shape.empty()) split(*both, found);
    } else {
      found.gate = matrix(names_.stacked_gate, names_.gate, index, width, spec_.width);
      found.up = matrix(names_.stacked_up, names_.up, index, width, spec_.width);
    }
    const auto down = stacked(names_.stacked_down, names_.transposed_down, index, spec_.width, width);
    found.down = down ? *down : single(names_.down, index, spec_.width, width);
    if (!names_.stacked_down_bias.empty()) found.biases = biases(index);
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

  // A tensor that one expert has.
  Tensor single(std::string_view part, int index, int64_t rows, int64_t columns) {
    return one(name(fmt::format(fmt::runtime(part), index)), {rows, columns});
  }

  Tensor matrix(std::string_view all, std::string_view one_part, int index, int64_t rows, int64_t columns) {
    const auto found = stacked(all, {}, index, rows, columns);
    return found ? *found : single(one_part, index, rows, columns);
  }

  // One expert's matrix of a tensor that has all; nothing if the architecture or the file has none.
  std::optional<Tensor> stacked(std::string_view all, std::string_view all_transposed, int index,
                                int64_t rows, int64_t columns) {
    const int64_t count = spec_.experts.count;
    const Tensor* found = all.empty() ? nullptr : tensors_.optional(name(all), {count, rows, columns});
    if (found != nullptr) return rows_of(*found, rows * index, rows);
    if (all_transposed.empty()) return std::nullopt;
    found = tensors_.required(name(all_transposed), {count, columns, rows});
    return found == nullptr ? Tensor() : transposed(rows_of(*found, columns * index, columns), sources_);
  }

  void split(const Tensor& both, ExpertTensors& found) {
    const int64_t width = spec_.experts.width;
    found.gate = names_.in_turn ? every_second_row(both, 0, sources_) : rows_of(both, 0, width);
    found.up = names_.in_turn ? every_second_row(both, 1, sources_) : rows_of(both, width, width);
  }

  // Of one expert's row of a tensor that has all.
  Tensor bias(std::string_view all, int index, int64_t rows) {
    const Tensor* found = tensors_.required(name(all), {spec_.experts.count, rows});
    return found == nullptr ? Tensor() : rows_of(*found, index, 1);
  }

  ExpertBiases biases(int index) {
    const int64_t width = spec_.experts.width;
    ExpertBiases found;
    found.down = bias(names_.stacked_down_bias, index, spec_.width);
    if (names_.stacked_gate_up_bias.empty()) {
      found.gate = bias(names_.stacked_gate_bias, index, width);
      found.up = bias(names_.stacked_up_bias, index, width);
      return found;
    }
    Tensor both = bias(names_.stacked_gate_up_bias, index, 2 * width);
    if (both.shape.empty()) return found;
    both.shape = {2, width};
    if (names_.in_turn) {
      both.shape = {width, 2};
      both = transposed(both, sources_);
    }
    found.gate = rows_of(both, 0, 1);
    found.up = rows_of(both, 1, 1);
    return found;
  }

  TensorFinder& tensors_;
  const DecoderSpec& spec_;
  const ExpertNames& names_;
  const std::string& layer_;
  RowSources& sources_;
};

}  // namespace

MixtureTensors find_mixture(TensorFinder& tensors, const DecoderSpec& spec, const ExpertNames& names,
                            const std::string& layer) {
  const ExpertSpec& experts = spec.experts;
  MixtureTensors mixture;
  ExpertFinder finder(tensors, spec, names, layer, mixture.sources);
  mixture.router = tensors.required(finder.name(names.router), {experts.count, spec.width});
  if (!names.router_bias.empty())
    mixture.router_bias = tensors.required(finder.name(names.router_bias), {experts.count});
  if (!names.selection_bias.empty())
    mixture.selection_bias = tensors.optional(finder.name(names.selection_bias), {experts.count});
  for (int e = 0; e < experts.count && !tensors.hopeless(); ++e) mixture.experts.push_back(finder.expert(e));
  if (experts.shared_width > 0) mixture.shared = finder.shared();
  if (experts.shared_gated) mixture.shared_gate = finder.shared_weight();
  return mixture;
}

}  // namespace sizeup
