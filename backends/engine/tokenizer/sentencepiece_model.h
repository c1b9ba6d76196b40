// A SentencePiece model: from its own file, or gathered from another format's metadata.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/tokenizer/pipeline_tokenizer.h"

namespace sizeup {

enum class SentencePieceType { normal = 1, unknown, control, user_defined, unused, byte };

struct SentencePieceModel {
  enum class Algorithm { unigram = 1, bpe, word, character };
  struct Piece {
    std::string text;
    float score = 0;
    SentencePieceType type = SentencePieceType::normal;
  };

  Algorithm algorithm = Algorithm::unigram;
  std::vector<Piece> pieces;
  bool byte_fallback = false;
  std::string unknown_surface = " \xE2\x81\x87 ";  // what an unknown token is decoded as
  std::string bos_piece = "<s>";
  std::string eos_piece = "</s>";
  SentencePieceRules rules;
  std::optional<SentencePieceRules> denormalizer;
};

// The protobuf message ModelProto.
Result<SentencePieceModel> parse_sentencepiece_model(std::string_view bytes, const std::string& place);

// Everything of the tokenizer but which tokens add_special adds: special.bos and eos are set, add_* are not.
Result<TokenizerParts> sentencepiece_parts(SentencePieceModel model, const std::string& place);

}  // namespace sizeup
