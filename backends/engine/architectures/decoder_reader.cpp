#include "backends/engine/architectures/decoder_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/engine/architectures/harmless_keys.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/routing.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// A model deeper than this is damage: the deepest published ones have about 130 layers.
constexpr int kMostLayers = 4096;

struct TensorNames {
  std::string_view embedding, final_norm, head;
  std::string_view layer;  // before the layer's number
  std::string_view attention_norm, query, key, value, query_norm, key_norm, output, ffn_norm, gate, up, down;
};

constexpr TensorNames kGgufNames{.embedding = "token_embd.weight",
                                 .final_norm = "output_norm.weight",
                                 .head = "output.weight",
                                 .layer = "blk.",
                                 .attention_norm = "attn_norm.weight",
                                 .query = "attn_q",
                                 .key = "attn_k",
                                 .value = "attn_v",
                                 .query_norm = "attn_q_norm.weight",
                                 .key_norm = "attn_k_norm.weight",
                                 .output = "attn_output",
                                 .ffn_norm = "ffn_norm.weight",
                                 .gate = "ffn_gate",
                                 .up = "ffn_up",
                                 .down = "ffn_down"};

constexpr TensorNames kHuggingFaceNames{.embedding = "model.embed_tokens.weight",
                                        .final_norm = "model.norm.weight",
                                        .head = "lm_head.weight",
                                        .layer = "model.layers.",
                                        .attention_norm = "input_layernorm.weight",
                                        .query = "self_attn.q_proj",
                                        .key = "self_attn.k_proj",
                                        .value = "self_attn.v_proj",
                                        .query_norm = "self_attn.q_norm.weight",
                                        .key_norm = "self_attn.k_norm.weight",
                                        .output = "self_attn.o_proj",
                                        .ffn_norm = "post_attention_layernorm.weight",
                                        .gate = "mlp.gate_proj",
                                        .up = "mlp.up_proj",
                                        .down = "mlp.down_proj"};

int embedding_rows(const Checkpoint& checkpoint, std::string_view name) {
  const Tensor* embedding = checkpoint.find(name);
  const bool plausible = embedding != nullptr && embedding->shape.size() == 2 && embedding->shape[0] >= 1 &&
                         embedding->shape[0] <= ConfigReader::kLargest;
  return plausible ? static_cast<int>(embedding->shape[0]) : 1;
}

void refuse_hugging_face_extras(ConfigReader& config) {
  const std::string activation = config.text("hidden_act", "silu");
  if (activation != "silu")
    config.fail(fmt::format("activation '{}' is not supported yet", activation), "silu");
  if (config.find("quantization_config") != nullptr)
    config.fail("'quantization_config' is not supported yet");
}

void check_spec(ConfigReader& config, const DecoderSpec& spec) {
  if (spec.layers > kMostLayers) {
    config.fail(fmt::format("the model has {} layers", spec.layers), fmt::format("at most {}", kMostLayers));
  }
  if (spec.heads % spec.kv_heads != 0) {
    config.fail(fmt::format("{} heads share {} key/value heads", spec.heads, spec.kv_heads),
                "a number of heads that the key/value heads divide");
  }
  if (spec.rotary.dimensions % 2 != 0 || spec.rotary.dimensions > spec.head_size) {
    config.fail(fmt::format("rotary positions turn {} elements of a head", spec.rotary.dimensions),
                fmt::format("an even number up to {}", spec.head_size));
  }
  if (int64_t{spec.heads} * spec.head_size > ConfigReader::kLargest) {
    config.fail(fmt::format("{} heads of size {} are too large", spec.heads, spec.head_size),
                fmt::format("a product up to {}", ConfigReader::kLargest));
  }
}

void check_experts(ConfigReader& config, const DecoderSpec& spec) {
  const ExpertSpec& experts = spec.experts;
  if (experts.count > kMostExperts) {
    config.fail(fmt::format("the model has {} experts", experts.count),
                fmt::format("at most {}", kMostExperts));
  }
  const bool grouped = experts.groups >= 1 && experts.groups_used >= 1 &&
                       experts.groups_used <= experts.groups && experts.count % experts.groups == 0;
  if (!grouped) {
    config.fail(fmt::format("{} of {} groups of {} experts are open", experts.groups_used, experts.groups,
                            experts.count),
                "groups that divide the experts");
  } else if (experts.used > experts.count / experts.groups * experts.groups_used) {
    config.fail(fmt::format("each token uses {} experts", experts.used),
                fmt::format("at most {}", experts.count));
  }
}

// A feed-forward without experts.
void find_dense(TensorFinder& tensors, const DecoderSpec& spec, const TensorNames& names,
                const std::string& layer, LayerTensors& found) {
  found.gate = tensors.linear(fmt::format("{}{}", layer, names.gate), spec.ffn_width, spec.width);
  found.up = tensors.linear(fmt::format("{}{}", layer, names.up), spec.ffn_width, spec.width);
  found.down = tensors.linear(fmt::format("{}{}", layer, names.down), spec.width, spec.ffn_width);
}

