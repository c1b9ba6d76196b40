// The regular expressions by which byte-level tokenizers cut words, as their tokenizer.json files have them,
// and GGUF's names for them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

// GPT-2's, also what ByteLevel with use_regex does.
extern const std::string_view kGpt2Pattern;

// One punctuation character: ASCII's, with its symbols, or Unicode's.
extern const std::string_view kPunctuation;

// A run of one script; characters of no script join the run before them.
std::string script_runs_pattern();

// One value of tokenizer.ggml.pre.
struct GgufPreTokenizer {
  std::string_view name;
  std::vector<std::string_view> patterns;  // applied one inside the other, every match a word of its own
  bool nfc = false;            // the original tokenizer normalises first, which GGUF does not record
  bool ignore_merges = false;  // a word that is a piece is that piece
  bool add_bos = false;        // where the file has no tokenizer.ggml.add_bos_token
  bool add_sep = false;        // likewise, for tokenizer.ggml.add_sep_token
  bool metaspace = false;      // U+2581 for spaces and byte tokens instead of the byte alphabet
};

std::span<const GgufPreTokenizer> gguf_pre_tokenizers();

}  // namespace sizeup
