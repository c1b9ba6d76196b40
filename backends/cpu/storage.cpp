#include "backends/cpu/storage.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "backends/cpu/packed_fields.h"

namespace sizeup::cpu {
namespace {

bool is_plain(TensorType type) {
  return block_format(type).block_elements == 1;
}

// Every matrix and how it is kept.
void each_matrix(Precision precision, const DecoderTensors& tensors,
                 const std::function<void(const Tensor&, const Storage&)>& visit) {
  const auto one = [&](const Tensor* weight) { visit(*weight, storage_of(precision, *weight)); };
  one(tensors.embedding);
  if (tensors.head != nullptr) one(tensors.head);
  for (const LayerTensors& layer : tensors.layers) {
    for (const LinearTensors& linear : {layer.query, layer.key, layer.value, layer.output, layer.down})
      one(linear.weight);
    const Storage pair = storage_of_pair(precision, *layer.gate.weight, *layer.up.weight);
    visit(*layer.gate.weight, pair);
    visit(*layer.up.weight, pair);
  }
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

Storage storage_of_pair(Precision precision, const Tensor& gate, const Tensor& up) {
  const Storage first = storage_of(precision, gate);
  if (first == storage_of(precision, up)) return first;
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
    if (weight.type == storage.type) return;
    changed[{block_format(weight.type).name, block_format(storage.type).name}] +=
        weight.rows() * weight.columns();
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
    const BlockFormat& format = block_format(storage.type);
    need.weights +=
        weight.rows() * (weight.columns() / format.block_elements) * packed_block_bytes(storage.type);
  });
  // Residual, query | key | value, and the inputs of products, at most float32.
  const DecoderSpec& spec = model.spec;
  const int64_t columns =
      int64_t{4} * spec.width + 2 * spec.query_width() + 2 * spec.kv_width() + spec.ffn_width;
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
