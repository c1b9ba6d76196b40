// Guesses how a text goes on.
#pragma once

#include <span>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// Where the text's last tokens stood in it before, what followed then may follow again: answers quote their
// prompts and repeat themselves. Published as prompt lookup decoding (Saxena 2023).
//
// Earlier places are found by reading the text backwards, without an index: 4 bytes for each position, of
// which attention reads a thousand times as much in the same step (docs/performance.md).
class PromptLookup {
 public:
  // More are hardly ever right: at nine hits in ten, four in ten are right to their eighth token.
  static constexpr int kMostGuessed = 8;

  // The next kMostGuessed tokens, or none where the text's last two did not stand in it before. Valid until
  // the next call.
  std::span<const Token> guess(std::span<const Token> text);

  // Tells the token that the text went on with, also where no use was made of a guess.
  void found(Token token);

  // How likely the next guessed token is right if those before it were.
  double hit_rate() const { return hits_ / tries_; }

 private:
  std::vector<Token> guess_;
  size_t place_ = 0;  // of the guess for the token that is found next; at the end: there is none
  // Of about the last ten guessed tokens. Before the first three of ten are right: more would cost short
  // answers that repeat nothing more than it gains others.
  double hits_ = 0.6;
  double tries_ = 2.0;
};

}  // namespace sizeup
