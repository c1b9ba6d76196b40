// How an endpoint is reached and asked: the options of `openai:MODEL?...`, see docs/endpoints.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/model_reference.h"
#include "core/errors/result.h"

namespace sizeup {

enum class Api {
  automatic,    // conversations by chat completions, plain texts by completions where the server has them
  chat,         // chat completions alone; a plain text is a message of the user
  completions,  // completions alone: there are no conversations
};

// What a task's JSON Schema is sent as, with requests for answers that have one.
enum class ResponseFormat { none, json_object, json_schema, strict_json_schema };

// The option's value.
const char* name_of(ResponseFormat format);

struct SecretHeader {
  std::string prefix;  // "Authorization: Bearer "
  std::string value;   // never shown or stored
};

struct EndpointOptions {
  std::string name;                    // of the model in this run, for messages
  std::string model;                   // as the server calls it
  std::vector<std::string> base_urls;  // without a slash at their ends
  Api api = Api::automatic;
  bool stream = true;
  bool logprobs = false;  // ask for the log-probabilities of written answers
  ResponseFormat response_format = ResponseFormat::none;
  int concurrency = 0;              // requests at once; 0: found while asking
  int64_t requests_per_minute = 0;  // 0: no limit
  int64_t tokens_per_minute = 0;    // of prompts and answers; 0: no limit
  // Of one attempt. What is exceeded at the total limit is not asked again.
  std::chrono::milliseconds connect_limit{15'000};
  std::chrono::milliseconds first_token_limit{120'000};  // long prompts on busy servers take this long
  std::chrono::milliseconds total_limit{600'000};        // as the vendor's own clients have it
  int attempts = 8;                                      // with the pauses between them about a minute
  std::chrono::milliseconds first_pause{500};            // doubled for each further one
  std::string ca_file;                                   // instead of the machine's certificates
  int context_length = 0;                                // tokens; 0: as the server says, else unknown
  std::string key_variable = "OPENAI_API_KEY";
  bool has_key = false;
  std::vector<SecretHeader> secrets;
  std::vector<std::string> notes;  // for the card
};

// Reads keys and secret header values from the environment. Errors never show an option's value where it may
// be a secret.
Result<EndpointOptions> endpoint_options(const ModelReference& reference);

// The text with every secret of the options replaced by "[secret]": servers quote keys in their errors.
std::string without_secrets(std::string text, const EndpointOptions& options);

// What a message may show of a server's text: one line, valid, of bounded length, without secrets.
std::string excerpt(const std::string& text, const EndpointOptions& options);

}  // namespace sizeup
