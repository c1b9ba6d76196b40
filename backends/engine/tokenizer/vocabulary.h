// The pieces of a tokenizer: id to spelling and back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

enum class PieceKind : uint8_t {
  absent,   // no piece has this id
  text,     // stands for its spelling
  special,  // control: only where special tokens are parsed; left out of decoded texts on request
};

// Built once, then only read; pieces keep their address for the vocabulary's lifetime.
class Vocabulary {
 public:
  explicit Vocabulary(size_t size) : pieces_(size), kinds_(size, PieceKind::absent), mergeable_(size, false) {
    ids_.reserve(size);
  }
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  // Ids must be below size(). `mergeable`: the merge model may produce the piece. The same piece may be added
  // again under its id, which sets its kind. False if the id or the spelling is taken by another. An empty
  // piece is never found by its spelling.
  bool add(Token id, std::string piece, PieceKind kind, bool mergeable);

  int size() const { return static_cast<int>(pieces_.size()); }
  bool contains(Token id) const {
    return id >= 0 && id < size() && kinds_[static_cast<size_t>(id)] != PieceKind::absent;
  }
  const std::string& piece(Token id) const { return pieces_[static_cast<size_t>(id)]; }
  PieceKind kind(Token id) const { return kinds_[static_cast<size_t>(id)]; }

  std::optional<Token> find(std::string_view piece) const;
  std::optional<Token> find_mergeable(std::string_view piece) const;
  std::optional<Token> byte_token(uint8_t byte) const { return bytes_[byte]; }  // "<0x0A>"
  bool is_mergeable(Token id) const { return mergeable_[static_cast<size_t>(id)]; }

  // Appends the byte tokens that spell `text`. False, and nothing appended, if one is missing.
  bool append_bytes(std::string_view text, std::vector<Token>& tokens) const;

 private:
  std::vector<std::string> pieces_;
  std::vector<PieceKind> kinds_;
  std::vector<bool> mergeable_;
  std::unordered_map<std::string_view, Token> ids_;
  std::array<std::optional<Token>, 256> bytes_;
};

// The byte that SentencePiece's spelling "<0x0A>" stands for.
std::optional<uint8_t> byte_of_piece(std::string_view piece);

}  // namespace sizeup
