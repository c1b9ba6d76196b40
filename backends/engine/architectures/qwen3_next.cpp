#include "backends/engine/architectures/qwen3_next.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/qwen_experts.h"
#include "backends/engine/architectures/qwen_layers.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr float kTurnedPart = 0.25F;  // of a head, where nothing says it

constexpr DeltaNames kNextDelta{.by_head = "linear_attn.in_proj_qkvz.weight",
                                .gates_by_head = "linear_attn.in_proj_ba.weight",
                                .convolution = "linear_attn.conv1d.weight",
                                .rates = "linear_attn.A_log",
                                .biases = "linear_attn.dt_bias",
                                .norm = "linear_attn.norm.weight",
                                .output = "linear_attn.out_proj.weight"};

constexpr DeltaNames kGgufDelta{.query_key_value = "attn_qkv.weight",
                                .gate = "attn_gate.weight",
                                .b = "ssm_beta.weight",
                                .a = "ssm_alpha.weight",
                                .convolution = "ssm_conv1d.weight",
                                .rates = "ssm_a",
                                .biases = "ssm_dt.bias",
                                .norm = "ssm_norm.weight",
                                .output = "ssm_out.weight"};

std::vector<bool> read_attending(ConfigReader& config, int layers) {
  const int interval = config.count("full_attention_interval", kAttentionInterval);
  const Json* types = config.find("layer_types");
  if (types == nullptr) return every(interval, layers);
  std::vector<bool> attending;
  for (size_t i = 0; types->is_array() && i < types->size(); ++i) {
    const Json& type = (*types)[i];
    if (type != "linear_attention" && type != "full_attention") break;
    attending.push_back(type == "full_attention");
  }
  if (static_cast<int>(attending.size()) != layers) {
    config.fail(fmt::format("'layer_types' is {}", to_line(*types).substr(0, 80)),
                fmt::format("\"linear_attention\" or \"full_attention\" for each of {} layers", layers));
    attending = every(interval, layers);
  }
  return attending;
}

// `ffn_width`: 0 where the configuration must say it.
DecoderSpec read_spec(ConfigReader& config, int ffn_width) {
  DecoderSpec spec =
      read_hugging_face_spec(config, {.rotary = RotaryRule{.partial = true, .part = kTurnedPart},
                                      .context_length = 32768,
                                      .ffn_width = ffn_width,
                                      .head_size = 256});
  if (config.error()) return spec;
  mix_layers(config, read_attending(config, spec.layer_count()), read_delta(config, spec.norm.epsilon), spec);
  spec.norm.added = 1.0F;
  spec.query_key_value_bias = config.flag("attention_bias", false);
  if (!config.flag("attn_output_gate", true)) config.fail("'attn_output_gate' is false", "true");
  // Layers that predict tokens after the next one, the precision in which Python keeps states, and what only
  // mixtures read.
  for (const std::string_view key :
       {"mtp_num_hidden_layers", "mtp_use_dedicated_embeddings", "mamba_ssm_dtype", "mlp_only_layers"})
    config.find(key);
  return spec;
}

// Files of later converters list the layers; all but the last ones, which predict tokens after the next one.
std::vector<bool> read_gguf_attending(ConfigReader& config, std::string_view prefix, int layers) {
  const int interval = config.count(fmt::format("{}.full_attention_interval", prefix), kAttentionInterval);
  const Json* recurrent = config.find(fmt::format("{}.attention.recurrent_layers", prefix));
  std::vector<bool> attending = every(interval, layers);
  if (recurrent == nullptr) return attending;
  if (!recurrent->is_array() || static_cast<int>(recurrent->size()) < layers) {
    config.fail("'attention.recurrent_layers' does not list all layers");
    return attending;
  }
  for (int i = 0; i < layers; ++i)
    attending[static_cast<size_t>(i)] = (*recurrent)[static_cast<size_t>(i)] == false;
  return attending;
}

