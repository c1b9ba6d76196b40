#include "backends/engine/architectures/qwen2_moe.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/qwen_experts.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {
namespace {

ExpertSpec gguf_experts(ConfigReader& config, int layers) {
  return {.count = config.count("qwen2moe.expert_count"),
          .used = config.count("qwen2moe.expert_used_count"),
          .width = config.count("qwen2moe.expert_feed_forward_length"),
          .normalised = config.flag("qwen2moe.expert_weights_norm", false),
          .shared_width = config.count("qwen2moe.expert_shared_feed_forward_length"),
          .shared_gated = true,
          .layers = std::vector<bool>(static_cast<size_t>(layers), true)};
}

ExpertSpec hugging_face_experts(ConfigReader& config, int layers) {
  return {.count = config.count("num_experts"),
          .used = config.count("num_experts_per_tok"),
          .width = config.count("moe_intermediate_size"),
          .normalised = config.flag("norm_topk_prob", false),
          .shared_width = config.count("shared_expert_intermediate_size"),
          .shared_gated = true,
          .layers = read_expert_layers(config, layers)};
}

}  // namespace

Result<DecoderModel> describe_qwen2_moe(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "qwen2moe", RotaryLayout::half_split)
                          : read_hugging_face_spec(config);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  if (!gguf) read_windows(config, kQwenWindows, spec);
  spec.query_key_value_bias = gguf || config.flag("qkv_bias", true);
  spec.experts =
      gguf ? gguf_experts(config, spec.layer_count()) : hugging_face_experts(config, spec.layer_count());
  return find_decoder("qwen2moe", checkpoint, config, std::move(spec), gguf ? kGgufExperts : kQwenExperts);
}

}  // namespace sizeup
