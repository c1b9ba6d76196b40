#include "harness/run/asking.h"

#include <string_view>
#include <utility>

#include "core/io/sha256.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// The first eight bytes of a hash of document and ask: independent streams under one seed.
uint64_t stream_of(const Sample& sample, size_t ask_index) {
  const auto digest = sha256(sample.document_hash + "/" + std::to_string(ask_index));
  uint64_t stream = 0;
  for (size_t i = 0; i < sizeof(stream); ++i) stream = stream << 8 | digest[i];
  return stream;
}

// Whether the answer has begun with something that a choice must be kept apart from.
bool continues_word(const PromptText& prompt) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  return !prompt.prefix.empty() && kSpace.find(prompt.prefix.back()) == std::string_view::npos;
}

struct AskWriter {
  Json& json;

  void operator()(const ScoreContinuation& ask) const {
    json["ask"] = "continuation";
    json["template"] = !std::holds_alternative<std::string>(ask.context);
    json["continuation"] = ask.continuation;
  }
  void operator()(const ScoreText&) const { json["ask"] = "text"; }
  void operator()(const Generate& ask) const {
    const Sampling& sampling = ask.sampling;
    json["ask"] = "generate";
    json["template"] = !std::holds_alternative<std::string>(ask.prompt);
    json["max_tokens"] = ask.max_tokens;
    json["stop"] = ask.stop;
    if (ask.top_logprobs > 0) json["top_logprobs"] = ask.top_logprobs;
    if (!ask.schema.empty()) json["schema_sha256"] = sha256_hex(ask.schema);
    json["temperature"] = sampling.temperature;
    if (sampling.temperature == 0.0) return;  // greedy: nothing below has any influence
    json["top_k"] = sampling.top_k;
    json["top_p"] = sampling.top_p;
    json["min_p"] = sampling.min_p;
    json["seed"] = sampling.seed;
    json["stream"] = sampling.stream;
  }
};

}  // namespace

Prompt prompt_of(const PromptText& text, bool chat_template) {
  if (!chat_template) return text.system + text.user + text.prefix_delimiter + text.prefix;
  std::vector<ChatMessage> messages;
  if (!text.system.empty()) messages.push_back({"system", text.system});
  for (const auto& [question, answer] : text.turns) {
    messages.push_back({"user", question});
    messages.push_back({"assistant", answer});
  }
  messages.push_back({"user", text.user});
  if (!text.prefix.empty()) messages.push_back({"assistant", text.prefix});
  return messages;
}

PromptText text_of(const Sample& sample, const Ask& ask) {
  PromptText text = sample.prompt;
  const auto* score = std::get_if<AskScore>(&ask);
  if (score != nullptr && score->context) text.user += *score->context;
  return text;
}

std::string shown_prompt(const Sample& sample) {
  std::string out = sample.prompt.system;
  for (const auto& [question, answer] : sample.prompt.turns) out += question + "\n" + answer + "\n";
  out += sample.prompt.user + sample.prompt.prefix_delimiter + sample.prompt.prefix;
  for (const std::string& turn : sample.later_turns) out += "\n\n" + turn;
  std::string_view apart = "";
  for (const Ask& ask : sample.asks) {
    const auto* score = std::get_if<AskScore>(&ask);
    if (score == nullptr || !score->context) break;
    out.append(apart).append(*score->context);
    apart = "\n";
  }
  return out;
}

PromptText text_of_turn(const Sample& sample, std::span<const Reply> answers) {
  PromptText text = sample.prompt;
  for (size_t i = 0; i < answers.size(); ++i) {
    text.turns.emplace_back(std::move(text.user), answers[i].text);
    text.user = sample.later_turns.at(i);
  }
  return text;
}

Prompt without_system(Prompt prompt) {
  if (auto* messages = std::get_if<std::vector<ChatMessage>>(&prompt)) {
    std::erase_if(*messages, [](const ChatMessage& message) { return message.role == "system"; });
  }
  return prompt;
}

Request request_of(const Sample& sample, const Ask& ask, size_t ask_index, Prompt prompt,
                   const Asking& asking) {
  Request request;
  request.asked_for = {
      asking.task,          sample.id,      sample.index,          static_cast<int>(ask_index),
      sample.document_hash, &sample.slices, asking.definition_hash};
  request.truncate = asking.truncation == Truncation::left ? Truncate::left : Truncate::error;
  if (const auto* score = std::get_if<AskScore>(&ask)) {
    std::string continuation = asking.chat_template && !continues_word(sample.prompt)
                                   ? score->continuation
                                   : score->delimiter + score->continuation;
    request.ask = ScoreContinuation{std::move(prompt), std::move(continuation)};
  } else if (std::holds_alternative<AskText>(ask)) {
    request.ask = ScoreText{sample.prompt.user};
  } else {
    const auto& generate = std::get<AskGenerate>(ask);
    Sampling sampling;
    sampling.temperature = generate.temperature;
    sampling.top_k = generate.top_k;
    sampling.top_p = generate.top_p;
    sampling.min_p = generate.min_p;
    sampling.seed = asking.seed;
    sampling.stream = stream_of(sample, ask_index);
    Generate asked{std::move(prompt), generate.max_tokens, generate.stop, sampling};
    asked.top_logprobs = generate.top_logprobs;
    asked.schema = asking.schema;
    request.ask = std::move(asked);
  }
  return request;
}

std::string response_key_json(const ModelCard& card, const Request& request, const std::string& rendered) {
  Json json = {{"version", kNumericsVersion},
               {"model", card.fingerprint},
               {"backend", card.backend},
               {"device", card.device},
               {"tier", card.tier},
               {"precision", card.precision},
               {"context_length", card.context_length},
               {"prompt_sha256", sha256_hex(rendered)},
               {"truncate", request.truncate == Truncate::left ? "left" : "error"},
               {"add_special", request.add_special}};
  if (card.recorded) {
    const AskedFor& asked = request.asked_for;
    json["asked_for"] = {asked.task, asked.document, asked.row, asked.answer};
  }
  // A router may go by these.
  if (!card.policy.empty()) {
    const AskedFor& asked = request.asked_for;
    json["routed_by"] = {{"task", asked.task}};
    if (asked.slices != nullptr) json["routed_by"]["slices"] = *asked.slices;
    // And by all that is asked of the document, and how it is scored.
    if (card.decides_by_document)
      json["routed_by"]["answer"] = {asked.document_hash, asked.definition_hash, asked.answer};
  }
  std::visit(AskWriter{json}, request.ask);
  return to_canonical(json);
}

}  // namespace sizeup
