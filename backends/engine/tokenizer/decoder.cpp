#include "backends/engine/tokenizer/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/engine/tokenizer/byte_alphabet.h"
#include "backends/engine/tokenizer/vocabulary.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

using Pieces = std::vector<std::string>;

// English as tokenizers of whole words spell it, with fewer spaces.
std::string clean_up(std::string text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  for (const auto& [from, to] : kRules) text = replace_all(text, from, to);
  return text;
}

std::string apply_to(const decode::ByteAlphabet&, std::string piece) {
  return from_byte_alphabet(piece).value_or(piece);
}

std::string apply_to(const decode::ByteFallback&, std::string piece) {
  const auto byte = byte_of_piece(piece);
  return byte ? std::string(1, static_cast<char>(*byte)) : piece;
}

// A piece may be a part of a character, which no pattern takes.
std::string apply_to(const Replacement& step, const std::string& piece) {
  return step.regex && !is_valid_utf8(piece) ? piece : step.apply(piece);
}

std::string apply_to(const decode::Strip& step, const std::string& piece) {
  const std::string content = encode_utf8(step.content);
  std::string_view rest = piece;
  for (size_t i = 0; i < step.start && rest.starts_with(content); ++i) rest.remove_prefix(content.size());
  for (size_t i = 0; i < step.stop && rest.ends_with(content); ++i) rest.remove_suffix(content.size());
  return std::string(rest);
}

template <class Step>
concept AppliesToPiece = requires(const Step& step, std::string piece) {
  apply_to(step, piece);
};

template <AppliesToPiece Step>
void apply_step(const Step& step, Pieces& pieces) {
  for (std::string& piece : pieces) piece = apply_to(step, std::move(piece));
}

void apply_step(const decode::Metaspace& step, Pieces& pieces) {
  for (size_t i = 0; i < pieces.size(); ++i)
    pieces[i] = replace_all(pieces[i], step.mark, i == 0 && step.strip_first ? "" : " ");
}

void apply_step(const decode::WordPiece& step, Pieces& pieces) {
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0 && pieces[i].starts_with(step.prefix)) {
      pieces[i].erase(0, step.prefix.size());
    } else if (i > 0) {
      pieces[i].insert(0, 1, ' ');
    }
    if (step.cleanup) pieces[i] = clean_up(std::move(pieces[i]));
  }
}

void apply_step(const decode::WordEnds& step, Pieces& pieces) {
  for (size_t i = 0; i < pieces.size(); ++i)
    pieces[i] = replace_all(pieces[i], step.suffix, i + 1 == pieces.size() ? "" : " ");
}

void apply_step(const decode::Ctc& step, Pieces& pieces) {
  pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
  for (std::string& piece : pieces) {
    if (!step.pad.empty()) piece = replace_all(piece, step.pad, "");
    if (!step.cleanup) continue;
    piece = clean_up(std::move(piece));
    if (!step.word_delimiter.empty()) piece = replace_all(piece, step.word_delimiter, " ");
  }
  std::erase_if(pieces, [](const std::string& piece) { return piece.empty(); });
}

void join_with(std::string_view separator, Pieces& pieces) {
  std::string text;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) text += separator;
    text += pieces[i];
  }
  pieces = {std::move(text)};
}

void apply_step(const decode::Fuse&, Pieces& pieces) {
  join_with("", pieces);
}

void apply_step(const decode::Join&, Pieces& pieces) {
  join_with(" ", pieces);
}

void apply_step(const decode::SentencePiece& step, Pieces& pieces) {
  std::string text;
  bool stripping = step.strip_first || step.strip_all;
  for (const std::string& piece : pieces) {
    stripping = stripping && text.empty();
    std::string_view rest = piece;
    if (stripping && rest.starts_with(kSpaceMark)) {
      rest.remove_prefix(kSpaceMark.size());
      stripping = step.strip_all;
    }
    const auto byte = step.byte_pieces ? byte_of_piece(rest) : std::nullopt;
    text += byte ? std::string(1, static_cast<char>(*byte)) : replace_all(rest, kSpaceMark, " ");
  }
  if (step.denormalizer) text = step.denormalizer->apply(replace_invalid_utf8(text));
  pieces = {std::move(text)};
}

}  // namespace

PieceDecoder::PieceDecoder(std::vector<DecoderStep> steps) : steps_(std::move(steps)) {
  const auto whole = std::find_if(steps_.begin(), steps_.end(), [](const DecoderStep& step) {
    return !std::visit([]<class Step>(const Step&) { return AppliesToPiece<Step>; }, step);
  });
  prepared_ = static_cast<size_t>(whole - steps_.begin());
}

std::string PieceDecoder::prepare(std::string_view piece) const {
  Pieces pieces = {std::string(piece)};
  for (size_t i = 0; i < prepared_; ++i) {
    std::visit([&](const auto& step) { apply_step(step, pieces); }, steps_[i]);
  }
  return std::move(pieces.front());
}

std::string PieceDecoder::join(std::span<const std::string* const> prepared) const {
  size_t next = prepared_;
  Pieces pieces;
  if (next == steps_.size() || std::holds_alternative<decode::Fuse>(steps_[next])) {
    std::string text;
    for (const std::string* piece : prepared) text += *piece;
    if (++next >= steps_.size()) return text;
    pieces.push_back(std::move(text));
  } else {
    for (const std::string* piece : prepared) pieces.push_back(*piece);
  }
  for (; next < steps_.size(); ++next) {
    std::visit([&](const auto& step) { apply_step(step, pieces); }, steps_[next]);
  }
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

}  // namespace sizeup
