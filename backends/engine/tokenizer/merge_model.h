// Byte-pair merging of one word: the part of a tokenizer that turns text into ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/engine/tokenizer/vocabulary.h"

namespace sizeup {

class MergeModel {
 public:
  virtual ~MergeModel() = default;
  // Appends the word's tokens. `word` is valid UTF-8. Time grows as n log n with its length.
  virtual void encode(std::string_view word, std::vector<Token>& tokens) const = 0;
};

// Hugging Face's BPE and GPT-2's: a list of merges; the pair with the lowest rank is merged first, the
// leftmost of equals.
class RankMerges : public MergeModel {
 public:
  struct Options {
    std::optional<Token> unknown;  // for characters without a piece; without it they are dropped
    bool fuse_unknown = false;     // one unknown token for several such characters in a row
    bool byte_fallback = false;    // spell them as byte tokens before that
    bool ignore_merges = false;    // a word that is a piece is that piece
  };
  struct Merge {
    uint32_t rank;
    Token result;
  };
  using MergeTable = std::unordered_map<uint64_t, Merge>;  // by pair_key

  static uint64_t pair_key(Token left, Token right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
  }

  // The vocabulary must outlive the model.
  RankMerges(const Vocabulary& vocabulary, MergeTable merges, Options options)
      : vocabulary_(vocabulary), merges_(std::move(merges)), options_(options) {}

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  std::vector<Token> characters(std::string_view word) const;
  const Merge* find(Token left, Token right) const;

  const Vocabulary& vocabulary_;
  MergeTable merges_;
  Options options_;
};

// SentencePiece's BPE: any two neighbours whose joined text is a piece may merge; the piece with the highest
// score is made first, the leftmost of equals. Characters without a piece become byte tokens.
class ScoreMerges : public MergeModel {
 public:
  // One score for each id. The vocabulary must outlive the model.
  ScoreMerges(const Vocabulary& vocabulary, std::vector<float> scores, std::optional<Token> unknown)
      : vocabulary_(vocabulary), scores_(std::move(scores)), unknown_(unknown) {}

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  void append_piece(std::string_view text, std::vector<Token>& tokens) const;

  const Vocabulary& vocabulary_;
  std::vector<float> scores_;
  std::optional<Token> unknown_;
};

}  // namespace sizeup
