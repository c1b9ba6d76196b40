// A decoder described by data: everything the forward pass needs to know, and nothing about whose it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "backends/engine/formats/tensor_views.h"

namespace sizeup {

enum class Activation { silu };

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

  bool any() const { return count > 0; }
  bool in_layer(int layer) const { return any() && layers[static_cast<size_t>(layer)]; }
};

// Root-mean-square norm before attention and feed-forward, grouped-query attention, gated feed-forward.
struct DecoderSpec {
  int vocabulary = 0;
  int context_length = 0;  // positions
  int layers = 0;
  int width = 0;  // of the residual stream
  int heads = 0;
  int kv_heads = 0;   // divides heads
  int head_size = 0;  // heads * head_size need not be width
  int ffn_width = 0;  // of layers without experts
  float norm_epsilon = 0.0F;
  std::vector<int> windows;  // of each layer: a row sees at most so many positions, its own included; 0: all.
                             // Empty: no layer has a window.
  std::vector<bool> unrotated;  // for each layer whether its queries and keys keep no position. Empty: none.
  RotarySpec rotary;
  Activation activation = Activation::silu;
  bool query_key_norm = false;        // each head of query and key has a norm before its rotation
  bool query_key_value_bias = false;  // files that lack one of these biases are damaged; others may have them
  bool tied_head = false;             // the head multiplies by the embedding table
  ExpertSpec experts;

  int window(int layer) const { return windows.empty() ? 0 : windows[static_cast<size_t>(layer)]; }
  bool rotates(int layer) const { return unrotated.empty() || !unrotated[static_cast<size_t>(layer)]; }
  int query_width() const { return heads * head_size; }
  int kv_width() const { return kv_heads * head_size; }
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
  std::vector<ExpertTensors> experts;      // those of the router
  std::optional<ExpertTensors> shared = std::nullopt;
  std::optional<Tensor> shared_gate = std::nullopt;  // {1, width}
  RowSources sources = {};                           // of experts whose rows lie in another order in the file
};

struct LayerTensors {
  const Tensor* attention_norm = nullptr;  // {width}
  LinearTensors query, key, value, output;
  const Tensor* query_norm = nullptr;  // {head_size}, where the spec has these norms
  const Tensor* key_norm = nullptr;
  const Tensor* ffn_norm = nullptr;  // {width}
  LinearTensors gate, up, down;      // none in a layer of experts
  std::optional<MixtureTensors> mixture = std::nullopt;
};

struct DecoderTensors {
  const Tensor* embedding = nullptr;  // {vocabulary, width}
  std::vector<LayerTensors> layers;
  const Tensor* final_norm = nullptr;  // {width}
  const Tensor* head = nullptr;        // {vocabulary, width}; nullptr if tied
  // Of files that stack several matrices in a tensor: what layers point to. The data lie in the checkpoint.
  std::vector<std::unique_ptr<const Tensor>> parts;
};

// What an architecture makes of a checkpoint: every shape has been checked against the spec.
struct DecoderModel {
  std::string_view architecture;  // "llama", for people
  DecoderSpec spec;
  DecoderTensors tensors;
};

}  // namespace sizeup