DecoderSpec read_gguf(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                      bool tiled) {
  const auto key = [prefix](std::string_view name) { return fmt::format("{}.{}", prefix, name); };
  DecoderSpec spec = read_gguf_spec(config, checkpoint, prefix, RotaryLayout::half_split);
  if (config.error()) return spec;
  const int later = config.count_or_zero(key("nextn_predict_layers"), 0);
  if (later >= spec.layer_count()) config.fail("all layers predict tokens after the next one");
  if (config.error()) return spec;
  spec.layers.resize(spec.layers.size() - static_cast<size_t>(later));
  const int value_heads = config.count(key("ssm.time_step_rank"));
  const int values = config.count(key("ssm.inner_size"));
  if (values % value_heads != 0)
    config.fail(fmt::format("{} value heads have {} elements together", value_heads, values));
  const DeltaSpec delta{.key_heads = config.count(key("ssm.group_count")),
                        .value_heads = value_heads,
                        .key_size = config.count(key("ssm.state_size")),
                        .value_size = std::max(1, values / value_heads),
                        .taps = config.count(key("ssm.conv_kernel")),
                        .epsilon = spec.norm.epsilon,
                        .tiled = tiled,
                        .log_rates = false};
  config.find(key("rope.dimension_sections"));  // of images: a text's positions are all the same number
  mix_layers(config, read_gguf_attending(config, prefix, spec.layer_count()), delta, spec);
  return spec;
}

ExpertSpec gguf_experts(ConfigReader& config, std::string_view prefix, int layers) {
  const auto key = [prefix](std::string_view name) { return fmt::format("{}.{}", prefix, name); };
  return {.count = config.count(key("expert_count")),
          .used = config.count(key("expert_used_count")),
          .width = config.count(key("expert_feed_forward_length")),
          .normalised = config.flag(key("expert_weights_norm"), true),
          .shared_width = config.count(key("expert_shared_feed_forward_length")),
          .shared_gated = true,
          .layers = std::vector<bool>(static_cast<size_t>(layers), true)};
}

DecoderNames gguf_names(const DeltaNames& delta) {
  DecoderNames names = kGgufNames;
  names.query_key_value = {};  // of recurrent layers
  names.ffn_norm = "post_attention_norm";
  names.delta = delta;
  return names;
}

DecoderNames folder_names(const DeltaNames& delta) {
  DecoderNames names = kHuggingFaceNames;
  names.delta = delta;
  return names;
}

Result<DecoderModel> describe_gguf(std::string_view architecture, const Checkpoint& checkpoint,
                                   const DeltaNames& delta, bool tiled, bool experts) {
  ConfigReader config(checkpoint);
  DecoderSpec spec = read_gguf(config, checkpoint, architecture, tiled);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  if (experts) spec.experts = gguf_experts(config, architecture, spec.layer_count());
  return find_decoder(architecture, checkpoint, config, std::move(spec), gguf_names(delta), kGgufExperts);
}

// Of Qwen3.5; a configuration with images has the text's inside.
Result<DecoderModel> describe_folder(std::string_view architecture, const Checkpoint& checkpoint,
                                     bool experts) {
  auto text = find_qwen_text(checkpoint);
  if (!text) return forward_error(text);
  DecoderNames names = folder_names(kQwenDelta);
  names.root = text->root;
  ConfigReader config(*text->config, checkpoint.path().string());
  DecoderSpec spec = read_spec(config, experts ? 1 : 0);
  spec.tied_head = text->tied;
  if (config.error()) return tl::unexpected<Error>(*config.error());
  if (experts) spec.experts = read_qwen_experts(config, spec.layer_count());
  return find_decoder(architecture, checkpoint, config, std::move(spec), names, kQwenExperts);
}

}  // namespace

Result<DecoderModel> describe_qwen3_next(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::gguf) {
    DeltaNames delta = kGgufDelta;
    delta.gates_by_head = "ssm_ba.weight";
    return describe_gguf("qwen3next", checkpoint, delta, false, true);
  }
  ConfigReader config(checkpoint);
  DecoderSpec spec = read_spec(config, 0);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  spec.experts = read_qwen_experts(config, spec.layer_count());
  return find_decoder("qwen3next", checkpoint, config, std::move(spec), folder_names(kNextDelta),
                      kQwenExperts);
}

Result<DecoderModel> describe_qwen3_5(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::gguf)
    return describe_gguf("qwen35", checkpoint, kGgufDelta, true, false);
  return describe_folder("qwen35", checkpoint, false);
}

Result<DecoderModel> describe_qwen3_5_moe(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::gguf)
    return describe_gguf("qwen35moe", checkpoint, kGgufDelta, true, true);
  return describe_folder("qwen35moe", checkpoint, true);
}

}  // namespace sizeup
