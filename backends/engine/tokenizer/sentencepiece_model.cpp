#include "backends/engine/tokenizer/sentencepiece_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "backends/engine/tokenizer/protobuf.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

using Type = SentencePieceType;
using Piece = SentencePieceModel::Piece;

// Numbers of fields in sentencepiece_model.proto.
namespace field {
namespace model {
constexpr uint32_t kPieces = 1, kTrainer = 2, kNormalizer = 3, kDenormalizer = 5;
}
namespace piece {
constexpr uint32_t kText = 1, kScore = 2, kType = 3;
}
namespace trainer {
constexpr uint32_t kModelType = 3, kWhitespaceAsSuffix = 24, kByteFallback = 35, kUnknownSurface = 44,
                   kBosPiece = 46, kEosPiece = 47;
}
namespace normalizer {
constexpr uint32_t kCharsmap = 2, kDummyPrefix = 3, kRemoveExtra = 4, kEscape = 5;
}
}  // namespace field

// Unknown characters cost so much more than the rarest piece.
constexpr float kUnknownPenalty = 10;

Result<Piece> read_piece(std::string_view message, const std::string& place) {
  const auto fields = read_protobuf(message, place);
  if (!fields) return tl::unexpected<Error>(fields.error());
  Piece piece;
  for (const ProtobufField& entry : *fields) {
    if (entry.number == field::piece::kText) piece.text = entry.bytes;
    if (entry.number == field::piece::kScore && entry.type == WireType::fixed32)
      piece.score = protobuf_float(entry);
    if (entry.number == field::piece::kType) {
      if (entry.value < 1 || entry.value > 6)
        return bad_input(place, fmt::format("has a piece of type {}", entry.value), "1 to 6");
      piece.type = static_cast<Type>(entry.value);
    }
  }
  return piece;
}

Result<void> read_trainer(std::string_view message, const std::string& place, SentencePieceModel& model) {
  const auto fields = read_protobuf(message, place);
  if (!fields) return tl::unexpected<Error>(fields.error());
  for (const ProtobufField& entry : *fields) {
    switch (entry.number) {
      case field::trainer::kModelType:
        if (entry.value < 1 || entry.value > 4)
          return bad_input(place, fmt::format("has the model type {}", entry.value), "1 to 4");
        model.algorithm = static_cast<SentencePieceModel::Algorithm>(entry.value);
        break;
      case field::trainer::kWhitespaceAsSuffix:
        model.rules.treat_whitespace_as_suffix = entry.value != 0;
        break;
      case field::trainer::kByteFallback:
        model.byte_fallback = entry.value != 0;
        break;
      case field::trainer::kUnknownSurface:
        model.unknown_surface = entry.bytes;
        break;
      case field::trainer::kBosPiece:
        model.bos_piece = entry.bytes;
        break;
      case field::trainer::kEosPiece:
        model.eos_piece = entry.bytes;
        break;
      default:  // how it was trained
        break;
    }
  }
  return {};
}

Result<void> read_rules(std::string_view message, const std::string& place, SentencePieceRules& rules) {
  const auto fields = read_protobuf(message, place);
  if (!fields) return tl::unexpected<Error>(fields.error());
  for (const ProtobufField& entry : *fields) {
    if (entry.number == field::normalizer::kDummyPrefix) rules.add_dummy_prefix = entry.value != 0;
    if (entry.number == field::normalizer::kRemoveExtra) rules.remove_extra_whitespaces = entry.value != 0;
    if (entry.number == field::normalizer::kEscape) rules.escape_whitespaces = entry.value != 0;
    if (entry.number != field::normalizer::kCharsmap || entry.bytes.empty()) continue;
    auto map = Charsmap::parse(entry.bytes, place);
    if (!map) return forward_error(map);
    rules.map = std::move(*map);
  }
  return {};
}

// What words are made of.
bool is_spelled(Type type) {
  return type == Type::normal || type == Type::user_defined || type == Type::unused;
}

// The texts of user-defined pieces. What is not UTF-8 cannot stand in a text.
PrefixTrie user_defined(const std::vector<Piece>& pieces) {
  std::vector<PrefixTrie::Key> keys;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].type == Type::user_defined && is_valid_utf8(pieces[i].text))
      keys.emplace_back(pieces[i].text, static_cast<int32_t>(i));
  }
  return PrefixTrie(std::move(keys));
}

std::unique_ptr<WordModel> make_bpe(const std::vector<Piece>& pieces, const Vocabulary& vocabulary,
                                    Token unknown) {
  ScoreMerges::Options options;
  options.unknown = unknown;
  options.fuse_unknown = true;
  options.whole = user_defined(pieces);
  std::vector<float> scores;
  for (const Piece& piece : pieces) {
    scores.push_back(piece.score);
    options.unused.push_back(piece.type == Type::unused);
  }
  return std::make_unique<ScoreMerges>(vocabulary, std::move(scores), std::move(options));
}

