#include "tests/backends/engine/skeleton_architecture.h"

#include "backends/engine/architectures/decoder_reader.h"

namespace sizeup {
namespace {

// 1. The keys of config.json that it spells in its own way, and what its class takes where one is absent.
constexpr ConfigRule kRule{.norm_epsilon = "norm_eps", .context_length = 4096, .tied = true};

// 2. Where its folders have the tensors. GGUF files have the usual names.
constexpr DecoderNames kHuggingFace{.root = "decoder.",
                                    .embedding = "words",
                                    .final_norm = "last_norm",
                                    .head = "predictor",
                                    .layer = "blocks.",
                                    .attention_norm = "norm_1",
                                    .query = "attention.query",
                                    .key = "attention.key",
                                    .value = "attention.value",
                                    .query_norm = "attention.query_norm",
                                    .key_norm = "attention.key_norm",
                                    .output = "attention.output",
                                    .ffn_norm = "norm_2",
                                    .gate = "feed_forward.gate",
                                    .up = "feed_forward.up",
                                    .down = "feed_forward.down"};

}  // namespace

Result<DecoderModel> describe_newcomer(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "newcomer", RotaryLayout::half_split)
                          : read_hugging_face_spec(config, kRule);
  // 3. What it computes beside what all Llama-like models do.
  spec.query_key_norm = QueryKeyNorm::heads;
  return find_decoder("newcomer", checkpoint, config, std::move(spec), gguf ? kGgufNames : kHuggingFace);
}

}  // namespace sizeup
