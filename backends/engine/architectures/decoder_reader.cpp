#include "backends/engine/architectures/decoder_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "backends/engine/architectures/harmless_keys.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/routing.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

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

// A model deeper than this is damage: the deepest published ones have about 130 layers.
constexpr int kMostLayers = 4096;

int read_layers(ConfigReader& config, std::string_view key) {
  const int layers = config.count(key);
  if (layers <= kMostLayers) return layers;
  config.fail(fmt::format("the model has {} layers", layers), fmt::format("at most {}", kMostLayers));
  return 1;
}

void check_attention(ConfigReader& config, const AttentionSpec& spec) {
  if (spec.heads % spec.kv_heads != 0) {
    config.fail(fmt::format("{} heads share {} key/value heads", spec.heads, spec.kv_heads),
                "a number of heads that the key/value heads divide");
  }
  if (spec.rotary && (spec.rotary->dimensions % 2 != 0 || spec.rotary->dimensions > spec.head_size)) {
    config.fail(fmt::format("rotary positions turn {} elements of a head", spec.rotary->dimensions),
                fmt::format("an even number up to {}", spec.head_size));
  }
  if (int64_t{spec.heads} * spec.head_size > ConfigReader::kLargest) {
    config.fail(fmt::format("{} heads of size {} are too large", spec.heads, spec.head_size),
                fmt::format("a product up to {}", ConfigReader::kLargest));
  }
}

std::vector<LayerSpec> equal_layers(int count, const LayerSpec& layer) {
  std::vector<LayerSpec> layers(static_cast<size_t>(count), layer);
  for (int i = 0; i < count; ++i) layers[static_cast<size_t>(i)].kv_layer = i;
  return layers;
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

bool same_weights(const Tensor& a, const Tensor& b) {
  if (a.type != b.type || a.shape != b.shape || a.computed != nullptr || b.computed != nullptr) return false;
  const bool same_size = a.data.size() == b.data.size() && !a.data.empty();
  return same_size && std::memcmp(a.data.data(), b.data.data(), a.data.size()) == 0;
}

// Embedding, last norm and head. Files whose configuration ties the head to the embedding may have both all
// the same: as in transformers the tie holds if they are equal, and if one is missing the other is meant.
void find_ends(TensorFinder& tensors, const TensorNames& names, DecoderModel& model) {
  DecoderSpec& spec = model.spec;
  const std::vector<int64_t> shape = {spec.vocabulary, spec.width};
  const std::string embedding(names.embedding), head(names.head);
  model.tensors.final_norm.weight = tensors.required(std::string(names.final_norm), {spec.width});
  const Tensor* own = spec.tied_head ? tensors.optional(head, shape) : tensors.required(head, shape);
  const bool may_replace = spec.tied_head && own != nullptr;
  const Tensor* table = may_replace ? tensors.optional(embedding, shape) : tensors.required(embedding, shape);
  model.tensors.embedding = table == nullptr ? own : table;
  if (may_replace && table != nullptr) {
    spec.tied_head = same_weights(*table, *own);
    if (spec.tied_head) model.unused.push_back({.tensor = own, .why = "the embedding once more"});
  }
  if (!spec.tied_head) model.tensors.head.weight = own;
}

// Finds layer after layer.
class LayerFinder {
 public:
  LayerFinder(TensorFinder& tensors, const DecoderSpec& spec, const TensorNames& names,
              const ExpertNames& experts, const FusedNames& fused, DecoderTensors& all)
      : tensors_(tensors), spec_(spec), names_(names), experts_(experts), fused_(fused), all_(all) {}

  void find(int index) {
    layer_ = fmt::format("{}{}.", names_.layer, index);
    const LayerSpec& layer = spec_.layer(index);
    LayerTensors found;
    found.attention_norm = norm(names_.attention_norm, spec_.width);
    find_query_key_value(layer.attention, found);
    if (spec_.query_key_norm == QueryKeyNorm::heads) {
      found.query_norm = norm(names_.query_norm, layer.attention.head_size);
      found.key_norm = norm(names_.key_norm, layer.attention.head_size);
    }
    found.output = tensors_.linear(name(names_.output), spec_.width, layer.attention.query_width());
    found.ffn_norm = norm(names_.ffn_norm, spec_.width);
    if (spec_.experts.in_layer(index)) {
      found.mixture = find_mixture(tensors_, spec_, experts_, layer_);
    } else {
      find_dense(layer.ffn_width, found);
    }
    all_.layers.push_back(std::move(found));
  }

 private:
  std::string name(std::string_view part) const { return fmt::format("{}{}", layer_, part); }

  NormTensors norm(std::string_view part, int64_t columns) {
    return {.weight = tensors_.required(name(part), {columns}), .bias = nullptr};
  }

  void find_query_key_value(const AttentionSpec& attention, LayerTensors& found) {
    if (!fused_.query_key_value.empty()) {
      const int64_t rows = attention.query_width() + 2 * attention.kv_width();
      found.query_key_value.push_back(
          {.weight = tensors_.required(name(fused_.query_key_value), {rows, spec_.width}), .bias = nullptr});
      return;
    }
    const auto add = [&](std::string_view part, int width) {
      found.query_key_value.push_back(spec_.query_key_value_bias
                                          ? tensors_.biased_linear(name(part), width, spec_.width)
                                          : tensors_.linear(name(part), width, spec_.width));
    };
    add(names_.query, attention.query_width());
    add(names_.key, attention.kv_width());
    add(names_.value, attention.kv_width());
  }

  // A feed-forward without experts.
  void find_dense(int64_t width, LayerTensors& found) {
    if (!fused_.gate_up.empty()) {
      const auto rows = parts(fused_.gate_up, {width, width}, spec_.width);
      found.gate = {.weight = rows[0], .bias = nullptr};
      found.up = {.weight = rows[1], .bias = nullptr};
    } else {
      found.gate = tensors_.linear(name(names_.gate), width, spec_.width);
      found.up = tensors_.linear(name(names_.up), width, spec_.width);
    }
    found.down = tensors_.linear(name(names_.down), spec_.width, width);
  }

  // Matrices of so many rows that lie one after another in a tensor; nullptr each after a problem.
  std::vector<const Tensor*> parts(std::string_view part, const std::vector<int64_t>& rows, int64_t columns) {
    const int64_t total = std::accumulate(rows.begin(), rows.end(), int64_t{0});
    const Tensor* tensor = tensors_.required(name(part), {total, columns});
    std::vector<const Tensor*> found(rows.size(), nullptr);
    int64_t first = 0;
    for (size_t i = 0; tensor != nullptr && i < rows.size(); first += rows[i++]) {
      all_.parts.push_back(std::make_unique<const Tensor>(rows_of(*tensor, first, rows[i])));
      found[i] = all_.parts.back().get();
    }
    return found;
  }

  TensorFinder& tensors_;
  const DecoderSpec& spec_;
  const TensorNames& names_;
  const ExpertNames& experts_;
  const FusedNames& fused_;
  DecoderTensors& all_;
  std::string layer_;  // the prefix of its names
};

}  // namespace

