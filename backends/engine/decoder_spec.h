// A decoder described by data: everything the forward pass needs to know, and nothing about whose it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "backends/engine/formats/tensor_views.h"

namespace sizeup {

// What becomes of the inner values of a feed-forward. In a gated one it is that of the gate, times the up,
// unless it says otherwise.
enum class Activation {
  silu,       // x sigmoid(x)
  gelu,       // x Phi(x), Phi the distribution function of the normal distribution
  gelu_tanh,  // the same with tanh in place of the error function: x sigmoid(1.5957691 (x + 0.044715 x^3))
  tanh,       // the hyperbolic tangent
  clamped_swish,  // gated only, g = min(gate, 7): g sigmoid(1.702 g) (clamp(up, -7, 7) + 1)
};

enum class NormKind {
  none,              // values as they are
  root_mean_square,  // x / sqrt(mean(x^2) + epsilon)
  layer,             // (x - mean(x)) / sqrt(variance(x) + epsilon)
};

// Then times the weights, plus the biases, where there are any.
struct NormSpec {
  NormKind kind = NormKind::root_mean_square;
  float epsilon = 0.0F;
  float added = 0.0F;  // to every weight: some files hold what a weight is more than 1
  float scale = 1.0F;  // of every weight, after that
};

// Which parts of queries and keys have a norm of their own before they are rotated.
enum class QueryKeyNorm { none, heads, whole };

// Which elements of a head a rotation pairs.
enum class RotaryLayout {
  half_split,   // i and i + dimensions/2, as Hugging Face stores query and key rows
  interleaved,  // 2i and 2i + 1, as llama.cpp stores them after permuting the rows
};

struct RotarySpec {
  RotaryLayout layout = RotaryLayout::half_split;
  int dimensions = 0;  // leading elements of a head that are rotated; even, at most head_size
  float base = 10000.0F;
  std::vector<float> frequencies = {};  // of each pair, radians a position; empty: base^(-2i / dimensions)
  float scale = 1.0F;                   // of sines and cosines

  bool operator==(const RotarySpec&) const = default;
};

// Which keys a row attends to where it does not attend to all: those of some blocks of neighbouring positions
// (Qwen's sparse attention, computed as in transformers' modeling_qwen4_exp.py). Blocks begin at position 0.
// A row and a position have small queries and a small key beside those of attention. A block's key is the
// mean of its positions' keys, normed, then rotated as the block's first position; queries are normed and
// rotated. A complete block is worth the sum over the row's queries of max(0, query * key). The row attends
// to the `chosen` best of the blocks that are complete with its own position, ties to the first, and to the
// positions after them.
struct IndexSpec {
  int heads = 0;      // of queries
  int head_size = 0;  // at least as many elements as attention's heads are rotated in
  int block = 0;      // positions of a block
  int chosen = 0;     // blocks

  int query_width() const { return heads * head_size; }
  int columns() const { return query_width() + head_size; }  // of a row: queries, then the key
  bool operator==(const IndexSpec&) const = default;
};

// How a layer attends. Heads in groups share a key/value head.
struct AttentionSpec {
  int heads = 0;
  int kv_heads = 0;   // divides heads
  int head_size = 0;  // heads * head_size need not be the width
  int window = 0;     // a row sees at most so many positions, its own included; 0: all
  std::optional<RotarySpec> rotary = std::nullopt;  // none: queries and keys keep no position
  float scale = 0.0F;                               // of query * key; 0: 1 / sqrt(head_size)
  float score_cap = 0.0F;                           // scores become cap tanh(score / cap); 0: they do not
  // What attention gives is multiplied, value by value, by the sigmoid of more outputs of the projection.
  bool gated = false;
  std::optional<IndexSpec> index = std::nullopt;  // of layers that keep keys of their own, and rotate them

  int query_width() const { return heads * head_size; }
  int kv_width() const { return kv_heads * head_size; }
  float score_scale() const;
  bool operator==(const AttentionSpec&) const = default;
};

// A layer that reads a text into a state of fixed size, token after token, in place of attending to it: the
// gated delta rule (Yang, Kautz and Hatamizadeh 2024, arXiv:2412.06464). A row is query | key | value | gate
// | b | a, of which the first three go through a causal convolution of each channel over `taps` positions,
// then silu. Queries and keys are divided by their lengths. A value head has a state S {key_size, value_size}
// and
//   S = kept S;  S += k (taken (v - k^T S))^T;  result = q^T S / sqrt(key_size)
//   taken = sigmoid(b), kept = e^(-rate log(1 + e^(a + bias)))
// Each head's result goes through a root-mean-square norm and is multiplied by silu(gate), or sigmoid(gate).
struct DeltaSpec {
  int key_heads = 0;    // each shared by a group of value heads
  int value_heads = 0;  // the key heads divide it
  int key_size = 0;
  int value_size = 0;
  int taps = 0;
  float epsilon = 0.0F;   // of the norm
  bool tiled = false;     // value head h has key head h % key_heads, not that of its neighbours
  bool log_rates = true;  // files hold log(rate), not -rate
  bool sigmoid_gate = false;

