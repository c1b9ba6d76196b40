#include "backends/cpu/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "backends/cpu/packed_fields.h"

namespace sizeup::cpu {
namespace {

bool is_plain(TensorType type) {
  return block_format(type).block_elements == 1;
}

using VisitMatrix = std::function<void(const Tensor&, const Storage&)>;

// Layers whose outputs share panels.
void each_matrix(Precision precision, std::span<const LinearTensors> mixed, const VisitMatrix& visit) {
  const Storage storage = storage_of(precision, mixed);
  for (const LinearTensors& linear : mixed) visit(*linear.weight, storage);
}

void each_matrix(Precision precision, const MixtureTensors& mixture, const VisitMatrix& visit) {
  const auto expert = [&](const ExpertTensors& tensors) {
    each_matrix(precision,
                std::array{LinearTensors{.weight = &tensors.gate, .bias = nullptr},
                           LinearTensors{.weight = &tensors.up, .bias = nullptr}},
                visit);
    visit(tensors.down, storage_of(precision, tensors.down));
  };
  for (const ExpertTensors& tensors : mixture.experts) expert(tensors);
  if (mixture.shared) expert(*mixture.shared);
}

// Every matrix and how it is kept; without routers, whose products are float32.
void each_matrix(Precision precision, const DecoderTensors& tensors, const VisitMatrix& visit) {
  const auto one = [&](const Tensor* weight) { visit(*weight, storage_of(precision, *weight)); };
  one(tensors.embedding);
  if (tensors.positions != nullptr) one(tensors.positions);
  if (tensors.head.weight != nullptr) one(tensors.head.weight);
  for (const LayerTensors& layer : tensors.layers) {
    for (const LinearTensors& linear : layer.query_key_value) one(linear.weight);
    if (layer.delta) {
      for (const LinearTensors& linear : layer.delta->input) one(linear.weight);
      for (const LinearTensors& linear : layer.delta->gates) one(linear.weight);
    }
    one(layer.output.weight);
    if (layer.mixture) {
      each_matrix(precision, *layer.mixture, visit);
      continue;
    }
    if (layer.gate.weight != nullptr) {
      each_matrix(precision, std::array{layer.gate, layer.up}, visit);
    } else {
      one(layer.up.weight);
    }
    one(layer.down.weight);
  }
}

int64_t kept_bytes(const Tensor& weight, TensorType type) {
  return weight.rows() * (weight.columns() / block_format(type).block_elements) * packed_block_bytes(type);
}

int64_t router_bytes(const MixtureTensors& mixture) {
  const int64_t gate = mixture.shared_gate ? mixture.router->columns() * int64_t{sizeof(float)} : 0;
  return kept_bytes(*mixture.router, mixture.router->type) + gate;
}

// Of a row in a mixture: its input twice, and for each of its experts the input, the gated values and the
// result.
int64_t mixture_columns(const DecoderSpec& spec) {
  const ExpertSpec& experts = spec.experts;
  if (!experts.any()) return 0;
  const int64_t used = int64_t{experts.used} * (2 * spec.width + experts.width);
  const int64_t shared = experts.shared_width > 0 ? 2 * spec.width + experts.shared_width : 0;
  return 2 * spec.width + used + shared;
}

std::string gigabytes(int64_t bytes) {
  return fmt::format("{:.2f} GB", static_cast<double>(bytes) * 1e-9);
}

// The program itself, tokens and results of a large run.
constexpr int64_t kOther = int64_t{100} << 20;

}  // namespace

Storage storage_of(Precision precision, const Tensor& weight) {
  const bool rounds = precision == Precision::bfloat16;
  if (is_plain(weight.type)) return {.type = rounds ? TensorType::bf16 : weight.type, .rounded = false};
  return {.type = weight.type, .rounded = rounds};
}

Storage storage_of(Precision precision, std::span<const LinearTensors> mixed) {
  const Storage first = storage_of(precision, *mixed.front().weight);
  const bool same = std::all_of(mixed.begin(), mixed.end(), [&](const LinearTensors& linear) {
    return storage_of(precision, *linear.weight) == first;
  });
  if (same) return first;
  return {.type = precision == Precision::bfloat16 ? TensorType::bf16 : TensorType::f32, .rounded = false};
}

bool bfloat_weights(Precision precision, const DecoderTensors& tensors) {
  bool all = true;
  each_matrix(precision, tensors,
              [&](const Tensor&, const Storage& storage) { all = all && storage.type == TensorType::bf16; });
  return all;
}

std::vector<std::string> describe_storage(Precision precision, const DecoderTensors& tensors) {
  std::map<std::pair<std::string_view, std::string_view>, int64_t> changed;
  each_matrix(precision, tensors, [&](const Tensor& weight, const Storage& storage) {
    const std::pair formats(stored_format(weight), block_format(storage.type).name);
    if (formats.first != formats.second) changed[formats] += weight.rows() * weight.columns();
  });
  std::vector<std::string> notes;
  for (const auto& [formats, weights] : changed) {
    notes.push_back(fmt::format("{} weights are kept as {} ({:.1f} M)", formats.first, formats.second,
                                static_cast<double>(weights) * 1e-6));
  }
  return notes;
}

MemoryNeed memory_need(Precision precision, const DecoderModel& model, int rows) {
  MemoryNeed need;
  each_matrix(precision, model.tensors, [&](const Tensor& weight, const Storage& storage) {
    need.weights += kept_bytes(weight, storage.type);
  });
  for (const LayerTensors& layer : model.tensors.layers) {
    if (layer.mixture) need.weights += router_bytes(*layer.mixture);
  }
  // Residual, update, query | key | value, and the inputs of products, at most float32.
  const DecoderSpec& spec = model.spec;
  int64_t inner = 0;  // of the widest layer
  for (const LayerSpec& layer : spec.layers) {
    const int64_t gated = layer.attention.gated ? 2 * layer.attention.query_width() : 0;
    int64_t mixing = 2 * layer.attention.query_width() + 2 * layer.attention.kv_width() + gated;
    if (layer.delta) mixing = layer.delta->columns() + layer.delta->channels() + layer.delta->value_width();
    inner = std::max(inner, mixing + layer.ffn_width);
  }
  const int64_t columns = int64_t{6} * spec.width + inner + mixture_columns(spec);
  need.activations = columns * rows * static_cast<int64_t>(sizeof(float));
  return need;
}

Result<int64_t> memory_for_pages(const MemoryNeed& need, int64_t available, int64_t page_bytes) {
  const int64_t left = available - need.weights - need.activations - kOther;
  if (left >= page_bytes) return left;
  return unavailable(
      "cpu",
      fmt::format(
          "the model needs {} ({} of weights, {} of activations and {} beside them), and {} are free: no "
          "context would fit",
          gigabytes(available - left + page_bytes), gigabytes(need.weights), gigabytes(need.activations),
          gigabytes(kOther + page_bytes), gigabytes(available)),
      "free memory, or use a smaller model or dtype=bfloat16");
}

}  // namespace sizeup::cpu
