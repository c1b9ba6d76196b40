#include "backends/cuda/mixture_pack.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "backends/engine/formats/bfloat16.h"
#include "core/errors/result.h"

namespace sizeup::cuda {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t kRowAlignment = 16;  // of the copies that products make

size_t up_to(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// The type in which matrices are kept.
TensorType stored_type(const std::vector<const Tensor*>& matrices, Precision precision) {
  const TensorType type = matrices.front()->type;
  const bool same = std::ranges::all_of(matrices, [&](const Tensor* one) { return one->type == type; });
  if (precision == Precision::float32) return same ? type : TensorType::f32;
  const bool blocks = block_format(type).block_elements > 1;
  return same && blocks && has_packed_product(type) ? type : TensorType::bf16;
}

void write_row(const Tensor& tensor, int64_t row, TensorType type, std::byte* to) {
  if (tensor.type == type)
    return copy_row(tensor, row, std::span(to, static_cast<size_t>(row_bytes(type, tensor.columns()))));
  std::vector<float> values(static_cast<size_t>(tensor.columns()));
  dequantise_row(tensor, row, values);
  if (type == TensorType::f32) {
    std::ranges::copy(std::as_bytes(std::span(values)), to);
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = to_bfloat16(values[i]);
    std::memcpy(to + 2 * i, &half, sizeof half);
  }
}

void write_values(const Tensor* vector, std::byte* to) {
  const std::vector<float> values = values_of(vector);
  std::ranges::copy(std::as_bytes(std::span(values)), to);
}

const float* floats_at(const std::byte* device, size_t begin) {
  return reinterpret_cast<const float*>(device + begin);
}

}  // namespace

MixturePack::MixturePack(const ExpertSpec& spec, const MixtureTensors& tensors, Precision precision)
    : choice_(router_view(spec)), precision_(precision), tensors_(tensors) {
  std::vector<const Tensor*> router = {tensors.router};
  std::vector<const Tensor*> router_bias;
  if (tensors.router_bias != nullptr) router_bias.push_back(tensors.router_bias);
  if (tensors.shared_gate) {
    router.push_back(&*tensors.shared_gate);
    if (!router_bias.empty()) router_bias.push_back(nullptr);
  }
  router_ = stack(router, router_bias, static_cast<int>(router.size()), Precision::float32);
  std::vector<const ExpertTensors*> experts;
  for (const ExpertTensors& expert : tensors.experts) experts.push_back(&expert);
  gate_up_ = gate_up_stack(experts, precision);
  down_ = down_stack(experts, precision);
  if (tensors.shared) {
    shared_gate_up_ = gate_up_stack({&*tensors.shared}, precision);
    shared_down_ = down_stack({&*tensors.shared}, precision);
  }
  const auto count = static_cast<size_t>(spec.count);
  if (tensors.selection_bias != nullptr) selection_bias_ = take(count * sizeof(float));
  if (tensors.expert_scale != nullptr) expert_scale_ = take(count * sizeof(float));
}

size_t MixturePack::take(size_t bytes) {
  const size_t begin = bytes_;
  bytes_ = up_to(bytes_ + bytes, kAlignment);
  return begin;
}

MixturePack::Stack MixturePack::stack(std::vector<const Tensor*> matrices, std::vector<const Tensor*> biases,
                                      int parts, Precision precision) {
  Stack made;
  made.type = stored_type(matrices, precision);
  made.groups = static_cast<int>(matrices.size()) / parts;
  for (int i = 0; i < parts; ++i) made.outputs += static_cast<int>(matrices[static_cast<size_t>(i)]->rows());
  const auto columns = static_cast<size_t>(matrices.front()->columns());
  const bool padded = made.type == TensorType::bf16 && precision == Precision::bfloat16;
  made.inputs = static_cast<int>(padded ? up_to(columns, kPackedInputs) : columns);
  made.stride = up_to(static_cast<size_t>(row_bytes(made.type, made.inputs)), kRowAlignment);
  const auto all = static_cast<size_t>(made.groups) * static_cast<size_t>(made.outputs);
  made.begin = take(all * made.stride);
  if (!biases.empty()) made.bias_begin = take(all * sizeof(float));
  made.matrices = std::move(matrices);
  made.biases = std::move(biases);
  return made;
}

MixturePack::Stack MixturePack::gate_up_stack(const std::vector<const ExpertTensors*>& experts,
                                              Precision precision) {
  std::vector<const Tensor*> matrices;
  std::vector<const Tensor*> biases;
  for (const ExpertTensors* expert : experts) {
    matrices.insert(matrices.end(), {&expert->gate, &expert->up});
    if (expert->biases) biases.insert(biases.end(), {&expert->biases->gate, &expert->biases->up});
  }
  return stack(std::move(matrices), std::move(biases), 2, precision);
}

MixturePack::Stack MixturePack::down_stack(const std::vector<const ExpertTensors*>& experts,
                                           Precision precision) {
  std::vector<const Tensor*> matrices;
  std::vector<const Tensor*> biases;
  for (const ExpertTensors* expert : experts) {
    matrices.push_back(&expert->down);
    if (expert->biases) biases.push_back(&expert->biases->down);
  }
  return stack(std::move(matrices), std::move(biases), 1, precision);
}

void MixturePack::write_stack(const Stack& stack, std::byte* to) {
  if (stack.groups == 0) return;
  require(stack.biases.empty() || stack.biases.size() == stack.matrices.size(), "all experts have biases");
  std::byte* row = to + stack.begin;
  std::byte* bias = to + stack.bias_begin;
  for (size_t i = 0; i < stack.matrices.size(); ++i) {
    const Tensor& matrix = *stack.matrices[i];
    for (int64_t r = 0; r < matrix.rows(); ++r, row += stack.stride) {
      std::fill_n(row, stack.stride, std::byte{0});
      write_row(matrix, r, stack.type, row);
    }
    if (stack.biases.empty()) continue;
    const size_t size = static_cast<size_t>(matrix.rows()) * sizeof(float);
    std::fill_n(bias, size, std::byte{0});
    write_values(stack.biases[i], bias);
    bias += size;
  }
}

void MixturePack::write(std::byte* to) const {
  for (const Stack* one : {&router_, &gate_up_, &down_, &shared_gate_up_, &shared_down_})
    write_stack(*one, to);
  if (tensors_.selection_bias != nullptr) write_values(tensors_.selection_bias, to + selection_bias_);
  if (tensors_.expert_scale != nullptr) write_values(tensors_.expert_scale, to + expert_scale_);
}

GroupedWeights MixturePack::weights(const Stack& stack, const std::byte* device) {
  const auto stride = static_cast<int64_t>(stack.stride);
  return {.data = device + stack.begin,
          .type = stack.type,
          .stride = stride,
          .group_stride = stride * stack.outputs,
          .outputs = stack.outputs,
          .inputs = stack.inputs,
          .bias = stack.biases.empty() ? nullptr : floats_at(device, stack.bias_begin)};
}

MixtureView MixturePack::view(const std::byte* device) const {
  MixtureView view{.choice = choice_,
                   .router = weights(router_, device),
                   .experts = {weights(gate_up_, device), weights(down_, device)},
                   .shared = {weights(shared_gate_up_, device), weights(shared_down_, device)},
                   .precision = precision_};
  if (tensors_.selection_bias != nullptr) view.choice.selection_bias = floats_at(device, selection_bias_);
  if (tensors_.expert_scale != nullptr) view.choice.expert_scale = floats_at(device, expert_scale_);
  return view;
}

}  // namespace sizeup::cuda
