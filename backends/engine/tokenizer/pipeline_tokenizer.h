// Every tokenizer we know is this pipeline with other parts: added tokens are found, the text between them is
// normalised and cut into words, the word model turns words into ids.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/engine/tokenizer/added_tokens.h"
#include "backends/engine/tokenizer/decoder.h"
#include "backends/engine/tokenizer/normalizer.h"
#include "backends/engine/tokenizer/pre_tokenizer.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "backends/engine/tokenizer/vocabulary.h"
#include "backends/engine/tokenizer/word_model.h"

namespace sizeup {

struct TokenizerParts {
  std::string kind;
  std::unique_ptr<const Vocabulary> vocabulary;
  std::vector<AddedToken> added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<const WordModel> model;  // refers to the vocabulary
  PieceDecoder decoder;
  std::vector<Token> prefix;  // what add_special puts before
  std::vector<Token> suffix;  // and behind
  SpecialTokens special;
  // Pieces that are decoded as another text than their spelling.
  std::vector<std::pair<Token, std::string>> decoded_as;
};

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerParts parts);

}  // namespace sizeup
