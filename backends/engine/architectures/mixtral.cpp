#include "backends/engine/architectures/mixtral.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {
namespace {

constexpr ExpertNames kHuggingFaceExperts{.router = "block_sparse_moe.gate.weight",
                                          .gate = "block_sparse_moe.experts.{}.w1.weight",
                                          .up = "block_sparse_moe.experts.{}.w3.weight",
                                          .down = "block_sparse_moe.experts.{}.w2.weight"};

}  // namespace

Result<DecoderModel> describe_mixtral(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "llama", RotaryLayout::interleaved)
                          : read_hugging_face_spec(config);
  if (gguf) {
    read_gguf_windows(config, "llama", spec);
  } else {
    read_windows(config, WindowRule{}, spec);
  }
  if (config.error()) return tl::unexpected<Error>(*config.error());
  spec.experts = {.count = config.count(gguf ? "llama.expert_count" : "num_local_experts"),
                  .used = config.count(gguf ? "llama.expert_used_count" : "num_experts_per_tok"),
                  .width = spec.layers.front().ffn_width,
                  .scoring = RouterScoring::softmax,
                  .normalised = true,
                  .layers = std::vector<bool>(spec.layers.size(), true)};
  return find_decoder("mixtral", checkpoint, config, std::move(spec),
                      gguf ? kGgufExperts : kHuggingFaceExperts);
}

}  // namespace sizeup
