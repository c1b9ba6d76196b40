// Any bytes as the body of a completions or chat request: what is understood lies within the stated limits,
// and what is not has a reply.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "harness/serve/api_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {sizeup::ApiKind::completions, sizeup::ApiKind::chat}) {
    const auto request = sizeup::parse_api_request(kind, body, "tiny");
    if (!request) {
      if (request.error().status < 400 || sizeup::api_error_body(request.error()).empty()) __builtin_trap();
      continue;
    }
    const sizeup::Generate& ask = request->ask;
    const bool within = !request->prompts.empty() && request->choices >= 1 && request->choices <= 128 &&
                        ask.max_tokens >= 0 && ask.top_logprobs >= 0 && ask.top_logprobs <= 20 &&
                        std::isfinite(ask.sampling.temperature) && ask.sampling.top_k >= 0;
    if (!within) __builtin_trap();
    for (const std::string& stop : ask.stop) {
      if (stop.empty()) __builtin_trap();
    }
  }
  return 0;
}
