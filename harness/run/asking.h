// From a task's sample to a backend's request, and the key under which its response is stored.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "backends/backend.h"
#include "backends/request.h"
#include "tasks/task.h"

namespace sizeup {

// Part of every response key: raised when the bits of a response can change although nothing else in the key
// does.
constexpr int kNumericsVersion = 1;

// How samples are put to one model.
struct Asking {
  bool chat_template = false;
  uint64_t seed = 0;
  Truncation truncation = Truncation::left;  // the task's
  std::string task = {};                     // its name
  std::string_view definition_hash = {};     // of the task, which whoever asks keeps
  std::string schema = {};                   // that its written answers are held to, if the backend does that
};

// The prompt of a sample as lm-evaluation-harness builds it: the description and the rest joined, or with a
// chat template as a system message (none for an empty description) and one user message; then the beginning
// of the answer, if the task gives one, as an assistant's message that the model continues.
Prompt prompt_of(const PromptText& text, bool chat_template);

// The text of a sample's prompt for one of its asks: where the choices end the prompt, it differs.
PromptText text_of(const Sample& sample, const Ask& ask);

// A sample's prompt for readers: as plain text, with the later turns of a conversation. Where the choices end
// the prompt they follow it, a line each.
std::string shown_prompt(const Sample& sample);

// The text of the turn that follows these answers.
PromptText text_of_turn(const Sample& sample, std::span<const Reply> answers);

// The same conversation without its system message, for templates that refuse one.
Prompt without_system(Prompt prompt);

// The request of one ask; `prompt` is the sample's. With a chat template the delimiter before a continuation
// is dropped, unless the answer has begun (`gen_prefix`) without a space at its end. A rolling text is never
// put into a template. Sampling draws from (seed, document and ask).
Request request_of(const Sample& sample, const Ask& ask, size_t ask_index, Prompt prompt,
                   const Asking& asking);

// Canonical JSON of everything a response depends on; the key is its SHA-256. `rendered` is what the backend
// sends.
std::string response_key_json(const ModelCard& card, const Request& request, const std::string& rendered);

}  // namespace sizeup