LayerTensors find_layer(TensorFinder& tensors, const DecoderSpec& spec, const TensorNames& names,
                        const ExpertNames& experts, int index) {
  const std::string layer = fmt::format("{}{}.", names.layer, index);
  const auto name = [&](std::string_view part) { return fmt::format("{}{}", layer, part); };
  LayerTensors found;
  found.attention_norm = tensors.required(name(names.attention_norm), {spec.width});
  const auto projection = [&](std::string_view part, int width) {
    return spec.query_key_value_bias ? tensors.biased_linear(name(part), width, spec.width)
                                     : tensors.linear(name(part), width, spec.width);
  };
  found.query = projection(names.query, spec.query_width());
  found.key = projection(names.key, spec.kv_width());
  found.value = projection(names.value, spec.kv_width());
  if (spec.query_key_norm) {
    found.query_norm = tensors.required(name(names.query_norm), {spec.head_size});
    found.key_norm = tensors.required(name(names.key_norm), {spec.head_size});
  }
  found.output = tensors.linear(name(names.output), spec.width, spec.query_width());
  found.ffn_norm = tensors.required(name(names.ffn_norm), {spec.width});
  if (spec.experts.in_layer(index)) {
    found.mixture = find_mixture(tensors, spec, experts, layer);
  } else {
    find_dense(tensors, spec, names, layer, found);
  }
  return found;
}

}  // namespace

DecoderSpec read_gguf_spec(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                           RotaryLayout layout) {
  const auto key = [prefix](std::string_view name) { return fmt::format("{}.{}", prefix, name); };
  DecoderSpec spec;
  spec.width = config.count(key("embedding_length"));
  spec.context_length = config.count(key("context_length"));
  spec.layers = config.count(key("block_count"));
  spec.ffn_width = config.count(key("feed_forward_length"));
  spec.heads = config.count(key("attention.head_count"));
  spec.kv_heads = config.count(key("attention.head_count_kv"), spec.heads);
  spec.head_size = config.count(key("attention.key_length"), std::max(1, spec.width / spec.heads));
  if (config.count(key("attention.value_length"), spec.head_size) != spec.head_size) {
    config.fail("values of another size than keys are not supported yet",
                "equal key_length and value_length");
  }
  spec.norm_epsilon = config.positive(key("attention.layer_norm_rms_epsilon"));
  spec.vocabulary = config.count(key("vocab_size"), embedding_rows(checkpoint, kGgufNames.embedding));
  spec.rotary.layout = layout;
  read_gguf_rotary(config, checkpoint, prefix, spec);
  spec.tied_head = checkpoint.find(kGgufNames.head) == nullptr;
  check_spec(config, spec);
  return spec;
}

DecoderSpec read_hugging_face_spec(ConfigReader& config, RotaryPart part) {
  DecoderSpec spec;
  spec.width = config.count("hidden_size");
  spec.context_length = config.count("max_position_embeddings", 2048);
  spec.layers = config.count("num_hidden_layers");
  spec.ffn_width = config.count("intermediate_size");
  spec.heads = config.count("num_attention_heads");
  spec.kv_heads = config.count("num_key_value_heads", spec.heads);
  spec.head_size = config.count("head_dim", std::max(1, spec.width / spec.heads));
  spec.norm_epsilon = config.positive("rms_norm_eps", 1e-6F);
  spec.vocabulary = config.count("vocab_size");
  spec.rotary.layout = RotaryLayout::half_split;
  read_rotary(config, part, spec);
  spec.tied_head = config.flag("tie_word_embeddings", false);
  refuse_hugging_face_extras(config);
  check_spec(config, spec);
  return spec;
}

Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec read, const ExpertNames& experts) {
  if (read.experts.any()) check_experts(config, read);
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  refuse_unknown_keys(config, checkpoint);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  const TensorNames& names = gguf ? kGgufNames : kHuggingFaceNames;
  DecoderModel model;
  model.architecture = architecture;
  model.spec = std::move(read);
  const DecoderSpec& spec = model.spec;
  TensorFinder tensors(checkpoint);
  model.tensors.embedding = tensors.required(std::string(names.embedding), {spec.vocabulary, spec.width});
  model.tensors.final_norm = tensors.required(std::string(names.final_norm), {spec.width});
  if (!spec.tied_head)
    model.tensors.head = tensors.required(std::string(names.head), {spec.vocabulary, spec.width});
  for (int i = 0; i < spec.layers && !tensors.error(); ++i) {
    model.tensors.layers.push_back(find_layer(tensors, spec, names, experts, i));
  }
  if (tensors.error()) return tl::unexpected<Error>(*tensors.error());
  return model;
}

}  // namespace sizeup
