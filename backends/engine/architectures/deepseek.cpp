#include "backends/engine/architectures/deepseek.h"

#include <fmt/format.h>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/decoder_tensors.h"

namespace sizeup {
namespace {

constexpr ExpertNames kHuggingFaceExperts{.router = "mlp.gate.weight",
                                          .gate = "mlp.experts.{}.gate_proj.weight",
                                          .up = "mlp.experts.{}.up_proj.weight",
                                          .down = "mlp.experts.{}.down_proj.weight",
                                          .shared_gate = "mlp.shared_experts.gate_proj.weight",
                                          .shared_up = "mlp.shared_experts.up_proj.weight",
                                          .shared_down = "mlp.shared_experts.down_proj.weight"};

// The shared experts lie side by side: one of all their widths.
int shared_width(ConfigReader& config, int count, int width) {
  if (int64_t{count} * width <= ConfigReader::kLargest) return count * width;
  config.fail(fmt::format("{} shared experts of width {} are too large", count, width),
              fmt::format("a product up to {}", ConfigReader::kLargest));
  return 0;
}

// The layers from the first on that are multiples of `every`.
std::vector<bool> layers_from(int first, int every, int layers) {
  std::vector<bool> has(static_cast<size_t>(layers), false);
  for (int i = 0; i < layers; ++i) has[static_cast<size_t>(i)] = i >= first && i % every == 0;
  return has;
}

ExpertSpec hugging_face_experts(ConfigReader& config, int layers) {
  ExpertSpec experts{.count = config.count("n_routed_experts"),
                     .used = config.count("num_experts_per_tok"),
                     .width = config.count("moe_intermediate_size"),
                     .normalised = config.flag("norm_topk_prob", false),
                     .layers = {}};
  experts.shared_width = shared_width(config, config.count_or_zero("n_shared_experts", 0), experts.width);
  const int first = config.count_or_zero("first_k_dense_replace", 0);
  experts.layers = layers_from(first, config.count("moe_layer_freq", 1), layers);
  const std::string scoring = config.text("scoring_func", "softmax");
  if (scoring != "softmax") config.fail(fmt::format("'scoring_func' is \"{}\"", scoring), "softmax");
  return experts;
}

ExpertSpec gguf_experts(ConfigReader& config, int layers) {
  ExpertSpec experts{.count = config.count("deepseek.expert_count"),
                     .used = config.count("deepseek.expert_used_count"),
                     .width = config.count("deepseek.expert_feed_forward_length"),
                     .normalised = config.flag("deepseek.expert_weights_norm", false),
                     .scale = config.positive("deepseek.expert_weights_scale", 1.0F),
                     .layers = {}};
  experts.shared_width =
      shared_width(config, config.count_or_zero("deepseek.expert_shared_count", 0), experts.width);
  experts.layers = layers_from(config.count_or_zero("deepseek.leading_dense_block_count", 0), 1, layers);
  constexpr int kSoftmax = 1;  // of llama.cpp's gating functions
  if (const int gating = config.count("deepseek.expert_gating_func", kSoftmax); gating != kSoftmax) {
    config.fail(fmt::format("'deepseek.expert_gating_func' is {}", gating), fmt::format("{}", kSoftmax));
  }
  return experts;
}

}  // namespace

Result<DecoderModel> describe_deepseek(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "deepseek", RotaryLayout::interleaved)
                          : read_hugging_face_spec(config);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  spec.experts =
      gguf ? gguf_experts(config, spec.layer_count()) : hugging_face_experts(config, spec.layer_count());
  return find_decoder("deepseek", checkpoint, config, std::move(spec),
                      gguf ? kGgufExperts : kHuggingFaceExperts);
}

}  // namespace sizeup
