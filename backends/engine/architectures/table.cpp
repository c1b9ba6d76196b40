#include "backends/engine/architectures/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "backends/engine/architectures/deepseek.h"
#include "backends/engine/architectures/gemma.h"
#include "backends/engine/architectures/gemma3n.h"
#include "backends/engine/architectures/gemma4.h"
#include "backends/engine/architectures/gpt2.h"
#include "backends/engine/architectures/gpt_neox.h"
#include "backends/engine/architectures/gpt_oss.h"
#include "backends/engine/architectures/llama.h"
#include "backends/engine/architectures/mistral.h"
#include "backends/engine/architectures/mixtral.h"
#include "backends/engine/architectures/olmo2.h"
#include "backends/engine/architectures/phi.h"
#include "backends/engine/architectures/phi3.h"
#include "backends/engine/architectures/qwen2.h"
#include "backends/engine/architectures/qwen2_moe.h"
#include "backends/engine/architectures/qwen3.h"
#include "backends/engine/architectures/qwen3_next.h"
#include "backends/engine/architectures/qwen4.h"
#include "backends/engine/architectures/smollm3.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr std::array kArchitectures{
    Architecture{.gguf_name = "llama", .hugging_face_name = "LlamaForCausalLM", .describe = describe_llama},
    Architecture{.gguf_name = {}, .hugging_face_name = "MixtralForCausalLM", .describe = describe_mixtral},
    Architecture{.gguf_name = "qwen2", .hugging_face_name = "Qwen2ForCausalLM", .describe = describe_qwen2},
    Architecture{
        .gguf_name = "qwen2moe", .hugging_face_name = "Qwen2MoeForCausalLM", .describe = describe_qwen2_moe},
    Architecture{.gguf_name = "qwen3", .hugging_face_name = "Qwen3ForCausalLM", .describe = describe_qwen3},
    Architecture{
        .gguf_name = "qwen3moe", .hugging_face_name = "Qwen3MoeForCausalLM", .describe = describe_qwen3_moe},
    Architecture{.gguf_name = "qwen3next",
                 .hugging_face_name = "Qwen3NextForCausalLM",
                 .describe = describe_qwen3_next},
    Architecture{
        .gguf_name = "qwen35", .hugging_face_name = "Qwen3_5ForCausalLM", .describe = describe_qwen3_5},
    Architecture{.gguf_name = {},
                 .hugging_face_name = "Qwen3_5ForConditionalGeneration",
                 .describe = describe_qwen3_5},
    Architecture{.gguf_name = "qwen35moe",
                 .hugging_face_name = "Qwen3_5MoeForCausalLM",
                 .describe = describe_qwen3_5_moe},
    Architecture{.gguf_name = {},
                 .hugging_face_name = "Qwen3_5MoeForConditionalGeneration",
                 .describe = describe_qwen3_5_moe},
    Architecture{.gguf_name = {}, .hugging_face_name = "Qwen4ExpForCausalLM", .describe = describe_qwen4},
    Architecture{
        .gguf_name = {}, .hugging_face_name = "Qwen4ExpForConditionalGeneration", .describe = describe_qwen4},
    Architecture{.gguf_name = {}, .hugging_face_name = "MistralForCausalLM", .describe = describe_mistral},
    Architecture{.gguf_name = "phi3", .hugging_face_name = "Phi3ForCausalLM", .describe = describe_phi3},
    Architecture{
        .gguf_name = "deepseek", .hugging_face_name = "DeepseekForCausalLM", .describe = describe_deepseek},
    Architecture{
        .gguf_name = "gpt-oss", .hugging_face_name = "GptOssForCausalLM", .describe = describe_gpt_oss},
    Architecture{
        .gguf_name = "smollm3", .hugging_face_name = "SmolLM3ForCausalLM", .describe = describe_smollm3},
    Architecture{.gguf_name = "gpt2", .hugging_face_name = "GPT2LMHeadModel", .describe = describe_gpt2},
    Architecture{
        .gguf_name = "gptneox", .hugging_face_name = "GPTNeoXForCausalLM", .describe = describe_gpt_neox},
    Architecture{.gguf_name = "phi2", .hugging_face_name = "PhiForCausalLM", .describe = describe_phi},
    Architecture{.gguf_name = "gemma", .hugging_face_name = "GemmaForCausalLM", .describe = describe_gemma},
    Architecture{
        .gguf_name = "gemma2", .hugging_face_name = "Gemma2ForCausalLM", .describe = describe_gemma2},
    Architecture{
        .gguf_name = "gemma3", .hugging_face_name = "Gemma3ForCausalLM", .describe = describe_gemma3},
    Architecture{.gguf_name = {},
                 .hugging_face_name = "Gemma3ForConditionalGeneration",
                 .describe = describe_gemma3_multimodal},
    Architecture{
        .gguf_name = "gemma3n", .hugging_face_name = "Gemma3nForCausalLM", .describe = describe_gemma3n},
    Architecture{.gguf_name = {},
                 .hugging_face_name = "Gemma3nForConditionalGeneration",
                 .describe = describe_gemma3n_multimodal},
    Architecture{
        .gguf_name = "gemma4", .hugging_face_name = "Gemma4ForCausalLM", .describe = describe_gemma4},
    Architecture{.gguf_name = {},
                 .hugging_face_name = "Gemma4ForConditionalGeneration",
                 .describe = describe_gemma4_multimodal},
    Architecture{.gguf_name = {},
                 .hugging_face_name = "Gemma4UnifiedForConditionalGeneration",
                 .describe = describe_gemma4_unified},
    Architecture{.gguf_name = "olmo2", .hugging_face_name = "Olmo2ForCausalLM", .describe = describe_olmo2},
};

std::string architecture_of(const Checkpoint& checkpoint) {
  const Json& config = checkpoint.config();
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  const auto value = config.find(gguf ? "general.architecture" : "architectures");
  if (value == config.end()) return {};
  if (gguf) return value->is_string() ? value->get<std::string>() : std::string();
  const bool named = value->is_array() && !value->empty() && value->front().is_string();
  return named ? value->front().get<std::string>() : std::string();
}

}  // namespace

std::span<const Architecture> architecture_table() {
  return kArchitectures;
}

Result<DecoderModel> describe_decoder(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  const std::string name = architecture_of(checkpoint);
  std::vector<std::string_view> supported;
  for (const Architecture& architecture : kArchitectures) {
    const std::string_view known = gguf ? architecture.gguf_name : architecture.hugging_face_name;
    if (known.empty()) continue;
    if (name == known) return architecture.describe(checkpoint);
    supported.push_back(known);
  }
  return bad_input(checkpoint.path().string(), fmt::format("architecture '{}' is not supported yet", name),
                   fmt::format("one of: {}", fmt::join(supported, ", ")));
}

}  // namespace sizeup
