// What nearly all architectures have in common: the keys of their configuration. An architecture file reads a
// spec with these, changes what is its own, and finds the tensors (decoder_tensors.h).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/architectures/decoder_tensors.h"
#include "backends/engine/architectures/rotary_reader.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// What an architecture's class in transformers makes of config.json: the keys that others spell in another
// way, and what it takes where a key is not there. 0: such a key must be there.
struct ConfigRule {
  NormKind norm = NormKind::root_mean_square;
  std::string_view norm_epsilon = "rms_norm_eps";
  float epsilon = 1e-6F;
  std::string_view activation = "hidden_act";
  Activation unsaid_activation = Activation::silu;
  std::optional<RotaryRule> rotary = RotaryRule();  // none: the architecture reads positions itself
  int vocabulary = 0;
  int context_length = 2048;
  int ffn_width = 0;
  int heads = 0;
  int kv_heads = 0;   // 0: as many as heads
  int head_size = 0;  // 0: so that heads have the width together
  bool tied = false;
};

// From config.json.
DecoderSpec read_hugging_face_spec(ConfigReader& config, const ConfigRule& rule = {});
// From the metadata "`prefix`.embedding_length" and so on.
DecoderSpec read_gguf_spec(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                           RotaryLayout layout, NormKind norm = NormKind::root_mean_square);

// By its name in transformers.
Activation read_activation(ConfigReader& config, std::string_view key, Activation unsaid);
// A number of layers; 1 after a problem.
int read_layer_count(ConfigReader& config, std::string_view key);
// So many of one kind, each with keys and values of its own.
std::vector<LayerSpec> equal_layers(int count, const LayerSpec& layer);

}  // namespace sizeup
