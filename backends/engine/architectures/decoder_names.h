// Where a file has the tensors of a decoder, and how they lie.
#pragma once

#include <string_view>

#include "backends/engine/architectures/delta_tensors.h"
#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

// How one tensor holds queries, keys and values.
enum class FusedRows {
  by_part,  // all rows of query, those of key, those of value
  by_head,  // of each head its rows of query, key and value; as many key/value heads as heads
};

// Without ".weight" and ".bias". Empty: there is none, be it in the file or in the model.
struct DecoderNames {
  std::string_view root = {};  // before all others but the head's
  std::string_view embedding = {}, positions = {}, final_norm = {};
  std::string_view head = {};
  std::string_view layer = {};  // before its number, after which "." and the following names
  std::string_view attention_norm = {}, attention_post_norm = {};
  std::string_view query_key_value = {};  // of one tensor; where there is none, the following three
  std::string_view query = {}, key = {}, value = {};
  std::string_view query_norm = {}, key_norm = {};  // read where the spec has these norms
  std::string_view sinks = {};                      // the whole name
  std::string_view output = {};
  std::string_view ffn_norm = {}, ffn_post_norm = {};
  std::string_view gate_up = {};  // rows of gate, then of up, in one tensor; read where it has a name
  std::string_view gate = {}, up = {}, down = {};
  DeltaNames delta = {};  // of layers that have it in place of attention
  FusedRows fused = FusedRows::by_part;
  bool transposed = false;  // matrices of layers are {inputs, outputs}
  bool biases = false;      // files that lack the bias of a layer's matrix are damaged; others may have some
  bool head_bias = false;   // files that lack that of the head are damaged
};

inline constexpr DecoderNames kGgufNames{.embedding = "token_embd",
                                         .final_norm = "output_norm",
                                         .head = "output",
                                         .layer = "blk.",
                                         .attention_norm = "attn_norm",
                                         .query_key_value = "attn_qkv",
                                         .query = "attn_q",
                                         .key = "attn_k",
                                         .value = "attn_v",
                                         .query_norm = "attn_q_norm",
                                         .key_norm = "attn_k_norm",
                                         .output = "attn_output",
                                         .ffn_norm = "ffn_norm",
                                         .gate = "ffn_gate",
                                         .up = "ffn_up",
                                         .down = "ffn_down"};

inline constexpr DecoderNames kHuggingFaceNames{.root = "model.",
                                                .embedding = "embed_tokens",
                                                .final_norm = "norm",
                                                .head = "lm_head",
                                                .layer = "layers.",
                                                .attention_norm = "input_layernorm",
                                                .query = "self_attn.q_proj",
                                                .key = "self_attn.k_proj",
                                                .value = "self_attn.v_proj",
                                                .query_norm = "self_attn.q_norm",
                                                .key_norm = "self_attn.k_norm",
                                                .output = "self_attn.o_proj",
                                                .ffn_norm = "post_attention_layernorm",
                                                .gate = "mlp.gate_proj",
                                                .up = "mlp.up_proj",
                                                .down = "mlp.down_proj"};

// Those that most architectures have.
inline DecoderNames usual_names(const Checkpoint& checkpoint) {
  return checkpoint.format() == CheckpointFormat::gguf ? kGgufNames : kHuggingFaceNames;
}

}  // namespace sizeup
