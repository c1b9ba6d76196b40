// An opened model: its tensors, its configuration and where its tokenizer is, from a GGUF file or a
// Hugging Face folder. Files are mapped; every offset, size and count is checked before it is used.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/tensor.h"
#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

enum class CheckpointFormat { gguf, safetensors };

class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  virtual CheckpointFormat format() const = 0;
  virtual const std::filesystem::path& path() const = 0;

  // GGUF: one object with every metadata key ("general.architecture", "tokenizer.ggml.tokens": [...]).
  // Hugging Face: config.json, without the "quantization_config" of weights that the reader has decoded.
  virtual const Json& config() const = 0;

  virtual const std::vector<Tensor>& tensors() const = 0;
  virtual const Tensor* find(std::string_view name) const = 0;  // nullptr if there is none

  // A buffer of whole numbers beside the weights; empty if there is none.
  virtual std::vector<int64_t> integers(std::string_view /*name*/) const { return {}; }

  // The tensor, which is one of tensors(), will hardly be read again: its bytes may leave memory until then.
  virtual void release(const Tensor& /*tensor*/) const {}

  // Files whose bytes decide the model's answers (weights, config, tokenizer, template), sorted:
  // what the fingerprint is made of.
  virtual std::vector<std::filesystem::path> files() const = 0;
};

// A .gguf file (of a split model any part, NAME-00001-of-00003.gguf: all are opened), or a folder with
// config.json and model.safetensors (or model.safetensors.index.json and shards). A GGUF file with a
// vocabulary only and a folder with tokenizer.json (or a SentencePiece model) but no config.json are opened,
// too: they have no tensors.
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::filesystem::path& path);

// The same for its text part alone (configuration, tokenizer, template): a folder's weights are neither read
// nor missed.
Result<std::unique_ptr<Checkpoint>> open_text_part(const std::filesystem::path& path);

// 64 hexadecimal digits that change with any byte of files(): for a GGUF file `sha256sum FILE`, for a folder
// or a split GGUF model the SHA-256 of what `sha256sum` prints for its files in sorted order. Each file's
// hash is cached by path, size, mtime and inode under $XDG_CACHE_HOME/sizeup or ~/.cache/sizeup; without a
// usable cache it is computed.
Result<std::string> fingerprint(const Checkpoint& checkpoint);
// The SHA-256 of what `sha256sum` prints for these files.
Result<std::string> fingerprint(const std::vector<std::filesystem::path>& files);

}  // namespace sizeup
