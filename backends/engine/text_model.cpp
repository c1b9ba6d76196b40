#include "backends/engine/text_model.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "core/json/json.h"

namespace sizeup {
namespace {

// As transformers continues a final message: the mark shows where the template ends it. Some templates trim
// messages, and with them the mark's space.
constexpr std::string_view kContinueMark = "CONTINUE_FINAL_MESSAGE_TAG ";

Result<void> cut_at_mark(std::string& text) {
  const size_t at = text.rfind(kContinueMark.substr(0, kContinueMark.size() - 1));
  if (at == std::string::npos) {
    return bad_input("chat template", "leaves out the last message, which the model is to continue", "",
                     "run without --apply-chat-template");
  }
  const bool kept = std::string_view(text).substr(at).starts_with(kContinueMark);
  text.resize(at);
  if (kept) return {};
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  return {};
}

}  // namespace

Result<TextModel> TextModel::load(const Checkpoint& checkpoint, const std::string& now) {
  auto tokenizer = load_tokenizer(checkpoint);
  if (!tokenizer) return forward_error(tokenizer);
  return TextModel(std::move(*tokenizer), load_chat_template(checkpoint), now);
}

TextModel::TextModel(std::unique_ptr<Tokenizer> tokenizer, std::optional<std::string> template_source,
                     const std::string& now)
    : tokenizer_(std::move(tokenizer)) {
  const SpecialTokens& special = tokenizer_->special();
  if (special.bos) bos_text_ = tokenizer_->piece(*special.bos);
  if (special.eos) eos_text_ = tokenizer_->piece(*special.eos);
  if (template_source) {
    template_.emplace(Template::parse(*template_source, TemplateSettings::chat(now), "chat template"));
  }
}

Result<RenderedPrompt> TextModel::render(const Prompt& prompt) const {
  if (const auto* text = std::get_if<std::string>(&prompt)) return RenderedPrompt{*text, false};
  if (std::holds_alternative<TokenIds>(prompt)) {
    return bad_input("", "the prompt is token ids", "a text or a conversation",
                     "only answers can follow token ids");
  }
  if (!template_) {
    return bad_input("", "the model has no chat template", "a plain prompt",
                     "give the task a prompt without roles");
  }
  if (!*template_) return tl::unexpected<Error>(template_->error());
  const auto& conversation = std::get<std::vector<ChatMessage>>(prompt);
  const bool continues = !conversation.empty() && conversation.back().role == "assistant";
  Json messages = Json::array();
  for (const ChatMessage& message : conversation) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  if (continues) messages.back()["content"] = conversation.back().content + std::string(kContinueMark);
  auto text = (*template_)
                  ->render(Json{{"messages", std::move(messages)},
                                {"bos_token", bos_text_},
                                {"eos_token", eos_text_},
                                {"add_generation_prompt", !continues}});
  if (!text) return forward_error(text);
  if (continues) {
    if (Result<void> cut = cut_at_mark(*text); !cut) return forward_error(cut);
  }
  return RenderedPrompt{std::move(*text), true};
}

std::vector<Token> TextModel::encode(std::string_view text, bool from_template, bool add_special) const {
  const bool complete = from_template || (!bos_text_.empty() && text.starts_with(bos_text_));
  return tokenizer_->encode(text, {.add_special = add_special && !complete, .parse_special = complete});
}

std::optional<Token> TextModel::prefix_token() const {
  const SpecialTokens& special = tokenizer_->special();
  return special.bos ? special.bos : special.eos;
}

bool TextModel::ends_generation(Token token) const {
  const std::vector<Token>& ends = tokenizer_->special().end_of_generation;
  return std::find(ends.begin(), ends.end(), token) != ends.end();
}

}  // namespace sizeup
