#include "backends/engine/tokenizer/pipeline_tokenizer.h"

#include <fmt/format.h>

#include <utility>

#include "backends/engine/tokenizer/byte_alphabet.h"
#include "backends/engine/tokenizer/word_cache.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// Hugging Face looks for some added tokens in the normalised text; those are normalised themselves.
std::vector<AddedToken> tokens_of_stage(const TokenizerParts& parts, bool normalized) {
  std::vector<AddedToken> tokens;
  for (AddedToken token : parts.added) {
    if (token.normalized != normalized) continue;
    if (normalized) token.content = parts.normalizer.apply(token.content);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts)
      : in_text_(tokens_of_stage(parts, false)),
        in_normalized_(tokens_of_stage(parts, true)),
        parts_(std::move(parts)) {
    prepared_.reserve(static_cast<size_t>(vocabulary()));
    for (Token id = 0; id < vocabulary(); ++id)
      prepared_.push_back(parts_.decoder.prepare(parts_.vocabulary->piece(id)));
    // A token that was looked for in the normalised text stands for its normalised form.
    for (const AddedToken& token : parts_.added) {
      if (!token.normalized) continue;
      prepared_[static_cast<size_t>(token.id)] =
          parts_.decoder.prepare(parts_.normalizer.apply(token.content));
    }
    for (const auto& [id, text] : parts_.decoded_as) prepared_[static_cast<size_t>(id)] = text;
  }

  std::string_view kind() const override { return parts_.kind; }
  int vocabulary() const override { return parts_.vocabulary->size(); }
  const SpecialTokens& special() const override { return parts_.special; }

  std::vector<Token> encode(std::string_view given, const EncodeOptions& options) const override {
    const std::string replaced = is_valid_utf8(given) ? std::string() : replace_invalid_utf8(given);
    const std::string_view text = replaced.empty() ? given : std::string_view(replaced);
    Run run(caches_);
    std::vector<Token>& tokens = run.tokens;
    if (options.add_special) tokens = parts_.prefix;
    for (const Fragment& fragment : in_text_.split(text, options.parse_special)) {
      if (fragment.token) {
        tokens.push_back(*fragment.token);
      } else {
        encode_text(text.substr(fragment.begin, fragment.end - fragment.begin), fragment.begin == 0,
                    options.parse_special, run);
      }
    }
    if (options.add_special) tokens.insert(tokens.end(), parts_.suffix.begin(), parts_.suffix.end());
    return std::move(tokens);
  }

  std::string decode(std::span<const Token> tokens, bool skip_special) const override {
    std::vector<const std::string*> pieces;
    pieces.reserve(tokens.size());
    for (const Token token : tokens) {
      if (!parts_.vocabulary->contains(token) || (skip_special && is_special(token))) continue;
      pieces.push_back(&prepared_[static_cast<size_t>(token)]);
    }
    return parts_.decoder.join(pieces);
  }

  std::string piece(Token token) const override {
    return parts_.vocabulary->contains(token) ? parts_.vocabulary->piece(token)
                                              : fmt::format("[unused {}]", token);
  }

  bool is_special(Token token) const override {
    return parts_.vocabulary->contains(token) && parts_.vocabulary->kind(token) == PieceKind::special;
  }

 private:
  // What one call of encode works with.
  struct Run {
    explicit Run(WordCachePool& caches) : cache(caches.borrow()) {}
    WordCachePool::Loan cache;
    WordList words;
    std::vector<Token> tokens;
  };

  void encode_text(std::string_view text, bool at_start, bool parse_special, Run& run) const {
    const std::string written = parts_.normalizer.empty() ? std::string() : parts_.normalizer.apply(text);
    const std::string_view normalized = parts_.normalizer.empty() ? text : std::string_view(written);
    for (const Fragment& fragment : in_normalized_.split(normalized, parse_special)) {
      if (fragment.token) {
        run.tokens.push_back(*fragment.token);
        continue;
      }
      parts_.pre_tokenizer.cut(normalized.substr(fragment.begin, fragment.end - fragment.begin),
                               at_start && fragment.begin == 0, run.words);
      for (size_t i = 0; i < run.words.size(); ++i) encode_word(run.words[i], run);
    }
  }

  void encode_word(std::string_view word, Run& run) const {
    std::vector<Token>& tokens = run.tokens;
    if (const WordCache::Entry* known = (*run.cache).find(word)) {
      tokens.insert(tokens.end(), known->tokens.begin(), known->tokens.begin() + known->count);
      return;
    }
    const size_t before = tokens.size();
    if (parts_.pre_tokenizer.spells_bytes()) {
      parts_.model->encode(to_byte_alphabet(word), tokens);
    } else {
      parts_.model->encode(word, tokens);
    }
    (*run.cache).remember(word, std::span(tokens).subspan(before));
  }

  AddedTokenMatcher in_text_;
  AddedTokenMatcher in_normalized_;
  TokenizerParts parts_;
  std::vector<std::string> prepared_;  // for the decoder, by id
  mutable WordCachePool caches_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerParts parts) {
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace sizeup
