#include "backends/engine/architectures/gpt_oss.h"

#include <fmt/format.h>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/decoder_tensors.h"
#include "backends/engine/architectures/window_reader.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// Rows of outputs where experts are MXFP4, else of inputs.
constexpr ExpertNames kHuggingFaceExperts{.router = "mlp.router.weight",
                                          .router_bias = "mlp.router.bias",
                                          .stacked_gate_up = "mlp.experts.gate_up_proj_blocks",
                                          .stacked_down = "mlp.experts.down_proj_blocks",
                                          .in_turn = true,
                                          .transposed_gate_up = "mlp.experts.gate_up_proj",
                                          .transposed_down = "mlp.experts.down_proj",
                                          .stacked_gate_up_bias = "mlp.experts.gate_up_proj_bias",
                                          .stacked_down_bias = "mlp.experts.down_proj_bias"};

constexpr ExpertNames kBiasedGgufExperts = [] {
  ExpertNames names = kGgufExperts;
  names.router_bias = "ffn_gate_inp.bias";
  names.stacked_gate_bias = "ffn_gate_exps.bias";
  names.stacked_up_bias = "ffn_up_exps.bias";
  names.stacked_down_bias = "ffn_down_exps.bias";
  return names;
}();

// Activation::clamped_swish has these numbers.
void check_gate(ConfigReader& config) {
  const float limit = config.positive("swiglu_limit", 7.0F);
  const float slope = config.positive("swiglu_alpha", 1.702F);
  if (limit != 7.0F || slope != 1.702F)
    config.fail(fmt::format("'swiglu_limit' is {} and 'swiglu_alpha' {}", limit, slope), "7 and 1.702");
}

// transformers fills in numbers of its own for what is absent here.
void check_rotary(ConfigReader& config) {
  const Json* scaling = config.find(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
  if (scaling == nullptr || !scaling->is_object()) {
    config.fail("the configuration has no rotary scaling", "'rope_parameters' or 'rope_scaling'");
  } else if (!scaling->contains("rope_theta") && !config.has("rope_theta")) {
    config.fail("'rope_theta' is missing from the configuration");
  }
  config.find("initial_context_length");  // once more the original length, which the scaling says
}

// What lies transposed is gathered element by element.
void check_transposed(ConfigReader& config, const Checkpoint& checkpoint, int layers) {
  for (int i = 0; i < layers; ++i) {
    for (const std::string_view part :
         {kHuggingFaceExperts.transposed_gate_up, kHuggingFaceExperts.transposed_down,
          kHuggingFaceExperts.stacked_gate_up_bias}) {
      const Tensor* tensor = checkpoint.find(fmt::format("model.layers.{}.{}", i, part));
      if (tensor == nullptr) continue;
      if (tensor->computed == nullptr && block_format(tensor->type).block_elements == 1) continue;
      config.fail(fmt::format("tensor '{}' lies transposed and is {}", tensor->name, stored_format(*tensor)),
                  "F32, F16 or BF16", "quant= takes the model with MXFP4 experts, or its GGUF file");
    }
  }
}

ExpertSpec hugging_face_experts(ConfigReader& config, const DecoderSpec& spec) {
  ExpertSpec experts{.count = config.count("num_local_experts"),
                     .used = config.count("num_experts_per_tok"),
                     .width = spec.layers.front().ffn_width,
                     .scoring = RouterScoring::softmax_chosen,
                     .layers = std::vector<bool>(spec.layers.size(), true)};
  if (const int again = config.count("experts_per_token", experts.used); again != experts.used) {
    config.fail(fmt::format("'experts_per_token' is {}", again),
                fmt::format("{}, as 'num_experts_per_tok'", experts.used));
  }
  return experts;
}

ExpertSpec gguf_experts(ConfigReader& config, const DecoderSpec& spec) {
  return {.count = config.count("gpt-oss.expert_count"),
          .used = config.count("gpt-oss.expert_used_count"),
          .width = config.count("gpt-oss.expert_feed_forward_length"),
          .scoring = RouterScoring::softmax_chosen,
          .layers = std::vector<bool>(spec.layers.size(), true)};
}

// Where nothing says otherwise every second layer has the window, the first one too.
void alternate_windows(DecoderSpec& spec) {
  for (size_t i = 1; i < spec.layers.size(); i += 2) spec.layers[i].attention.window = 0;
}

DecoderSpec hugging_face_spec(ConfigReader& config, const Checkpoint& checkpoint) {
  check_rotary(config);
  DecoderSpec spec = read_hugging_face_spec(config);
  if (config.error()) return spec;
  check_gate(config);
  check_transposed(config, checkpoint, spec.layer_count());
  spec.query_key_value_bias = config.flag("attention_bias", true);
  read_windows(config, {.unsaid = 128}, spec);
  if (config.find("layer_types") == nullptr) alternate_windows(spec);
  spec.experts = hugging_face_experts(config, spec);
  return spec;
}

// The converter does not write that the ramp of the scaling begins and ends between pairs.
void set_exact_ramp(ConfigReader& config, DecoderSpec& spec) {
  if (config.text("gpt-oss.rope.scaling.type", "none") != "yarn") return;
  YarnScaling scaling = read_gguf_yarn(config, "gpt-oss", spec.context_length);
  scaling.whole_pairs = false;
  for (LayerSpec& layer : spec.layers) {
    RotarySpec& rotary = *layer.attention.rotary;
    rotary.frequencies = yarn_frequencies(rotary, scaling);
  }
}

DecoderSpec gguf_spec(ConfigReader& config, const Checkpoint& checkpoint) {
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "gpt-oss", RotaryLayout::half_split);
  if (config.error()) return spec;
  set_exact_ramp(config, spec);
  spec.query_key_value_bias = true;
  read_gguf_windows(config, "gpt-oss", spec);
  alternate_windows(spec);
  spec.experts = gguf_experts(config, spec);
  return spec;
}

}  // namespace

Result<DecoderModel> describe_gpt_oss(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? gguf_spec(config, checkpoint) : hugging_face_spec(config, checkpoint);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  spec.activation = Activation::clamped_swish;
  DecoderNames names = usual_names(checkpoint);
  names.sinks = gguf ? "attn_sinks.weight" : "self_attn.sinks";
  if (gguf) names.ffn_norm = "post_attention_norm";
  names.biases = spec.query_key_value_bias;
  return find_decoder("gpt-oss", checkpoint, config, std::move(spec), names,
                      gguf ? kBiasedGgufExperts : kHuggingFaceExperts);
}

}  // namespace sizeup
