// Replies in OpenAI's form: whole ones, and the events of a stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "core/json/json_fwd.h"
#include "harness/serve/api_request.h"

namespace sizeup {

// What all replies of a server say of its model.
struct ServedModel {
  std::string name;
  std::string fingerprint;  // system_fingerprint: answers with the same one have the same bits
  int context_length = 0;
  int64_t created = 0;  // seconds since 1970
  const Tokenizer* tokenizer = nullptr;
};

// The card's name and what its bits depend on.
ServedModel served_model(const Backend& backend, int64_t created);

// The reply to one body.
class ApiReply {
 public:
  // `id`: "cmpl-..." without the part before the dash. The model and the request must outlive the reply.
  ApiReply(const ServedModel& model, const ApiRequest& request, const std::string& id, int64_t created);

  // Responses in the order of prompts, each with its choices.
  std::string whole(std::span<const Response> responses) const;

  // Events of a stream, each "data: ...\n\n".
  std::string begin(size_t choice) const;  // empty for completions
  std::string text(size_t choice, const std::string& text) const;
  // The reason, and the log-probabilities of all of the answer's tokens where they were asked for.
  std::string end(size_t choice, const Response& response) const;
  std::string usage(std::span<const Response> responses) const;  // empty unless asked for
  static std::string done() { return "data: [DONE]\n\n"; }

 private:
  Json frame(bool chunk) const;
  Json choice(size_t index, const Response& response) const;
  Json logprobs(const Response& response) const;
  Json completion_logprobs(const Response& response) const;
  Json chat_logprobs(const Response& response) const;
  Json usage_of(std::span<const Response> responses) const;
  std::string event(size_t choice, Json what, const Response* finished) const;
  std::string prompt_text(size_t index) const;
  bool chat() const { return request_.kind == ApiKind::chat; }

  const ServedModel& model_;
  const ApiRequest& request_;
  std::string id_;
  int64_t created_;
};

// {"object": "list", "data": [...]}
std::string models_body(const ServedModel& model);
// One of them.
std::string model_body(const ServedModel& model);

}  // namespace sizeup
