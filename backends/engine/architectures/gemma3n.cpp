#include "backends/engine/architectures/gemma3n.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/decoder_tensors.h"
#include "backends/engine/architectures/gemma_layers.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/architectures/window_reader.h"
#include "backends/engine/extensions/gemma3n.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr WindowRule kWindows{.full_every = 5, .unsaid = 512};

// More streams would be damage: the published models have four.
constexpr int kMostStreams = 64;

// What the configuration says of the extension.
struct ExtensionKeys {
  int streams = 0;
  int active = 0;
  int rank = 0;        // 0: the file does not say it
  int columns = 0;     // of each layer's embedding
  int table_rows = 0;  // the same
  bool output_scale = true;
};

// Where a part `p` of a normal distribution lies below: Newton's steps, which approach it from one side.
double normal_quantile(double p) {
  if (p < 0.5) return -normal_quantile(1.0 - p);
  constexpr int kMostSteps = 200;
  double x = 0.0;
  for (int i = 0; i < kMostSteps; ++i) {
    const double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
    const double step = (p - below) / density;
    if (!(std::abs(step) > 1e-12)) break;
    x += step;
  }
  return x;
}

// The part of gates that do not count: one number for each layer, or for all.
void read_sparsity(ConfigReader& config, DecoderSpec& spec) {
  constexpr std::string_view kKey = "activation_sparsity_pattern";
  const Json* value = config.find(kKey);
  const int layers = spec.layer_count();
  for (int i = 0; i < layers; ++i) {
    constexpr int kSparseLayers = 10;  // of those that do not say it
    double part = layers > kSparseLayers && i < kSparseLayers ? 0.95 : 0.0;
    if (value != nullptr) {
      const bool list = value->is_array() && static_cast<int>(value->size()) == layers;
      const Json one = list ? (*value)[static_cast<size_t>(i)] : *value;
      part = one.is_number() ? one.get<double>() : -1.0;
    }
    if (!(part >= 0.0 && part < 1.0)) {
      config.fail(fmt::format("'{}' is {}", kKey, to_line(*value).substr(0, 40)),
                  fmt::format("a number from 0 to 1 for each of {} layers", layers));
      return;
    }
    if (part > 0.0)
      spec.layers[static_cast<size_t>(i)].gate_deviations = static_cast<float>(normal_quantile(part));
  }
}

// In standard deviations; minus infinity where all gates count.
void read_gguf_sparsity(ConfigReader& config, DecoderSpec& spec) {
  constexpr std::string_view kKey = "gemma3n.activation_sparsity_scale";
  const Json* value = config.find(kKey);
  const bool list = value != nullptr && value->is_array() && value->size() == spec.layers.size();
  if (!list) {
    config.fail(fmt::format("'{}' is not a list of {} numbers", kKey, spec.layer_count()));
    return;
  }
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const float deviations = (*value)[i].is_number() ? (*value)[i].get<float>() : NAN;
    if (std::isnan(deviations) || deviations == INFINITY)
      config.fail(fmt::format("'{}' has a value that is no number", kKey));
    if (std::isfinite(deviations)) spec.layers[i].gate_deviations = deviations;
  }
}

void check_streams(ConfigReader& config, const ExtensionKeys& keys) {
  if (keys.streams > kMostStreams || keys.active >= keys.streams) {
    config.fail(fmt::format("stream {} of {} is the active one", keys.active, keys.streams),
                fmt::format("one of at most {}", kMostStreams));
  }
}

