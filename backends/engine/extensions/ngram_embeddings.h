// Embeddings of hashed n-grams (Qwen's experimental fourth generation, there: per-layer embeddings; the
// computation is that of transformers' modeling_qwen4_exp.py): before some layers every residual stream is
// given what the last tokens bring along. Each n-gram that ends with a row's token is hashed to a row of a
// table for each of several heads; these rows side by side make one value and a key for each stream. A stream
// takes as much of the value as its key agrees with the stream, and a convolution over positions of what all
// streams took.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/decoder_extension.h"

namespace sizeup {

// Which rows of a table the n-grams of 2 to `multipliers.size()` tokens have. A text that has not begun, or
// begins again after a separator, is followed by separators.
struct NgramHash {
  Token separator = 0;
  std::vector<uint64_t> multipliers;  // of the token, of the one before it, and so on
  int heads = 0;                      // of each n
  std::vector<uint64_t> sizes;        // of each head's part of the table, those of 2-grams first

  int length() const { return static_cast<int>(multipliers.size()); }
  int columns() const { return static_cast<int>(sizes.size()); }  // of a row
  int64_t rows() const;                                           // of the table
  // Appends columns() numbers; `earlier` as in Step.
  void hash(Token token, std::span<const Token> earlier, std::vector<int32_t>& numbers) const;
};

// What a configuration says of a hash.
struct NgramSpec {
  int vocabulary = 0;
  Token separator = 0;
  int length = 0;  // tokens of the longest n-gram: 2 to kMostNgram
  int heads = 0;
  int least_size = 0;  // sizes are the primes from here on
  int64_t seed = 0;
};
// More tokens, or more heads of all n and layers together, are taken for damage; published models have 3, and
// 16 heads in a layer.
inline constexpr int kMostNgram = 16;
inline constexpr int kMostNgramHeads = 4096;

// Of so many layers.
std::vector<NgramHash> make_ngram_hashes(const NgramSpec& spec, int layers);

// With the streams side by side.
struct NgramEmbeddingTensors {
  NgramHash hash;
  std::vector<const Tensor*> table;  // one above another: {rows, columns of a head}
  const Tensor* key = nullptr;       // {streams * width, heads * columns of a head}
  const Tensor* value = nullptr;     // {width, the same}
  std::vector<NormTensors> key_norms, query_norms, convolution_norms;  // {width} of each stream
  ConvolutionSpec convolution_spec;
  const Tensor* convolution = nullptr;  // {streams * width, 1, taps}

  void add_to(ExtensionWeights& weights) const;
  int64_t table_elements() const;
};

// Columns of activations that all of a model's layers have in common.
struct NgramRows {
  RowsId embedded, operand, keys, queries, value, scores, taken;
};

class NgramEmbeddings {
 public:
  NgramEmbeddings(const NgramEmbeddingTensors& tensors, const DecoderSpec& spec, const NgramRows& rows,
                  Device& device);

  void begin(const Step& step);
  void add(int layer, RowsId streams);

 private:
  void norm_streams(RowsId streams, const std::vector<NormId>& norms);
  void copy(RowsId from, RowsId to);

  Device& device_;
  NgramRows rows_;
  NgramHash hash_;
  int width_;
  LinearId table_, key_, value_;
  NormId as_it_is_;  // changes nothing: values become an operand
  std::vector<NormId> key_norms_, query_norms_, convolution_norms_;
  ConvolutionId convolution_;
  std::vector<int32_t> numbers_;  // of the step
};

}  // namespace sizeup
