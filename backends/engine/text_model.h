// What turns text into tokens and back for one model: its tokenizer, its chat template, and the rules for
// special tokens, which are those of lm-evaluation-harness.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"
#include "backends/request.h"
#include "core/errors/result.h"
#include "core/jinja/template.h"

namespace sizeup {

// A prompt as text, and whether special tokens in it are meant as such.
struct RenderedPrompt {
  std::string text;
  bool from_template = false;
};

class TextModel {
 public:
  // `now`: ISO-8601, what templates see as the current time. A template that cannot be read is an error only
  // when a conversation is rendered: many uses of a model need none.
  static Result<TextModel> load(const Checkpoint& checkpoint, const std::string& now);
  TextModel(std::unique_ptr<Tokenizer> tokenizer, std::optional<std::string> template_source,
            const std::string& now);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  bool has_chat_template() const { return template_.has_value(); }

  Result<RenderedPrompt> render(const Prompt& prompt) const;

  // A plain text gets what the tokenizer's own rule adds (with add_special), and special tokens in it are
  // text; a text that comes from a template, or that begins with BOS as text, is parsed and gets nothing
  // added.
  std::vector<Token> encode(std::string_view text, bool from_template, bool add_special) const;

  // BOS, or EOS where there is no BOS: what an unconditioned text is conditioned on.
  std::optional<Token> prefix_token() const;
  bool ends_generation(Token token) const;

 private:
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<Result<Template>> template_;
  std::string bos_text_;
  std::string eos_text_;
};

}  // namespace sizeup
