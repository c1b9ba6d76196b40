#include "backends/engine/architectures/qwen2_moe.h"

#include <algorithm>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// The names of later Qwen mixtures as well.
constexpr ExpertNames kHuggingFaceExperts{.router = "mlp.gate.weight",
                                          .gate = "mlp.experts.{}.gate_proj.weight",
                                          .up = "mlp.experts.{}.up_proj.weight",
                                          .down = "mlp.experts.{}.down_proj.weight",
                                          .stacked_gate_up = "mlp.experts.gate_up_proj",
                                          .stacked_down = "mlp.experts.down_proj",
                                          .shared_gate = "mlp.shared_expert.gate_proj.weight",
                                          .shared_up = "mlp.shared_expert.up_proj.weight",
                                          .shared_down = "mlp.shared_expert.down_proj.weight",
                                          .shared_weight = "mlp.shared_expert_gate.weight"};

ExpertSpec gguf_experts(ConfigReader& config, int layers) {
  return {.count = config.count("qwen2moe.expert_count"),
          .used = config.count("qwen2moe.expert_used_count"),
          .width = config.count("qwen2moe.expert_feed_forward_length"),
          .normalised = config.flag("qwen2moe.expert_weights_norm", false),
          .shared_width = config.count("qwen2moe.expert_shared_feed_forward_length"),
          .shared_gated = true,
          .layers = std::vector<bool>(static_cast<size_t>(layers), true)};
}

// Every `decoder_sparse_step`-th layer has experts, unless `mlp_only_layers` lists it.
std::vector<bool> expert_layers(ConfigReader& config, int layers) {
  const int step = config.count("decoder_sparse_step", 1);
  std::vector<bool> has(static_cast<size_t>(layers), false);
  for (int i = step - 1; i < layers; i += step) has[static_cast<size_t>(i)] = true;
  const Json* dense = config.find("mlp_only_layers");
  if (dense == nullptr) return has;
  const bool numbers =
      dense->is_array() && std::all_of(dense->begin(), dense->end(), [layers](const Json& layer) {
        return layer.is_number_integer() && layer >= 0 && layer < layers;
      });
  if (!numbers) {
    config.fail("'mlp_only_layers' is " + to_line(*dense).substr(0, 40), "a list of layers");
    return has;
  }
  for (const Json& layer : *dense) has[layer.get<size_t>()] = false;
  return has;
}

ExpertSpec hugging_face_experts(ConfigReader& config, int layers) {
  return {.count = config.count("num_experts"),
          .used = config.count("num_experts_per_tok"),
          .width = config.count("moe_intermediate_size"),
          .normalised = config.flag("norm_topk_prob", false),
          .shared_width = config.count("shared_expert_intermediate_size"),
          .shared_gated = true,
          .layers = expert_layers(config, layers)};
}

}  // namespace

Result<DecoderModel> describe_qwen2_moe(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "qwen2moe", RotaryLayout::half_split)
                          : read_hugging_face_spec(config);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  if (!gguf) read_windows(config, WindowedLayers::later, kUnsaidWindow, spec);
  spec.query_key_value_bias = gguf || config.flag("qkv_bias", true);
  spec.experts = gguf ? gguf_experts(config, spec.layers) : hugging_face_experts(config, spec.layers);
  return find_decoder("qwen2moe", checkpoint, config, std::move(spec),
                      gguf ? kGgufExperts : kHuggingFaceExperts);
}

}  // namespace sizeup
