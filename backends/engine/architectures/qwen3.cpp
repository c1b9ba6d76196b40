#include "backends/engine/architectures/qwen3.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/qwen_experts.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {
namespace {

// Every layer of the mixture has the window, if any has.
constexpr WindowRule kMixtureWindows{.used = false, .unsaid = 4096};

// Biases of the projections, too, if "attention_bias" says so.
DecoderSpec read_spec(ConfigReader& config, const Checkpoint& checkpoint, std::string_view gguf_name,
                      const WindowRule& windows) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, gguf_name, RotaryLayout::half_split)
                          : read_hugging_face_spec(config);
  spec.query_key_norm = QueryKeyNorm::heads;
  if (gguf) return spec;
  spec.query_key_value_bias = config.flag("attention_bias", false);
  read_windows(config, windows, spec);
  return spec;
}

// Their GGUF files do not say that weights are normalised, and have experts in every layer.
ExpertSpec gguf_experts(ConfigReader& config, int layers) {
  return {.count = config.count("qwen3moe.expert_count"),
          .used = config.count("qwen3moe.expert_used_count"),
          .width = config.count("qwen3moe.expert_feed_forward_length"),
          .normalised = config.flag("qwen3moe.expert_weights_norm", true),
          .layers = std::vector<bool>(static_cast<size_t>(layers), true)};
}

ExpertSpec hugging_face_experts(ConfigReader& config, int layers) {
  // transformers 5 writes the second name.
  const bool later = config.has("num_local_experts");
  return {.count = config.count(later ? "num_local_experts" : "num_experts"),
          .used = config.count("num_experts_per_tok"),
          .width = config.count("moe_intermediate_size"),
          .normalised = config.flag("norm_topk_prob", false),
          .layers = read_expert_layers(config, layers)};
}

}  // namespace

Result<DecoderModel> describe_qwen3(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  return find_decoder("qwen3", checkpoint, config, read_spec(config, checkpoint, "qwen3", kQwenWindows));
}

Result<DecoderModel> describe_qwen3_moe(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = read_spec(config, checkpoint, "qwen3moe", kMixtureWindows);
  if (!gguf) config.find("max_window_layers");  // published ones have it; all layers are the same
  if (config.error()) return tl::unexpected<Error>(*config.error());
  spec.experts =
      gguf ? gguf_experts(config, spec.layer_count()) : hugging_face_experts(config, spec.layer_count());
  return find_decoder("qwen3moe", checkpoint, config, std::move(spec), gguf ? kGgufExperts : kQwenExperts);
}

}  // namespace sizeup
