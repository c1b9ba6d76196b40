// One loader for each place that tokenizers come from.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "backends/engine/formats/sorted_json.h"
#include "backends/engine/tokenizer/pipeline_tokenizer.h"
#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// From tokenizer.ggml.* of a GGUF file's metadata.
Result<std::unique_ptr<Tokenizer>> load_gguf_tokenizer(const Checkpoint& checkpoint);

// A tokenizer's file and what lies beside it.
struct TokenizerFiles {
  std::filesystem::path tokenizer;              // tokenizer.json, or a SentencePiece model
  std::optional<std::filesystem::path> folder;  // of tokenizer_config.json and generation_config.json
  const Json& config;                           // of the model; may be an empty object
};

Result<std::unique_ptr<Tokenizer>> load_huggingface_tokenizer(const TokenizerFiles& files);
Result<std::unique_ptr<Tokenizer>> load_sentencepiece_tokenizer(const TokenizerFiles& files);

// A JSON file of the folder; null if there is none. One that is there must be readable.
Result<SortedJson> read_companion(const TokenizerFiles& files, const char* name);

// BOS, EOS and where generation ends, as the companions declare them; nothing else of `parts.special`.
Result<void> read_special_tokens(const TokenizerFiles& files, TokenizerParts& parts);

}  // namespace sizeup