Result<std::unique_ptr<WordModel>> make_unigram(const std::vector<Piece>& pieces,
                                                const Vocabulary& vocabulary, Token unknown,
                                                bool byte_fallback, const std::string& place) {
  float smallest = std::numeric_limits<float>::max();
  float largest = std::numeric_limits<float>::min();
  for (const Piece& piece : pieces) {
    if (piece.type != Type::normal) continue;
    smallest = std::min(smallest, piece.score);
    largest = std::max(largest, piece.score);
  }
  std::vector<Unigram::Piece> spelled;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    if (!is_spelled(piece.type) || piece.type == Type::unused) continue;
    double score = piece.score;
    // User-defined pieces win against any other spelling.
    if (piece.type == Type::user_defined) score = static_cast<float>(piece.text.size()) * largest - 0.1;
    spelled.push_back({piece.text, static_cast<Token>(i), score});
    if (auto valid = check_unigram_piece(spelled.back(), place); !valid) return forward_error(valid);
  }
  Unigram::Options options;
  options.unknown = unknown;
  options.unknown_score = smallest - kUnknownPenalty;
  options.byte_fallback = byte_fallback;
  options.single_precision = true;
  return std::make_unique<Unigram>(vocabulary, std::move(spelled), options);
}

Result<Token> add_pieces(const SentencePieceModel& model, const std::string& place, TokenizerParts& parts) {
  std::optional<Token> unknown;
  auto vocabulary = std::make_unique<Vocabulary>(model.pieces.size());
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& [text, score, type] = model.pieces[i];
    const auto id = static_cast<Token>(i);
    const bool special = type == Type::control || type == Type::unknown;
    const PieceKind kind = special ? PieceKind::special : PieceKind::text;
    if (text.empty() || !vocabulary->add(id, text, kind, is_spelled(type)))
      return bad_input(place, fmt::format("has an empty piece or one twice: {}", i), "distinct pieces");
    if (type == Type::unknown) unknown = id;
    if (!special) continue;
    AddedToken added;
    added.content = text;
    added.id = id;
    added.special = true;
    parts.added.push_back(std::move(added));
  }
  if (!unknown) return bad_input(place, "has no piece for unknown text", "one piece of type UNKNOWN");
  parts.vocabulary = std::move(vocabulary);
  return *unknown;
}

}  // namespace

Result<SentencePieceModel> parse_sentencepiece_model(std::string_view bytes, const std::string& place) {
  const auto fields = read_protobuf(bytes, place);
  if (!fields) return tl::unexpected<Error>(fields.error());
  SentencePieceModel model;
  for (const ProtobufField& entry : *fields) {
    Result<void> read;
    if (entry.number == field::model::kPieces) {
      auto piece = read_piece(entry.bytes, place);
      if (!piece) return forward_error(piece);
      model.pieces.push_back(std::move(*piece));
    } else if (entry.number == field::model::kTrainer) {
      read = read_trainer(entry.bytes, place, model);
    } else if (entry.number == field::model::kNormalizer) {
      read = read_rules(entry.bytes, place, model.rules);
    } else if (entry.number == field::model::kDenormalizer) {
      SentencePieceRules rules;
      read = read_rules(entry.bytes, place, rules);
      if (rules.map) model.denormalizer = std::move(rules);
    }
    if (!read) return forward_error(read);
  }
  if (model.pieces.empty()) return bad_input(place, "has no pieces", "a SentencePiece model");
  return model;
}

Result<TokenizerParts> sentencepiece_parts(SentencePieceModel model, const std::string& place) {
  using Algorithm = SentencePieceModel::Algorithm;
  if (model.algorithm != Algorithm::unigram && model.algorithm != Algorithm::bpe)
    return bad_input(place, "is a SentencePiece model of words or characters, which is not supported yet",
                     "Unigram or BPE");
  TokenizerParts parts;
  const auto unknown = add_pieces(model, place, parts);
  if (!unknown) return tl::unexpected<Error>(unknown.error());
  const Vocabulary& vocabulary = *parts.vocabulary;
  if (model.algorithm == Algorithm::bpe) {
    parts.kind = "SentencePiece BPE";
    parts.model = make_bpe(model.pieces, vocabulary, *unknown);
    if (marks_begin_pieces(vocabulary))
      parts.pre_tokenizer.then(pretokenize::BeforeMarks{std::string(kSpaceMark)});
  } else {
    parts.kind = "SentencePiece Unigram";
    auto words = make_unigram(model.pieces, vocabulary, *unknown, model.byte_fallback, place);
    if (!words) return forward_error(words);
    parts.model = std::move(*words);
  }
  decode::SentencePiece decoder;
  decoder.strip_first = model.rules.add_dummy_prefix;
  decoder.strip_all = model.rules.remove_extra_whitespaces;
  decoder.byte_pieces = model.byte_fallback;
  if (model.denormalizer) decoder.denormalizer = SentencePieceNormalizer(std::move(*model.denormalizer));
  std::vector<DecoderStep> decoding;
  decoding.emplace_back(std::move(decoder));
  parts.decoder = PieceDecoder(std::move(decoding));
  parts.decoded_as.emplace_back(*unknown, model.unknown_surface);
  std::vector<NormalizerStep> steps;
  steps.emplace_back(SentencePieceNormalizer(std::move(model.rules), user_defined(model.pieces)));
  parts.normalizer = Normalizer(std::move(steps));
  for (const auto& [piece, token] :
       {std::pair(&model.bos_piece, &parts.special.bos), std::pair(&model.eos_piece, &parts.special.eos)}) {
    const auto found = vocabulary.find(*piece);
    if (found && vocabulary.kind(*found) == PieceKind::special) *token = found;
  }
  return parts;
}

}  // namespace sizeup
