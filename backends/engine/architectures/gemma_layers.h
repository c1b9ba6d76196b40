// What Gemma's generations have in common: names of norms, caps, positions by the kind of layer, the text
// part of models that see or hear, and of Gemma 3n and 4 shared keys and embeddings of layers.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/architectures/decoder_names.h"
#include "backends/engine/architectures/rotary_reader.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/extensions/layer_embeddings.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// With norms after attention and feed-forward: from the second generation on.
DecoderNames with_post_norms(DecoderNames names, bool gguf);
// The usual ones of that; `root` is before those of a folder.
DecoderNames gemma_names(const Checkpoint& checkpoint, std::string_view root);

// 0 where the configuration has null.
float read_cap(ConfigReader& config, std::string_view key, float unsaid);

void rotate_layers(DecoderSpec& spec, const std::vector<bool>& sliding, const LayerRotaries& rotaries);

// What Gemma 3n and 4 say of embedding, scores and values nowhere: the scale of the first, no scale of
// scores, norms of heads.
void set_scales_and_norms(DecoderSpec& spec);

// The last `shared` layers attend to the keys of the last layer before them of their kind.
void share_keys(ConfigReader& config, int shared, const std::vector<bool>& sliding, DecoderSpec& spec);

// The text part of the configuration of a model that sees or hears, too, and whether its head is tied;
// `others` are its keys of other parts.
struct TextConfig {
  const Json* object;  // in the checkpoint
  bool tied;
};
Result<TextConfig> find_text_config(const Checkpoint& checkpoint,
                                    std::initializer_list<std::string_view> others);
// Before the names of its tensors, in folders of transformers 4.52 and later.
inline constexpr std::string_view kTextRoot = "model.language_model.";

// The embeddings of every layer, by their names in either kind of file. `rows`: of the table; 0: as many as
// the file has.
LayerEmbeddingTensors find_layer_embeddings(TensorFinder& tensors, const Checkpoint& checkpoint,
                                            const DecoderSpec& spec, std::string_view root, int columns,
                                            int rows);

}  // namespace sizeup
