// The part of a tokenizer that turns words into ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/engine/tokenizer/prefix_trie.h"
#include "backends/engine/tokenizer/vocabulary.h"

namespace sizeup {

// Whether SentencePiece's mark is a piece, and no mergeable piece has one behind another character. Merges
// then never reach over the place before a mark.
bool marks_begin_pieces(const Vocabulary& vocabulary);

class WordModel {
 public:
  virtual ~WordModel() = default;
  // Appends the word's tokens. `word` is valid UTF-8 and not empty. Time grows as n log n with its length.
  virtual void encode(std::string_view word, std::vector<Token>& tokens) const = 0;
};

// Hugging Face's BPE and GPT-2's: a list of merges; the pair with the lowest rank is merged first, the
// leftmost of equals.
class RankMerges : public WordModel {
 public:
  struct Options {
    std::optional<Token> unknown;    // for characters without a piece; without it they are dropped
    bool fuse_unknown = false;       // one unknown token for several such characters in a row
    bool byte_fallback = false;      // spell them as byte tokens before that
    bool ignore_merges = false;      // a word that is a piece is that piece
    std::string continuing_prefix;   // spelled before each character of a word but the first
    std::string end_of_word_suffix;  // and behind the last
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
      : vocabulary_(vocabulary), merges_(std::move(merges)), options_(std::move(options)) {}

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  std::vector<Token> characters(std::string_view word) const;
  const Merge* find(Token left, Token right) const;

  const Vocabulary& vocabulary_;
  MergeTable merges_;
  Options options_;
};

// SentencePiece's BPE: any two neighbours whose joined text is a piece may merge; the piece with the highest
// score is made first, the leftmost of equals.
class ScoreMerges : public WordModel {
 public:
  struct Options {
    std::optional<Token> unknown;  // for characters without a piece and without byte tokens
    bool fuse_unknown = false;     // one unknown token for several such characters in a row
    std::vector<bool> unused;      // by id: pieces that may be a step on the way to another, but no result
    PrefixTrie whole;              // texts that are one symbol, which merges with nothing
  };

  // One score for each id. The vocabulary must outlive the model.
  ScoreMerges(const Vocabulary& vocabulary, std::vector<float> scores, Options options)
      : vocabulary_(vocabulary), scores_(std::move(scores)), options_(std::move(options)) {}

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  struct Symbol;
  // How pieces that are unused came about: their text to the length of its left part.
  using Origins = std::unordered_map<std::string_view, size_t>;

  std::vector<Symbol> split_symbols(std::string_view word) const;
  bool is_unused(Token token) const {
    return !options_.unused.empty() && options_.unused[static_cast<size_t>(token)];
  }
  void append_piece(std::string_view text, const Origins& origins, bool& after_unknown,
                    std::vector<Token>& tokens) const;

  const Vocabulary& vocabulary_;
  std::vector<float> scores_;
  Options options_;
};

// Unigram: of all ways to spell a word with pieces, the one with the largest sum of scores.
class Unigram : public WordModel {
 public:
  struct Piece {
    std::string text;
    Token id;
    double score;
  };
  struct Options {
    Token unknown = 0;
    double unknown_score = 0;  // of a character that no piece spells
    bool byte_fallback = false;
    // SentencePiece keeps sums as float, Hugging Face as double: texts whose best spellings are nearly equal
    // come out differently.
    bool single_precision = false;
    // Hugging Face looks up whole runs of unknown characters once more.
    bool look_up_unknown_runs = false;
  };

  // Of pieces with the same text the one with the largest id counts. The vocabulary must outlive the model.
  Unigram(const Vocabulary& vocabulary, std::vector<Piece> pieces, Options options);

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  void append_unknown(std::string_view run, std::vector<Token>& tokens) const;

  const Vocabulary& vocabulary_;
  PrefixTrie trie_;
  std::vector<double> scores_;  // by id
  Options options_;
};

// Refuses scores that are no numbers, and pieces so long that a hostile file would make texts take ages.
Result<void> check_unigram_piece(const Unigram::Piece& piece, const std::string& place);

// BERT's WordPiece: the longest piece that the rest of the word begins with, again and again; a word that
// cannot be spelled so is unknown as a whole.
class WordPiece : public WordModel {
 public:
  struct Options {
    Token unknown = 0;
    std::string continuing_prefix = "##";  // pieces inside of a word are spelled with it
    size_t max_characters = 100;           // longer words are unknown
  };

  // The vocabulary must outlive the model.
  WordPiece(const Vocabulary& vocabulary, Options options);

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  PrefixTrie first_;
  PrefixTrie continuing_;  // without their prefix
  Options options_;
};

// A word is a piece, or unknown.
class WordLevel : public WordModel {
 public:
  // The vocabulary must outlive the model.
  WordLevel(const Vocabulary& vocabulary, Token unknown) : vocabulary_(vocabulary), unknown_(unknown) {}

  void encode(std::string_view word, std::vector<Token>& tokens) const override;

 private:
  const Vocabulary& vocabulary_;
  Token unknown_;
};

}  // namespace sizeup
