#include "backends/engine/tokenizer/end_of_generation.h"

#include <algorithm>
#include <array>

namespace sizeup {
namespace {

// Chat models often declare the end of the text as EOS and end their turns with another token.
constexpr std::array<std::string_view, 13> kNames = {
    "<|eot_id|>",       // Llama 3
    "<|eom_id|>",       // Llama 3, before a tool's answer
    "<|im_end|>",       // ChatML: Qwen, SmolLM
    "<|end|>",          // Phi-3
    "<|return|>",       // gpt-oss
    "<end_of_turn>",    // Gemma
    "<|endoftext|>",    // GPT-2 and many
    "<|end_of_text|>",  // Llama 3, Granite
    "<EOT>",
    "[EOT]",
    "<｜end▁of▁sentence｜>",  // DeepSeek
    "<end_of_utterance>",     // SmolVLM
    "<|end_of_turn|>",
};

}  // namespace

std::vector<Token> end_of_generation(const Vocabulary& vocabulary, std::vector<Token> declared) {
  for (const std::string_view name : kNames) {
    const auto token = vocabulary.find(name);
    if (token && vocabulary.kind(*token) == PieceKind::special) declared.push_back(*token);
  }
  std::sort(declared.begin(), declared.end());
  declared.erase(std::unique(declared.begin(), declared.end()), declared.end());
  return declared;
}

}  // namespace sizeup
