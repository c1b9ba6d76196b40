// Text to token ids and back, for every kind of tokenizer the engine knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

using Token = int32_t;

struct EncodeOptions {
  bool add_special = true;     // add BOS/EOS where the tokenizer's own rule says so
  bool parse_special = false;  // "<|end|>" in the text becomes the special token instead of plain text
};

struct SpecialTokens {
  std::optional<Token> bos;
  std::optional<Token> eos;
  std::vector<Token> end_of_generation;  // eos and end-of-turn tokens: generation stops at any of these
  bool add_bos = false;                  // the tokenizer's rule for add_special
  bool add_eos = false;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual std::string_view kind() const = 0;  // "byte-level BPE", "SentencePiece BPE"
  virtual int vocabulary() const = 0;
  virtual const SpecialTokens& special() const = 0;
  // Invalid UTF-8 in `text` is read as U+FFFD.
  virtual std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const = 0;
  // Bytes of the tokens joined; special tokens are left out if skip_special. May end inside a UTF-8 sequence.
  // As in Hugging Face's decode, a tokenizer that puts a space before every text (Llama 2) takes it from the
  // start of the result: decode all tokens of a text at once, or prefixes of them; pieces decoded one by one
  // would lose spaces.
  virtual std::string decode(std::span<const Token> tokens, bool skip_special) const = 0;
  virtual std::string piece(Token token) const = 0;  // as the vocabulary spells it, for people
  virtual bool is_special(Token token) const = 0;
};

// The tokenizer of a checkpoint: tokenizer.ggml.* of a GGUF file; of a folder tokenizer.json, or else
// tokenizer.model or spiece.model (SentencePiece), and tokenizer_config.json. "not supported yet" names the
// kind and the key.
Result<std::unique_ptr<Tokenizer>> load_tokenizer(const Checkpoint& checkpoint);

// The same by its path, which may also be a tokenizer.json or a SentencePiece .model itself.
Result<std::unique_ptr<Tokenizer>> load_tokenizer(const std::filesystem::path& path);

// The Jinja chat template, if the model carries one (tokenizer.chat_template, tokenizer_config.json,
// chat_template.jinja).
std::optional<std::string> load_chat_template(const Checkpoint& checkpoint);

}  // namespace sizeup
