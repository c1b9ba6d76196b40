// What Gemma 4 has beside a decoder's usual layers (https://ai.google.dev/gemma/docs; the computation is that
// of transformers' modeling_gemma4.py):
// - a mixture of experts beside the feed-forward: each has a norm of its own result, and the sum of both the
//   usual one. Router and experts read the residual through norms of their own.
// - embeddings of every layer (layer_embeddings.h).
// A model may have either, both or none.
#pragma once

#include <optional>
#include <vector>

#include "backends/engine/decoder_extension.h"
#include "backends/engine/extensions/layer_embeddings.h"

namespace sizeup {

struct Gemma4Tensors {
  struct MixtureBeside {
    MixtureTensors mixture;
    const Tensor* router_scale = nullptr;    // {width}, of the router's normed input
    NormTensors norm;                        // {width}: of what experts read
    NormTensors dense_post_norm, post_norm;  // {width}: of both results
  };

  std::vector<std::optional<MixtureBeside>> mixtures;  // of each layer
  std::optional<LayerEmbeddingTensors> embeddings;
};

class Gemma4Extension final : public DecoderExtension {
 public:
  explicit Gemma4Extension(Gemma4Tensors tensors) : tensors_(std::move(tensors)) {}

  ExtensionWeights weights() const override;
  std::unique_ptr<DecoderHooks> pack(const DecoderSpec& spec, const DecoderRows& rows,
                                     Device& device) const override;

 private:
  Gemma4Tensors tensors_;
};

}  // namespace sizeup
