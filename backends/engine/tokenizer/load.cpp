#include <fmt/format.h>

#include <array>

#include "backends/engine/tokenizer/loaders.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

// SentencePiece models in folders. Not sentencepiece.bpe.model: the models that come with one number its
// pieces otherwise.
constexpr std::array<const char*, 2> kSentencePieceNames = {"tokenizer.model", "spiece.model"};

Result<std::unique_ptr<Tokenizer>> load_from_folder(const fs::path& folder, const Json& config) {
  std::error_code failure;
  if (fs::exists(folder / "tokenizer.json", failure))
    return load_huggingface_tokenizer({folder / "tokenizer.json", folder, config});
  for (const char* name : kSentencePieceNames) {
    if (fs::exists(folder / name, failure))
      return load_sentencepiece_tokenizer({folder / name, folder, config});
  }
  return bad_input(folder.string(), "has no tokenizer.json",
                   "tokenizer.json (or tokenizer.model) beside config.json",
                   "save it with AutoTokenizer.from_pretrained(...).save_pretrained(...)");
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_tokenizer(const Checkpoint& checkpoint) {
  switch (checkpoint.format()) {
    case CheckpointFormat::gguf:
      return load_gguf_tokenizer(checkpoint);
    case CheckpointFormat::safetensors:
      return load_from_folder(checkpoint.path(), checkpoint.config());
  }
  throw InternalError("unknown CheckpointFormat");
}

Result<std::unique_ptr<Tokenizer>> load_tokenizer(const fs::path& path) {
  std::error_code failure;
  const bool file = !fs::is_directory(path, failure);
  const Json no_config = Json::object();
  // Companions belong to a file of the usual name only.
  if (file && path.extension() == ".json") {
    const bool usual = path.filename() == "tokenizer.json";
    return load_huggingface_tokenizer(
        {path, usual ? std::optional(path.parent_path()) : std::nullopt, no_config});
  }
  if (file && path.extension() == ".model") {
    const bool usual = path.filename() == kSentencePieceNames[0];
    return load_sentencepiece_tokenizer(
        {path, usual ? std::optional(path.parent_path()) : std::nullopt, no_config});
  }
  const auto checkpoint = open_text_part(path);
  if (!checkpoint) return tl::unexpected<Error>(checkpoint.error());
  return load_tokenizer(**checkpoint);
}

}  // namespace sizeup
