// What a client asks: the body of a completions or chat request in OpenAI's form, read and checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/request.h"
#include "harness/serve/api_error.h"

namespace sizeup {

enum class ApiKind { completions, chat };

struct ApiRequest {
  ApiKind kind = ApiKind::completions;
  std::vector<Prompt> prompts;  // one for chat
  // What is asked of each prompt, which is left out of it. The stop strings, sampling, most tokens.
  Generate ask;
  Truncate truncate = Truncate::error;  // `answer` where no number of tokens was given
  bool seeded = false;                  // otherwise the server chooses ask.sampling.seed
  int choices = 1;                      // for each prompt
  bool echo = false;                    // the choice's text begins with the prompt
  std::optional<int> logprobs;          // shown with so many alternatives; none: not shown
  bool stream = false;
  bool include_usage = false;  // a stream ends with the number of tokens
};

// `model`: the name of the one that is served, which the body must give if it names any. Fields that would
// change the answer and are not known here are refused by name; those that change nothing are ignored.
ApiResult<ApiRequest> parse_api_request(ApiKind kind, std::string_view body, std::string_view model);

}  // namespace sizeup
