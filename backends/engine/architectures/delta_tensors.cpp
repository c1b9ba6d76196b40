#include "backends/engine/architectures/delta_tensors.h"

#include <memory>

namespace sizeup {
namespace {

class DeltaFinder {
 public:
  DeltaFinder(TensorFinder& tensors, int64_t width, const DeltaSpec& delta, const std::string& layer,
              DecoderTensors& all)
      : tensors_(tensors), width_(width), delta_(delta), layer_(layer), all_(all) {}

  std::string name(std::string_view part) const { return layer_ + std::string(part); }

  LinearTensors matrix(std::string_view part, int64_t rows) {
    return {.weight = tensors_.required(name(part), {rows, width_}), .bias = nullptr};
  }

  // From the rows of each key head, `first` of every `stride`, to one part of all of them.
  void split(const Tensor* matrix, int64_t first, int64_t count, int64_t stride,
             std::vector<LinearTensors>& to) {
    for (int64_t head = 0; matrix != nullptr && head < delta_.key_heads; ++head) {
      Tensor part = rows_of(*matrix, head * stride + first, count);
      const auto& kept = all_.parts.emplace_back(std::make_unique<const Tensor>(std::move(part)));
      to.push_back({.weight = kept.get(), .bias = nullptr});
    }
  }

  std::vector<LinearTensors> input(const DeltaNames& names) {
    const int64_t values = delta_.value_width();
    if (names.by_head.empty())
      return {matrix(names.query_key_value, delta_.channels()), matrix(names.gate, values)};
    const int64_t keys = delta_.key_size;
    const int64_t group = values / delta_.key_heads;
    const Tensor* all = matrix(names.by_head, delta_.channels() + values).weight;
    std::vector<LinearTensors> found;
    split(all, 0, keys, 2 * (keys + group), found);
    split(all, keys, keys, 2 * (keys + group), found);
    split(all, 2 * keys, group, 2 * (keys + group), found);
    split(all, 2 * keys + group, group, 2 * (keys + group), found);
    return found;
  }

  std::vector<LinearTensors> gates(const DeltaNames& names) {
    if (names.gates_by_head.empty())
      return {matrix(names.b, delta_.value_heads), matrix(names.a, delta_.value_heads)};
    const int64_t group = delta_.value_heads / delta_.key_heads;
    const Tensor* all = matrix(names.gates_by_head, int64_t{2} * delta_.value_heads).weight;
    std::vector<LinearTensors> found;
    split(all, 0, group, 2 * group, found);
    split(all, group, group, 2 * group, found);
    return found;
  }

  // {channels, 1, taps} in Hugging Face's files.
  const Tensor* convolution(std::string_view part) {
    const std::string full = name(part);
    if (tensors_.has_dimensions(full, 3)) return tensors_.required(full, {delta_.channels(), 1, delta_.taps});
    return tensors_.required(full, {delta_.channels(), delta_.taps});
  }

 private:
  TensorFinder& tensors_;
  int64_t width_;
  const DeltaSpec& delta_;
  const std::string& layer_;
  DecoderTensors& all_;
};

}  // namespace

void find_delta(TensorFinder& tensors, const DecoderSpec& spec, const DeltaSpec& delta,
                const DeltaNames& names, const std::string& layer, DecoderTensors& all, LayerTensors& found) {
  DeltaFinder finder(tensors, spec.width, delta, layer, all);
  found.delta = {.input = finder.input(names),
                 .gates = finder.gates(names),
                 .convolution = finder.convolution(names.convolution),
                 .rates = tensors.required(finder.name(names.rates), {delta.value_heads}),
                 .biases = tensors.required(finder.name(names.biases), {delta.value_heads}),
                 .norm = tensors.required(finder.name(names.norm), {delta.value_size})};
  found.output = {.weight = tensors.required(finder.name(names.output), {spec.width, delta.value_width()}),
                  .bias = nullptr};
}

}  // namespace sizeup
