// What Qwen's experimental fourth generation has beside a decoder's usual layers (the computation is that of
// transformers' modeling_qwen4_exp.py):
// - hyper-connections (https://arxiv.org/abs/2409.19606): several residual streams. What attention or a
//   feed-forward reads is the mean of the normed streams, each element weighed by a gate of low rank; its
//   result is added to every stream by a weight of that stream. Both depend on the token. Streams begin as
//   the embedding and end as such a mean.
// - embeddings of hashed n-grams before some layers (ngram_embeddings.h).
// - the projection that an index of keys reads (IndexSpec).
#pragma once

#include <optional>
#include <vector>

#include "backends/engine/decoder_extension.h"
#include "backends/engine/extensions/ngram_embeddings.h"

namespace sizeup {

struct Qwen4Tensors {
  // With the streams side by side.
  struct Mixer {
    std::vector<NormTensors> norms;     // {width} of each stream
    const Tensor* down = nullptr;       // {rank, streams * width}
    const Tensor* up = nullptr;         // {streams * width, rank}
    const Tensor* injection = nullptr;  // {streams, streams * width}; nullptr: nothing is added afterwards
  };
  struct Index {
    const Tensor* projection = nullptr;  // {IndexSpec::columns(), width}
    NormTensors query_norm, key_norm;    // {head_size}
  };
  struct Layer {
    Mixer attention, feed_forward;
    std::optional<Index> index = std::nullopt;
    std::optional<NgramEmbeddingTensors> ngrams = std::nullopt;
  };

  int streams = 0;
  int rank = 0;
  std::vector<Layer> layers = {};
  Mixer last = {};
};

class Qwen4Extension final : public DecoderExtension {
 public:
  explicit Qwen4Extension(Qwen4Tensors tensors) : tensors_(std::move(tensors)) {}

  ExtensionWeights weights() const override;
  std::unique_ptr<DecoderHooks> pack(const DecoderSpec& spec, const DecoderRows& rows,
                                     Device& device) const override;

 private:
  Qwen4Tensors tensors_;
};

// The weights of this extension, for the spec.
void count_weights(const Qwen4Tensors& tensors, DecoderSpec& spec);

}  // namespace sizeup