  int key_width() const { return key_heads * key_size; }
  int value_width() const { return value_heads * value_size; }
  int channels() const { return 2 * key_width() + value_width(); }  // of the convolution
  int columns() const { return channels() + value_width() + 2 * value_heads; }
  int key_head(int head) const { return tiled ? head % key_heads : head / (value_heads / key_heads); }
  bool operator==(const DeltaSpec&) const = default;
};

// Positions that a convolution may look back; published models have 9.
inline constexpr int kMostReach = 63;

// A causal convolution of each channel, whose taps lie `dilation` positions apart; before a text is nothing.
struct ConvolutionSpec {
  int channels = 0;
  int taps = 0;
  int dilation = 1;

  int reach() const { return (taps - 1) * dilation; }  // positions that it looks back: at most kMostReach
  bool operator==(const ConvolutionSpec&) const = default;
};

inline constexpr int kNoKeys = -1;

struct LayerSpec {
  AttentionSpec attention;  // of no heads where there is a delta rule
  std::optional<DeltaSpec> delta = std::nullopt;
  std::optional<ConvolutionSpec> convolution = std::nullopt;  // of an extension
  // The layer whose keys and values it attends to. One that is not its own: it has queries only, in the same
  // shape. kNoKeys: it does not attend.
  int kv_layer = 0;
  bool values_are_keys = false;  // before norms and rotation: there is no matrix of values
  int ffn_width = 0;             // of a feed-forward without experts
  // Gates count as what they are more than their row's mean and so many standard deviations, or 0 (the
  // Gaussian top-k of https://arxiv.org/abs/2506.06644); none: as they are.
  std::optional<float> gate_deviations = std::nullopt;
  float output_scale = 1.0F;  // of the residual after the layer

  bool operator==(const LayerSpec&) const = default;
};

// What a router's outputs, one for each expert, become.
enum class RouterScoring {
  softmax,         // scores: softmax over all experts
  softmax_chosen,  // scores are the outputs as they are; weights: softmax over the chosen ones
  sigmoid,         // scores: sigmoid of each output
};

// A feed-forward of several experts, of which a router chooses some for every token. Its weights are the
// scores of the chosen ones unless `scoring` says otherwise.
struct ExpertSpec {
  int count = 0;  // of the router; 0: the model has no experts
  int used = 0;   // by each token
  int width = 0;  // of each expert's feed-forward
  RouterScoring scoring = RouterScoring::softmax;
  // Experts lie in `groups` equal groups side by side, of which the `groups_used` best are open to a token. A
  // group is as good as the sum of its `group_best` greatest scores.
  int groups = 1;
  int groups_used = 1;
  int group_best = 1;
  bool normalised = false;    // the weights of a token are divided by their sum
  float scale = 1.0F;         // of all weights, after that
  int shared_width = 0;       // of the expert that every token uses beside the chosen ones; 0: there is none
  bool shared_gated = false;  // its weight is the sigmoid of a linear layer's output, not 1
  std::vector<bool> layers;   // for each layer whether its feed-forward is of experts
  bool beside_dense = false;  // such layers have one without experts, too, which an extension joins with them

  bool any() const { return count > 0; }
  bool in_layer(int layer) const { return any() && layers[static_cast<size_t>(layer)]; }
};

// A residual stream through layers of attention and feed-forward, each with norms before or after it.
struct DecoderSpec {
  int vocabulary = 0;
  int context_length = 0;  // positions
  int width = 0;           // of the residual stream
  std::vector<LayerSpec> layers;
  NormSpec norm;  // of all norms
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  bool value_norm = false;            // each head's part of values, without weights, before they are written
  bool query_key_value_bias = false;  // files that lack one of these biases are damaged; others may have them
  bool parallel = false;              // a layer's feed-forward reads the residual that its attention reads
  Activation activation = Activation::silu;
  bool gated = true;               // feed-forwards without experts have a gate
  float embedding_scale = 1.0F;    // of the embedding's rows
  bool learned_positions = false;  // a row of a table is added for the position
  float logit_cap = 0.0F;          // logits become cap tanh(logit / cap); 0: they do not
  bool tied_head = false;          // the head multiplies by the embedding table
  int64_t extension_weights = 0;   // that every row meets in products of the decoder's extension
  int64_t extension_table = 0;     // of which it reads a row for a token
  int earlier_tokens = 0;          // so many tokens before its own are known to a row's embeddings
  bool residual_streams = false;   // the decoder's extension keeps several side by side
  ExpertSpec experts;

