#include "backends/engine/tokenizer/vocabulary.h"

#include <charconv>
#include <utility>

namespace sizeup {

bool Vocabulary::add(Token id, std::string piece, PieceKind kind, bool mergeable) {
  const auto index = static_cast<size_t>(id);
  if (kinds_[index] == PieceKind::absent) {
    pieces_[index] = std::move(piece);
    if (!pieces_[index].empty() && !ids_.emplace(pieces_[index], id).second) return false;
    if (const auto byte = byte_of_piece(pieces_[index])) bytes_[*byte] = id;
  } else if (pieces_[index] != piece) {
    return false;
  }
  kinds_[index] = kind;
  mergeable_[index] = mergeable_[index] || mergeable;
  return true;
}

std::optional<Token> Vocabulary::find(std::string_view piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Token> Vocabulary::find_mergeable(std::string_view piece) const {
  const auto found = find(piece);
  return found && mergeable_[static_cast<size_t>(*found)] ? found : std::nullopt;
}

bool Vocabulary::append_bytes(std::string_view text, std::vector<Token>& tokens) const {
  for (const char byte : text) {
    if (!bytes_[static_cast<uint8_t>(byte)]) return false;
  }
  for (const char byte : text) tokens.push_back(*bytes_[static_cast<uint8_t>(byte)]);
  return true;
}

std::optional<uint8_t> byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  uint8_t byte = 0;
  const char* end = piece.data() + 5;
  const auto [stop, error] = std::from_chars(piece.data() + 3, end, byte, 16);
  return error == std::errc() && stop == end ? std::optional(byte) : std::nullopt;
}

}  // namespace sizeup
