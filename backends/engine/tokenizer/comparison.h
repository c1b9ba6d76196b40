// Where two tokenizers disagree: how many tokens they make of the same texts, which words they cut
// differently, and which tokens both have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// One for each of the two tokenizers.
template <typename T>
using OfBoth = std::array<T, 2>;
using BothTokenizers = OfBoth<const Tokenizer*>;

struct SlicedText {
  std::string text;                 // UTF-8
  std::vector<std::string> slices;  // that it counts in, beside the whole: "language=de"
};

// Of texts as they stand: no special tokens are added, and those that are spelled in a text are text. A word
// is what white space separates; where a script has none, all of a sentence.
struct TextTokens {
  int64_t texts = 0;
  int64_t characters = 0;  // code points
  int64_t words = 0;
  OfBoth<int64_t> tokens = {};
};

// A word as each tokenizer cuts it behind a space.
struct CutWord {
  std::string word;
  int64_t count = 0;                       // in the texts
  OfBoth<std::vector<std::string>> parts;  // bytes: a cut may lie inside a character
};

struct CutWords {
  int64_t words = 0, cut_differently = 0;              // in the texts
  int64_t more_parts = 0, fewer_parts = 0;             // of these with the second tokenizer
  int64_t distinct = 0, distinct_cut_differently = 0;  // each spelling once
  // Of those cut differently the most frequent, ties in the order of bytes.
  std::vector<CutWord> examples;
};

struct TextComparison {
  TextTokens all;
  std::map<std::string, TextTokens> slices;
  CutWords words;
};

TextComparison compare_texts(const BothTokenizers& tokenizers, std::span<const SlicedText> texts,
                             size_t most_examples);

// Tokens that are not special, by the bytes that they add to a text: "Ġthe", "▁the" and "the" behind "##" are
// told apart or not by what they mean, not by how a vocabulary spells it.
struct VocabularyOverlap {
  OfBoth<int64_t> tokens = {};  // different ones
  int64_t common = 0;
};

VocabularyOverlap compare_vocabularies(const BothTokenizers& tokenizers);

}  // namespace sizeup
