#include "backends/engine/tokenizer/charsmap.h"

#include <fmt/format.h>

namespace sizeup {
namespace {

// A unit of the double array (darts-clone): a label or a value, and where the children are.
constexpr uint32_t kLabelBits = (1u << 31) | 0xFF;
constexpr uint32_t kValueBits = (1u << 31) - 1;

bool has_leaf(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}

uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  return value;
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes, const std::string& place) {
  const auto broken = [&](std::string message) {
    return bad_input(place, "precompiled_charsmap " + message,
                     "a size, a trie of that size and its replacements, as SentencePiece writes them");
  };
  if (bytes.size() < 4) return broken("is cut short");
  const size_t trie_bytes = little_endian(bytes);
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > bytes.size() - 4) {
    return broken(fmt::format("has a trie of {} bytes in {}", trie_bytes, bytes.size()));
  }
  Charsmap map;
  map.units_.reserve(trie_bytes / 4);
  for (size_t i = 0; i < trie_bytes; i += 4) map.units_.push_back(little_endian(bytes.substr(4 + i)));
  map.replacements_ = bytes.substr(4 + trie_bytes);
  return map;
}

std::optional<Charsmap::Match> Charsmap::find(std::string_view text, bool shortest) const {
  std::optional<Match> match;
  uint32_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || (units_[node] & kLabelBits) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (node >= units_.size()) break;
    if (!has_leaf(unit)) continue;
    const uint32_t start = units_[node] & kValueBits;
    if (start >= replacements_.size()) continue;
    const std::string_view rest = std::string_view(replacements_).substr(start);
    match = Match{i + 1, rest.substr(0, rest.find('\0'))};
    if (shortest) break;
  }
  return match;
}

}  // namespace sizeup