  int layer_count() const { return static_cast<int>(layers.size()); }
  const LayerSpec& layer(int index) const { return layers[static_cast<size_t>(index)]; }
  const AttentionSpec& attention(int index) const { return layer(index).attention; }
  bool owns_keys(int index) const { return layer(index).kv_layer == index; }
  bool has_states() const {
    return std::ranges::any_of(
        layers, [](const LayerSpec& one) { return one.delta.has_value() || one.convolution.has_value(); });
  }
};

// y = W x + b. The tensors lie in the checkpoint.
struct LinearTensors {
  const Tensor* weight = nullptr;  // {outputs, inputs}
  const Tensor* bias = nullptr;    // {outputs}; nullptr: none
};

// Each is one row.
struct ExpertBiases {
  Tensor gate, up, down;
};

// One expert. Its tensors are often parts of one that stacks all experts, so that each is a Tensor of its own
// here, whose data still lie in the checkpoint.
struct ExpertTensors {
  Tensor gate, up;  // {expert width, width}
  Tensor down;      // {width, expert width}
  std::optional<ExpertBiases> biases = std::nullopt;
};

struct MixtureTensors {
  const Tensor* router = nullptr;          // {experts, width}
  const Tensor* router_bias = nullptr;     // {experts}, added to the router's outputs; nullptr: none
  const Tensor* selection_bias = nullptr;  // {experts}, added to the scores for choosing alone; nullptr: none
  const Tensor* expert_scale = nullptr;    // {experts}, of the weights in the end; nullptr: none
  std::vector<ExpertTensors> experts;      // those of the router
  std::optional<ExpertTensors> shared = std::nullopt;
  std::optional<Tensor> shared_gate = std::nullopt;  // {1, width}
  RowSources sources = {};                           // of experts whose rows lie in another order in the file
};

struct DeltaTensors {
  std::vector<LinearTensors> input;     // rows of query, key, value and gate
  std::vector<LinearTensors> gates;     // rows of b and a
  const Tensor* convolution = nullptr;  // {channels, taps}, the oldest position first
  const Tensor* rates = nullptr;        // {value_heads}
  const Tensor* biases = nullptr;       // {value_heads}
  const Tensor* norm = nullptr;         // {value_size}
};

struct NormTensors {
  const Tensor* weight = nullptr;  // {columns}; nullptr: 1
  const Tensor* bias = nullptr;    // {columns}; nullptr: 0
};

// A norm that is absent does nothing.
struct LayerTensors {
  std::optional<NormTensors> attention_norm, attention_post_norm;  // {width}: of its input, of its result
  std::optional<DeltaTensors> delta = std::nullopt;  // in place of what follows down to `output`
  // Rows of query, then of key, then of value, then of the gate; files may have them in one tensor or in
  // many.
  std::vector<LinearTensors> query_key_value;
  std::optional<NormTensors> query_norm, key_norm;  // {head_size} or {the whole of query or key}
  const Tensor* sinks = nullptr;                    // {heads}: a score without a value; nullptr: none
  LinearTensors output;
  // In a parallel layer without it the feed-forward reads what attention reads.
  std::optional<NormTensors> ffn_norm, ffn_post_norm;
  LinearTensors gate, up, down;  // none in a layer of experts; no gate where the spec has none
  std::optional<MixtureTensors> mixture = std::nullopt;
};

class DecoderExtension;  // decoder_extension.h

struct DecoderTensors {
  DecoderTensors();
  DecoderTensors(DecoderTensors&&) noexcept;
  DecoderTensors& operator=(DecoderTensors&&) noexcept;
  ~DecoderTensors();

  const Tensor* embedding = nullptr;  // {vocabulary, width}
  const Tensor* positions = nullptr;  // {at least the context's, width}, where the spec has learned ones
  std::vector<LayerTensors> layers;
  std::optional<NormTensors> final_norm;  // {width}
  LinearTensors head;                     // {vocabulary, width}; without a weight if tied
  // Of files that stack several matrices in a tensor: what layers point to. The data lie in the checkpoint.
  std::vector<std::unique_ptr<const Tensor>> parts;
  // Of files that have matrices in another order: what makes the rows of such parts.
  RowSources row_sources;
  std::unique_ptr<const DecoderExtension> extension;  // nullptr: the spec says all
};

// A tensor of the checkpoint that no result depends on.
struct UnusedTensor {
  const Tensor* tensor = nullptr;
  std::string_view why;  // for people
};

// What an architecture makes of a checkpoint: every shape has been checked against the spec.
struct DecoderModel {
  std::string_view architecture;  // "llama", for people
  DecoderSpec spec;
  DecoderTensors tensors;
  std::vector<UnusedTensor> unused;
};

}  // namespace sizeup
