// Embeddings of every layer, a part of Gemma 3n and Gemma 4 (there: per-layer embeddings, PLE,
// https://ai.google.dev/gemma/docs/gemma-3n): beside the usual embedding a second table holds a short row of
// each token for every layer. With a projection of the usual embedding it becomes the layer's input, by which
// a gate made from the residual is multiplied; a projection of that is added to the residual.
#pragma once

#include <span>
#include <vector>

#include "backends/engine/decoder_extension.h"

namespace sizeup {

struct LayerEmbeddingTensors {
  struct Layer {
    const Tensor* gate = nullptr;        // {columns, width}
    const Tensor* projection = nullptr;  // {width, columns}
    NormTensors post_norm;               // {width}: of what is added
  };

  int columns = 0;                     // of a layer's input
  const Tensor* table = nullptr;       // {vocabulary, layers * columns}
  const Tensor* projection = nullptr;  // {layers * columns, width}, of the usual embedding
  NormTensors norm;                    // {columns}: of each layer's part of that
  std::vector<Layer> layers;

  void add_to(ExtensionWeights& weights) const;
};

// The weights of products and the elements of the table, for the spec.
void count_weights(const LayerEmbeddingTensors& tensors, DecoderSpec& spec);

class LayerEmbeddings {
 public:
  LayerEmbeddings(const LayerEmbeddingTensors& tensors, const DecoderSpec& spec, Device& device);

  // `embedded`, operand: the usual embedding.
  void begin(RowsId embedded);
  // What the layer makes of `in`, an operand, is added to each of `rows`.
  void add(int layer, RowsId in, std::span<const RowsId> rows);

 private:
  struct Layer {
    LinearId gate, projection;
    NormId post_norm;
  };

  Device& device_;
  int columns_;
  int layer_count_;
  Activation activation_;
  LinearId table_, projection_;
  NormId norm_;
  std::vector<Layer> layers_;
  RowsId inputs_;  // of all layers side by side
  RowsId gates_, gated_, update_;
};

}  // namespace sizeup
