#include "backends/engine/tokenizer/word_model.h"
#include "core/text/utf8.h"

namespace sizeup {

WordPiece::WordPiece(const Vocabulary& vocabulary, Options options) : options_(std::move(options)) {
  std::vector<PrefixTrie::Key> first;
  std::vector<PrefixTrie::Key> continuing;
  for (Token id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.is_mergeable(id)) continue;
    const std::string& piece = vocabulary.piece(id);
    first.emplace_back(piece, id);
    if (piece.starts_with(options_.continuing_prefix))
      continuing.emplace_back(piece.substr(options_.continuing_prefix.size()), id);
  }
  first_ = PrefixTrie(std::move(first));
  continuing_ = PrefixTrie(std::move(continuing));
}

void WordPiece::encode(std::string_view word, std::vector<Token>& tokens) const {
  const size_t before = tokens.size();
  bool spelled = count_code_points(word) <= options_.max_characters;
  for (size_t start = 0; spelled && start < word.size();) {
    size_t longest = 0;
    const PrefixTrie& pieces = start == 0 ? first_ : continuing_;
    Token token = 0;
    pieces.visit_prefixes(word.substr(start), [&](size_t length, Token found) {
      longest = length;
      token = found;
    });
    spelled = longest > 0;
    start += longest;
    if (spelled) tokens.push_back(token);
  }
  if (spelled) return;
  tokens.resize(before);
  tokens.push_back(options_.unknown);
}

void WordLevel::encode(std::string_view word, std::vector<Token>& tokens) const {
  tokens.push_back(vocabulary_.find_mergeable(word).value_or(unknown_));
}

}  // namespace sizeup