DecoderSpec read_spec(ConfigReader& config, ExtensionKeys& keys) {
  DecoderSpec spec = read_hugging_face_spec(config, {.activation = "hidden_activation",
                                                     .unsaid_activation = Activation::gelu_tanh,
                                                     .rotary = std::nullopt,
                                                     .vocabulary = 262400,
                                                     .context_length = 32768,
                                                     .heads = 8,
                                                     .kv_heads = 2,
                                                     .head_size = 256,
                                                     .tied = true});
  const int head_size = spec.attention(0).head_size;
  const LayerRotaries rotaries =
      read_layer_rotaries(config, {.base = 1e6F, .head_size = head_size},
                          {.base_key = "rope_local_base_freq", .head_size = head_size}, spec.context_length);
  const std::vector<bool> sliding = read_windows(config, kWindows, spec);
  rotate_layers(spec, sliding, rotaries);
  set_scales_and_norms(spec);
  share_keys(config, config.count_or_zero("num_kv_shared_layers", 15), sliding, spec);
  read_sparsity(config, spec);
  spec.logit_cap = read_cap(config, "final_logit_softcapping", 30.0F);
  config.find("altup_coef_clip");        // of training
  config.find("altup_lr_multiplier");    // the same
  config.find("query_pre_attn_scalar");  // of Gemma 3
  keys = {.streams = config.count("altup_num_inputs", 4),
          .active = config.count_or_zero("altup_active_idx", 0),
          .rank = config.count("laurel_rank", 64),
          .columns = config.count("hidden_size_per_layer_input", 256),
          .table_rows = config.count("vocab_size_per_layer_input", 262144),
          .output_scale = config.flag("altup_correct_scale", true)};
  check_streams(config, keys);
  return spec;
}

DecoderSpec read_gguf(ConfigReader& config, const Checkpoint& checkpoint, ExtensionKeys& keys) {
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "gemma3n", RotaryLayout::half_split);
  spec.activation = Activation::gelu_tanh;
  const RotarySpec full = spec.attention(0).rotary.value_or(RotarySpec());
  const RotarySpec sliding_rotary{.dimensions = full.dimensions,
                                  .base = config.positive("gemma3n.rope.freq_base_swa", 10000.0F)};
  const std::vector<bool> sliding = read_gguf_windows(config, "gemma3n", spec, kWindows);
  rotate_layers(spec, sliding, {.full = full, .sliding = sliding_rotary});
  set_scales_and_norms(spec);
  share_keys(config, config.count_or_zero("gemma3n.attention.shared_kv_layers", 0), sliding, spec);
  read_gguf_sparsity(config, spec);
  spec.logit_cap = config.positive("gemma3n.final_logit_softcapping", 30.0F);
  keys = {.streams = config.count("gemma3n.altup.num_inputs"),
          .active = config.count_or_zero("gemma3n.altup.active_idx", 0),
          .columns = config.count("gemma3n.embedding_length_per_layer_input")};
  const Tensor* left = checkpoint.find("blk.0.laurel_l.weight");
  keys.rank = left == nullptr ? 1 : static_cast<int>(left->rows());
  check_streams(config, keys);
  return spec;
}

// Finds the extension's tensors in either kind of file.
class ExtensionFinder {
 public:
  ExtensionFinder(const Checkpoint& checkpoint, std::string_view root, const ExtensionKeys& keys,
                  TensorFinder& tensors, DecoderModel& model)
      : checkpoint_(checkpoint),
        tensors_(tensors),
        root_(root),
        keys_(keys),
        model_(model),
        gguf_(checkpoint.format() == CheckpointFormat::gguf) {}

  Gemma3nTensors find() {
    const DecoderSpec& spec = model_.spec;
    Gemma3nTensors found{.streams = keys_.streams, .active = keys_.active, .rank = keys_.rank};
    found.projections = streams("altup_proj", "altup_projections");
    found.unprojections = streams("altup_unembd_proj", "altup_unembed_projections");
    const int layers = static_cast<int>(model_.tensors.layers.size());
    for (int i = 0; i < layers && !tensors_.hopeless(); ++i) found.layers.push_back(layer(i));
    found.embeddings =
        find_layer_embeddings(tensors_, checkpoint_, spec, root_, keys_.columns, keys_.table_rows);
    return found;
  }

 private:
  // Matrices of all streams but the first: each on its own, or stacked.
  std::vector<const Tensor*> streams(std::string_view gguf_name, std::string_view name) {
    const int64_t width = model_.spec.width;
    std::vector<const Tensor*> found;
    if (!gguf_) {
      for (int i = 0; i + 1 < keys_.streams; ++i)
        found.push_back(tensors_.required(fmt::format("{}{}.{}.weight", root_, name, i), {width, width}));
      return found;
    }
    const Tensor* stacked =
        tensors_.required(fmt::format("{}.weight", gguf_name), {keys_.streams - 1, width, width});
    for (int i = 0; stacked != nullptr && i + 1 < keys_.streams; ++i) {
      auto part = std::make_unique<const Tensor>(rows_of(*stacked, i * width, width));
      found.push_back(model_.tensors.parts.emplace_back(std::move(part)).get());
    }
    return found;
  }