DecoderSpec read_gguf_spec(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                           RotaryLayout layout) {
  const auto key = [prefix](std::string_view name) { return fmt::format("{}.{}", prefix, name); };
  DecoderSpec spec;
  spec.width = config.count(key("embedding_length"));
  spec.context_length = config.count(key("context_length"));
  const int layers = read_layers(config, key("block_count"));
  LayerSpec layer;
  layer.ffn_width = config.count(key("feed_forward_length"));
  AttentionSpec& attention = layer.attention;
  attention.heads = config.count(key("attention.head_count"));
  attention.kv_heads = config.count(key("attention.head_count_kv"), attention.heads);
  attention.head_size = config.count(key("attention.key_length"), std::max(1, spec.width / attention.heads));
  if (config.count(key("attention.value_length"), attention.head_size) != attention.head_size) {
    config.fail("values of another size than keys are not supported yet",
                "equal key_length and value_length");
  }
  spec.norm.epsilon = config.positive(key("attention.layer_norm_rms_epsilon"));
  spec.vocabulary = config.count(key("vocab_size"), embedding_rows(checkpoint, kGgufNames.embedding));
  attention.rotary =
      read_gguf_rotary(config, checkpoint, prefix, layout, attention.head_size, spec.context_length);
  spec.tied_head = checkpoint.find(kGgufNames.head) == nullptr;
  check_attention(config, attention);
  spec.layers = equal_layers(layers, layer);
  return spec;
}

DecoderSpec read_hugging_face_spec(ConfigReader& config, RotaryPart part) {
  DecoderSpec spec;
  spec.width = config.count("hidden_size");
  spec.context_length = config.count("max_position_embeddings", 2048);
  const int layers = read_layers(config, "num_hidden_layers");
  LayerSpec layer;
  layer.ffn_width = config.count("intermediate_size");
  AttentionSpec& attention = layer.attention;
  attention.heads = config.count("num_attention_heads");
  attention.kv_heads = config.count("num_key_value_heads", attention.heads);
  attention.head_size = config.count("head_dim", std::max(1, spec.width / attention.heads));
  spec.norm.epsilon = config.positive("rms_norm_eps", 1e-6F);
  spec.vocabulary = config.count("vocab_size");
  attention.rotary = read_rotary(config, part, attention.head_size, spec.context_length);
  spec.tied_head = config.flag("tie_word_embeddings", false);
  refuse_hugging_face_extras(config);
  check_attention(config, attention);
  spec.layers = equal_layers(layers, layer);
  return spec;
}

Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec read, const ExpertNames& experts,
                                  const FusedNames& fused) {
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
  find_ends(tensors, names, model);
  LayerFinder layers(tensors, spec, names, experts, fused, model.tensors);
  for (int i = 0; i < spec.layer_count() && !tensors.hopeless(); ++i) layers.find(i);
  if (gguf) {
    for (const std::string_view name : kGgufRotaryTensors) tensors.ask(name);
  }
  for (const UnusedTensor& unused : tensors.refuse_unasked(spec.layer_count()))
    model.unused.push_back(unused);
  if (tensors.error()) return tl::unexpected<Error>(*tensors.error());
  return model;
}

}  // namespace sizeup
