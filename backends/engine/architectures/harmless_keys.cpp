#include "backends/engine/architectures/harmless_keys.h"

#include <array>
#include <string>
#include <string_view>

#include "core/json/json.h"

namespace sizeup {
namespace {

// After the architecture's name. Whether a context was extended is said by the scaling itself.
constexpr std::array<std::string_view, 4> kGguf = {"tensor_data_layout", "rope.scaling.finetuned",
                                                   "rope.scaling.original_context_length", "vocab_size"};

// Of training, of generation, of other tasks, of Python's classes. Biases are where tensors of their name
// are.
constexpr auto kHuggingFace = std::to_array<std::string_view>({
    // What and whose it is.
    "_name_or_path",
    "architectures",
    "auto_map",
    "dtype",
    "is_llama_config",
    "model_type",
    "tokenizer_class",
    "torch_dtype",
    "transformers.js_config",
    "transformers_version",
    "unsloth_fixed",
    "unsloth_version",
    // Training.
    "attention_bias",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "attn_pdrop",
    "aux_loss_alpha",
    "classifier_dropout",
    "embd_pdrop",
    "hidden_dropout",
    "hidden_dropout_prob",
    "initializer_range",
    "mlp_bias",
    "pretraining_tp",
    "resid_pdrop",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "seq_aux",
    // Layers that predict tokens after the next one; their tensors are left out.
    "num_nextn_predict_layers",
    // How Python computes it.
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_flash_attn_2_enabled",
    "attn_implementation",
    "cache_implementation",
    "chunk_size_feed_forward",
    "experts_implementation",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "output_router_logits",
    "output_scores",
    "pruned_heads",
    "reorder_and_upcast_attn",
    "return_dict",
    "return_dict_in_generate",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "torchscript",
    "use_bfloat16",
    "use_cache",
    // Other tasks.
    "_num_labels",
    "finetuning_task",
    "id2label",
    "label2id",
    "problem_type",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "task_specific_params",
    // Generation, of which requests say their own.
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "length_penalty",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "pad_token_id",
    "prefix",
    "remove_invalid_values",
    "repetition_penalty",
    "sep_token_id",
    "suppress_tokens",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "unk_token_id",
});

// Keys that would change the result were they true, unless an architecture reads them itself.
constexpr std::array<std::string_view, 6> kMustBeFalse = {"add_cross_attention",         "is_decoder",
                                                          "is_encoder_decoder",          "rope_interleaved",
                                                          "use_bidirectional_attention", "use_mrope"};

}  // namespace

void refuse_unknown_keys(ConfigReader& config, const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::gguf) {
    const Json* architecture = config.find("general.architecture");
    if (architecture != nullptr && architecture->is_string())
      config.refuse_unread(architecture->get<std::string>() + ".", kGguf);
    return;
  }
  for (const std::string_view key : kMustBeFalse) {
    if (!config.was_read(key) && config.flag(key, false))
      config.fail("'" + std::string(key) + "' is true", "false");
  }
  config.refuse_unread("", kHuggingFace);
}

}  // namespace sizeup
