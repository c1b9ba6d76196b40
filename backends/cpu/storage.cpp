#include "backends/cpu/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace sizeup::cpu {
namespace {

WeightFormat stored_format(Precision precision, const Tensor& weight) {
  if (precision == Precision::bfloat16 || weight.type == TensorType::bf16) return WeightFormat::bfloat16;
  return weight.type == TensorType::f16 ? WeightFormat::float16 : WeightFormat::float32;
}

std::string_view format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::float32:
      return "float32";
    case WeightFormat::float16:
      return "float16";
    case WeightFormat::bfloat16:
      return "bfloat16";
  }
  throw InternalError("a weight format has a name");
}

using VisitStack = std::function<void(std::span<const LinearTensors>)>;

void each_stack(const MixtureTensors& mixture, const VisitStack& visit) {
  const auto expert = [&](const ExpertTensors& tensors) {
    visit(std::array{LinearTensors{.weight = &tensors.gate, .bias = nullptr},
                     LinearTensors{.weight = &tensors.up, .bias = nullptr}});
    visit(std::array{LinearTensors{.weight = &tensors.down, .bias = nullptr}});
  };
  for (const ExpertTensors& tensors : mixture.experts) expert(tensors);
  if (mixture.shared) expert(*mixture.shared);
}

// The groups of layers that are stacked, as the decoder does it; without routers, whose products are float32.
void each_stack(const DecoderTensors& tensors, const VisitStack& visit) {
  const auto one = [&](const Tensor* weight) {
    const LinearTensors linear{.weight = weight, .bias = nullptr};
    visit(std::span(&linear, 1));
  };
  one(tensors.embedding);
  if (tensors.head != nullptr) one(tensors.head);
  for (const LayerTensors& layer : tensors.layers) {
    visit(std::array{layer.query, layer.key, layer.value});
    one(layer.output.weight);
    if (layer.mixture) {
      each_stack(*layer.mixture, visit);
      continue;
    }
    visit(std::array{layer.gate, layer.up});
    one(layer.down.weight);
  }
}

int64_t router_bytes(const MixtureTensors& mixture) {
  const int64_t outputs = mixture.router->rows() + (mixture.shared_gate ? 1 : 0);
  return outputs * mixture.router->columns() *
         static_cast<int64_t>(weight_bytes(stored_format(Precision::float32, *mixture.router)));
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

WeightFormat stored_format(Precision precision, std::span<const LinearTensors> stacked) {
  const WeightFormat first = stored_format(precision, *stacked.front().weight);
  const bool same = std::all_of(stacked.begin(), stacked.end(), [&](const LinearTensors& linear) {
    return stored_format(precision, *linear.weight) == first;
  });
  return same ? first : WeightFormat::float32;
}

bool bfloat_weights(Precision precision, const DecoderTensors& tensors) {
  bool all = true;
  each_stack(tensors, [&](std::span<const LinearTensors> stacked) {
    all = all && stored_format(precision, stacked) == WeightFormat::bfloat16;
  });
  return all;
}

std::vector<std::string> describe_storage(Precision precision, const DecoderTensors& tensors) {
  std::map<std::pair<std::string_view, std::string_view>, int64_t> changed;
  each_stack(tensors, [&](std::span<const LinearTensors> stacked) {
    const std::string_view kept = format_name(stored_format(precision, stacked));
    for (const LinearTensors& linear : stacked) {
      const std::string_view given = block_format(linear.weight->type).name;
      const bool same = (given == "F32" && kept == "float32") || (given == "F16" && kept == "float16") ||
                        (given == "BF16" && kept == "bfloat16");
      if (!same) changed[{given, kept}] += linear.weight->rows() * linear.weight->columns();
    }
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
  each_stack(model.tensors, [&](std::span<const LinearTensors> stacked) {
    const auto bytes = static_cast<int64_t>(weight_bytes(stored_format(precision, stacked)));
    for (const LinearTensors& linear : stacked)
      need.weights += bytes * linear.weight->rows() * linear.weight->columns();
  });
  for (const LayerTensors& layer : model.tensors.layers) {
    if (layer.mixture) need.weights += router_bytes(*layer.mixture);
  }
  // Residual, query | key | value, and the inputs of products, at most float32.
  const DecoderSpec& spec = model.spec;
  const int64_t columns = int64_t{4} * spec.width + 2 * spec.query_width() + 2 * spec.kv_width() +
                          spec.ffn_width + mixture_columns(spec);
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
