#include "backends/engine/tokenizer/pipeline_tokenizer.h"

#include <fmt/format.h>

#include <utility>

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
    decoded_.reserve(static_cast<size_t>(vocabulary()));
    for (Token id = 0; id < vocabulary(); ++id)
      decoded_.push_back(parts_.decoder.decode(parts_.vocabulary->piece(id)));
    // A token that was looked for in the normalised text stands for its normalised form.
    for (const AddedToken& token : parts_.added) {
      if (!token.normalized) continue;
      decoded_[static_cast<size_t>(token.id)] = parts_.decoder.decode(parts_.normalizer.apply(token.content));
    }
  }

  std::string_view kind() const override { return parts_.kind; }
  int vocabulary() const override { return parts_.vocabulary->size(); }
  const SpecialTokens& special() const override { return parts_.special; }

  std::vector<Token> encode(std::string_view given, const EncodeOptions& options) const override {
    const std::string replaced = is_valid_utf8(given) ? std::string() : replace_invalid_utf8(given);
    const std::string_view text = replaced.empty() ? given : std::string_view(replaced);
    std::vector<Token> tokens;
    if (options.add_special) tokens = parts_.prefix;
    for (const Fragment& fragment : in_text_.split(text, options.parse_special)) {
      if (fragment.token) {
        tokens.push_back(*fragment.token);
      } else {
        encode_text(text.substr(fragment.begin, fragment.end - fragment.begin), fragment.begin == 0,
                    options.parse_special, tokens);
      }
    }
    if (options.add_special) tokens.insert(tokens.end(), parts_.suffix.begin(), parts_.suffix.end());
    return tokens;
  }

  std::string decode(std::span<const Token> tokens, bool skip_special) const override {
    std::string text;
    bool first = true;
    for (const Token token : tokens) {
      if (!parts_.vocabulary->contains(token) || (skip_special && is_special(token))) continue;
      const std::string& part = decoded_[static_cast<size_t>(token)];
      if (first && parts_.decoder.leading == LeadingSpace::strip_first_piece) {
        text += part.substr(std::min(part.find_first_not_of(' '), part.size()));
      } else {
        text += part;
      }
      first = false;
    }
    if (parts_.decoder.leading == LeadingSpace::strip_one && text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

  std::string piece(Token token) const override {
    return parts_.vocabulary->contains(token) ? parts_.vocabulary->piece(token)
                                              : fmt::format("[unused {}]", token);
  }

  bool is_special(Token token) const override {
    return parts_.vocabulary->contains(token) && parts_.vocabulary->kind(token) == PieceKind::special;
  }

 private:
  void encode_text(std::string_view text, bool at_start, bool parse_special,
                   std::vector<Token>& tokens) const {
    const std::string normalized = parts_.normalizer.apply(text);
    for (const Fragment& fragment : in_normalized_.split(normalized, parse_special)) {
      if (fragment.token) {
        tokens.push_back(*fragment.token);
        continue;
      }
      const std::string_view part =
          std::string_view(normalized).substr(fragment.begin, fragment.end - fragment.begin);
      for (const std::string& word : parts_.pre_tokenizer.words(part, at_start && fragment.begin == 0)) {
        parts_.model->encode(word, tokens);
      }
    }
  }

  AddedTokenMatcher in_text_;
  AddedTokenMatcher in_normalized_;
  TokenizerParts parts_;
  std::vector<std::string> decoded_;  // by id
};

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerParts parts) {
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace sizeup
