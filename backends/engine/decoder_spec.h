// A decoder described by data: everything the forward pass needs to know, and nothing about whose it is.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/engine/formats/tensor.h"

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
  int ffn_width = 0;
  float norm_epsilon = 0.0F;
  RotarySpec rotary;
  Activation activation = Activation::silu;
  bool tied_head = false;  // the head multiplies by the embedding table

  int query_width() const { return heads * head_size; }
  int kv_width() const { return kv_heads * head_size; }
};

// y = W x + b. The tensors lie in the checkpoint.
struct LinearTensors {
  const Tensor* weight = nullptr;  // {outputs, inputs}
  const Tensor* bias = nullptr;    // {outputs}; nullptr: none
};

struct LayerTensors {
  const Tensor* attention_norm = nullptr;  // {width}
  LinearTensors query, key, value, output;
  const Tensor* ffn_norm = nullptr;  // {width}
  LinearTensors gate, up, down;
};

struct DecoderTensors {
  const Tensor* embedding = nullptr;  // {vocabulary, width}
  std::vector<LayerTensors> layers;
  const Tensor* final_norm = nullptr;  // {width}
  const Tensor* head = nullptr;        // {vocabulary, width}; nullptr if tied
};

// What an architecture makes of a checkpoint: every shape has been checked against the spec.
struct DecoderModel {
  std::string_view architecture;  // "llama", for people
  DecoderSpec spec;
  DecoderTensors tensors;
};

}  // namespace sizeup
