#include "backends/engine/architectures/qwen_layers.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/engine/architectures/harmless_keys.h"
#include "backends/engine/architectures/qwen_experts.h"
#include "backends/engine/delta_rule.h"
#include "core/json/json.h"

namespace sizeup {

std::vector<bool> every(int interval, int layers) {
  std::vector<bool> attending;
  for (int i = 0; i < layers; ++i) attending.push_back((i + 1) % interval == 0);
  return attending;
}

DeltaSpec read_delta(ConfigReader& config, float epsilon) {
  return {.key_heads = config.count("linear_num_key_heads", 16),
          .value_heads = config.count("linear_num_value_heads", 32),
          .key_size = config.count("linear_key_head_dim", 128),
          .value_size = config.count("linear_value_head_dim", 128),
          .taps = config.count("linear_conv_kernel_dim", 4),
          .epsilon = epsilon};
}

ExpertSpec read_qwen_experts(ConfigReader& config, int layers) {
  const bool later = config.has("num_local_experts");
  return {.count = config.count(later ? "num_local_experts" : "num_experts"),
          .used = config.count("num_experts_per_tok"),
          .width = config.count("moe_intermediate_size"),
          .normalised = config.flag("norm_topk_prob", true),
          .shared_width = config.count("shared_expert_intermediate_size"),
          .shared_gated = true,
          .layers = read_expert_layers(config, layers)};
}

void mix_layers(ConfigReader& config, const std::vector<bool>& attending, const DeltaSpec& delta,
                DecoderSpec& spec) {
  if (config.error()) return;
  if (delta.value_heads % delta.key_heads != 0) {
    config.fail(fmt::format("{} value heads share {} key heads", delta.value_heads, delta.key_heads),
                "a number that the key heads divide");
  }
  if (delta.taps > kMostDeltaTaps) {
    config.fail(fmt::format("a convolution looks at {} positions", delta.taps),
                fmt::format("at most {}", kMostDeltaTaps));
  }
  const bool large = int64_t{delta.value_heads} * delta.value_size > ConfigReader::kLargest / 8 ||
                     int64_t{delta.key_heads} * delta.key_size > ConfigReader::kLargest / 8 ||
                     int64_t{delta.key_size} * delta.value_size > ConfigReader::kLargest;
  if (large) config.fail("the heads of the recurrent layers are too large");
  if (std::ranges::count(attending, true) == 0) config.fail("no layer attends", "at least one that does");
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.attention.gated = true;
    if (attending[i]) continue;
    layer.attention = {};
    layer.kv_layer = kNoKeys;
    layer.delta = delta;
  }
  spec.query_key_norm = QueryKeyNorm::heads;
}

Result<QwenText> find_qwen_text(const Checkpoint& checkpoint) {
  ConfigReader whole(checkpoint);
  const Json* text = whole.find("text_config");
  if (text != nullptr && !text->is_object())
    return bad_input(whole.place(), "'text_config' is not an object");
  const bool tied = whole.flag("tie_word_embeddings", false);
  if (text == nullptr) {
    if (whole.error()) return tl::unexpected<Error>(*whole.error());
    return QwenText{.config = &checkpoint.config(), .tied = tied, .root = "model."};
  }
  for (const std::string_view key :
       {"vision_config", "image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id"})
    whole.find(key);  // of images
  refuse_unknown_keys(whole, checkpoint);
  if (whole.error()) return tl::unexpected<Error>(*whole.error());
  return QwenText{.config = text, .tied = tied, .root = "model.language_model."};
}

}  // namespace sizeup