  Gemma3nTensors::Layer layer(int index) {
    const int64_t width = model_.spec.width;
    const int64_t streams = keys_.streams;
    const auto tensor = [&](std::string_view gguf_name, std::string_view name,
                            const std::vector<int64_t>& shape) {
      return tensors_.required(gguf_ ? fmt::format("blk.{}.{}.weight", index, gguf_name)
                                     : fmt::format("{}layers.{}.{}", root_, index, name),
                               shape);
    };
    Gemma3nTensors::Layer found;
    found.attention_norm = *model_.tensors.layers[static_cast<size_t>(index)].attention_norm;
    found.router_norm.weight = tensor("altup_router_norm", "altup.router_norm.weight", {width});
    found.router = tensor("altup_router", "altup.modality_router.weight", {streams, width});
    found.prediction =
        tensor("altup_predict_coef", "altup.prediction_coefs.weight", {streams * streams, streams});
    found.correction = tensor("altup_correct_coef", "altup.correction_coefs.weight", {streams, streams});
    if (keys_.output_scale) {
      found.output_scale = tensor("altup_correct_scale", "altup.correct_output_scale", {width});
    } else if (const Tensor* scale = tensors_.optional(
                   fmt::format("{}layers.{}.altup.correct_output_scale", root_, index), {width})) {
      model_.unused.push_back({.tensor = scale, .why = "'altup_correct_scale' is false"});
    }
    found.left = tensor("laurel_l", "laurel.linear_left.weight", {keys_.rank, width});
    found.right = tensor("laurel_r", "laurel.linear_right.weight", {width, keys_.rank});
    found.augmented_norm.weight = tensor("laurel_post_norm", "laurel.post_laurel_norm.weight", {width});
    return found;
  }

  const Checkpoint& checkpoint_;
  TensorFinder& tensors_;
  std::string_view root_;
  ExtensionKeys keys_;
  DecoderModel& model_;
  bool gguf_;
};

Result<DecoderModel> find(const Checkpoint& checkpoint, ConfigReader& config, DecoderSpec spec,
                          const ExtensionKeys& keys, std::string_view root) {
  const FindMore find_extension = [&](TensorFinder& tensors, DecoderModel& model) {
    Gemma3nTensors found = ExtensionFinder(checkpoint, root, keys, tensors, model).find();
    count_weights(found, model.spec);
    model.tensors.extension = std::make_unique<Gemma3nExtension>(std::move(found));
  };
  return find_decoder("gemma3n", checkpoint, config, std::move(spec), gemma_names(checkpoint, root), {},
                      find_extension);
}

}  // namespace

Result<DecoderModel> describe_gemma3n(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  ExtensionKeys keys;
  DecoderSpec spec = checkpoint.format() == CheckpointFormat::gguf ? read_gguf(config, checkpoint, keys)
                                                                   : read_spec(config, keys);
  return find(checkpoint, config, std::move(spec), keys, "model.");
}

Result<DecoderModel> describe_gemma3n_multimodal(const Checkpoint& checkpoint) {
  auto text = find_text_config(checkpoint, {"vision_config", "audio_config", "audio_soft_tokens_per_image",
                                            "vision_soft_tokens_per_image", "boi_token_id", "eoi_token_id",
                                            "image_token_id", "boa_token_id", "eoa_token_id",
                                            "audio_token_id", "hidden_size"});  // of the text once more
  if (!text) return forward_error(text);
  ConfigReader config(*text->object, checkpoint.path().string());
  ExtensionKeys keys;
  DecoderSpec spec = read_spec(config, keys);
  spec.tied_head = text->tied;
  return find(checkpoint, config, std::move(spec), keys, kTextRoot);
}

}  // namespace sizeup
