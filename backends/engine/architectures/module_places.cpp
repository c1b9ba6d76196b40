#include "backends/engine/architectures/module_places.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sizeup {
namespace {

struct Names {
  std::string_view hugging_face, gguf;
};

// After the layer's prefix: gguf-py's tensor_mapping.py for the architectures whose matrices GGUF files hold
// as Hugging Face's folders do, but for the permuted rows.
constexpr auto kParts = std::to_array<Names>({
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.gate", "ffn_gate_inp"},
    {"block_sparse_moe.gate", "ffn_gate_inp"},
    {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_expert.up_proj", "ffn_up_shexp"},
    {"mlp.shared_expert.down_proj", "ffn_down_shexp"},
    {"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
    {"mlp.shared_experts.down_proj", "ffn_down_shexp"},
    {"mlp.router", "ffn_gate_inp"},
});

// Of one expert, after its number.
constexpr auto kExpertParts = std::to_array<Names>({
    {"gate_proj", "ffn_gate"},
    {"up_proj", "ffn_up"},
    {"down_proj", "ffn_down"},
    {"w1", "ffn_gate"},
    {"w3", "ffn_up"},
    {"w2", "ffn_down"},
});

constexpr std::array<std::string_view, 2> kExperts = {"mlp.experts.", "block_sparse_moe.experts."};

// Cuts "12." off the front.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<size_t>(end - text.data());
  if (failure != std::errc() || number < 0 || length == text.size() || text[length] != '.')
    return std::nullopt;
  text.remove_prefix(length + 1);
  return number;
}

std::optional<ModulePlace> whole(const Checkpoint& checkpoint, std::string name) {
  const Tensor* tensor = checkpoint.find(name);
  if (tensor == nullptr || tensor->shape.size() != 2) return std::nullopt;
  return ModulePlace{.tensor = std::move(name), .first_row = 0, .rows = tensor->shape[0]};
}

// A tensor that stacks all experts, or one of each.
std::optional<ModulePlace> find_expert(const Checkpoint& checkpoint, const std::string& layer,
                                       std::string_view part) {
  const auto expert = take_number(part);
  if (!expert) return std::nullopt;
  for (const auto& [hugging_face, gguf] : kExpertParts) {
    if (part != hugging_face) continue;
    std::string stacked = fmt::format("{}{}_exps.weight", layer, gguf);
    const Tensor* tensor = checkpoint.find(stacked);
    if (tensor == nullptr) return whole(checkpoint, fmt::format("{}{}.{}.weight", layer, gguf, *expert));
    if (tensor->shape.size() != 3 || *expert >= tensor->shape[0]) return std::nullopt;
    const int64_t rows = tensor->shape[1];
    return ModulePlace{.tensor = std::move(stacked), .first_row = *expert * rows, .rows = rows};
  }
  return std::nullopt;
}

// llama.cpp's converter permutes all layers or none, also those that are not rotated.
bool permutes(const DecoderSpec& spec) {
  return std::ranges::any_of(spec.layers, [](const LayerSpec& layer) {
    return layer.attention.rotary && layer.attention.rotary->layout == RotaryLayout::interleaved;
  });
}

std::optional<ModulePlace> find_part(const Checkpoint& checkpoint, const DecoderSpec& spec, int layer,
                                     std::string_view part) {
  const std::string prefix = fmt::format("blk.{}.", layer);
  for (const std::string_view experts : kExperts) {
    if (part.starts_with(experts)) return find_expert(checkpoint, prefix, part.substr(experts.size()));
  }
  for (const auto& [hugging_face, gguf] : kParts) {
    if (part != hugging_face) continue;
    auto place = whole(checkpoint, fmt::format("{}{}.weight", prefix, gguf));
    if (place && permutes(spec)) {
      if (gguf == "attn_q") place->permuted_heads = spec.attention(layer).heads;
      if (gguf == "attn_k") place->permuted_heads = spec.attention(layer).kv_heads;
    }
    return place;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ModulePlace> find_module(const Checkpoint& checkpoint, const DecoderSpec& spec,
                                       std::string_view module) {
  if (checkpoint.format() == CheckpointFormat::safetensors)
    return whole(checkpoint, fmt::format("{}.weight", module));
  if (module == "lm_head") return whole(checkpoint, "output.weight");
  constexpr std::string_view kLayers = "model.layers.";
  if (!module.starts_with(kLayers)) return std::nullopt;
  module.remove_prefix(kLayers.size());
  const auto layer = take_number(module);
  if (!layer || *layer >= spec.layer_count()) return std::nullopt;
  return find_part(checkpoint, spec, *layer, module);
}

int64_t unpermuted_row(int64_t row, int64_t rows, int heads) {
  const int64_t size = rows / heads;
  const int64_t inside = row % size;
  return row - inside + inside % 2 * (size / 2) + inside / 2;
}

}  // namespace sizeup
