// What Gemma 3n has beside a decoder's usual layers (https://ai.google.dev/gemma/docs/gemma-3n; the
// computation is that of transformers' modeling_gemma3n.py):
// - alternating updates (https://arxiv.org/abs/2301.13310): several residual streams, of which one, the
//   active one, goes through a layer. A layer first predicts all of them as mixtures of each other, and then
//   corrects every one by what its computation made of the active one. Coefficients depend on the token.
// - a learned augmented residual (LAUREL, https://arxiv.org/abs/2411.07501) beside attention: a product of
//   low rank.
// - embeddings of every layer (layer_embeddings.h), gated by the active stream and added to all streams but
//   the first.
//
// Streams begin as projections of the embedding and end as the mean of their projections, each made as large
// as the first.
#pragma once

#include <vector>

#include "backends/engine/decoder_extension.h"
#include "backends/engine/extensions/layer_embeddings.h"

namespace sizeup {

struct Gemma3nTensors {
  struct Layer {
    NormTensors attention_norm;          // {width}: the layer's own, whose result the augmented residual adds
    NormTensors router_norm;             // {width}
    const Tensor* router = nullptr;      // {streams, width}
    const Tensor* prediction = nullptr;  // {streams * streams, streams}: rows of a stream side by side
    const Tensor* correction = nullptr;  // {streams, streams}
    const Tensor* output_scale = nullptr;  // {width}, of what the layer's embedding is gated by; nullptr: 1
    const Tensor* left = nullptr;          // {rank, width}: of the augmented residual
    const Tensor* right = nullptr;         // {width, rank}
    NormTensors augmented_norm;            // {width}
  };

  int streams = 0;
  int active = 0;
  int rank = 0;
  std::vector<const Tensor*> projections = {};    // {width, width} of all streams but the first
  std::vector<const Tensor*> unprojections = {};  // the same in the end
  std::vector<Layer> layers = {};
  LayerEmbeddingTensors embeddings = {};
};

class Gemma3nExtension final : public DecoderExtension {
 public:
  explicit Gemma3nExtension(Gemma3nTensors tensors) : tensors_(std::move(tensors)) {}

  ExtensionWeights weights() const override;
  std::unique_ptr<DecoderHooks> pack(const DecoderSpec& spec, const DecoderRows& rows,
                                     Device& device) const override;

 private:
  Gemma3nTensors tensors_;
};

// The weights of an extension of this shape, for the spec.
void count_weights(const Gemma3nTensors& tensors, DecoderSpec& spec);

}  // namespace sizeup
