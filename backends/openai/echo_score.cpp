#include "backends/openai/echo_score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

tl::unexpected<Error> no_score(std::string message, std::string hint = {}) {
  return unavailable("", std::move(message), std::move(hint));
}

bool same_sizes(const EchoedTokens& echo) {
  const size_t count = echo.logprobs.size();
  return echo.texts.size() == count && echo.offsets.size() == count &&
         (echo.best_logprobs.empty() || echo.best_logprobs.size() == count);
}

// Code points that the server set before the text: a token for its beginning has a text of its own.
int64_t offset_of_text(const EchoedTokens& echo, size_t count, const std::string& text) {
  return count > 1 && !text.starts_with(echo.texts.front()) ? echo.offsets[1] : 0;
}

}  // namespace

Result<void> fill_score(const EchoedTokens& echo, const EndpointCall& call, bool whole, Response& response) {
  const auto added = static_cast<size_t>(call.added_tokens);
  if (!same_sizes(echo) || echo.logprobs.size() <= added)
    return no_score("the server gave no log-probabilities of the text's tokens");
  const size_t count = echo.logprobs.size() - added;
  const auto offsets_end = echo.offsets.begin() + static_cast<std::ptrdiff_t>(count);
  const int64_t shift = offset_of_text(echo, count, call.scored);
  const auto length = static_cast<int64_t>(count_code_points(call.scored));
  if (!std::is_sorted(echo.offsets.begin(), offsets_end) || echo.offsets.front() != 0 ||
      echo.offsets[count - 1] - shift >= length || (added > 0 && echo.offsets[count] - shift < length))
    return no_score("the server's token offsets do not fit the text",
                    "text_offset counts code points from the text's start");
  const int64_t boundary = shift + static_cast<int64_t>(call.boundary);
  const auto begin = std::lower_bound(echo.offsets.begin(), offsets_end, boundary);
  // The scored part is never empty, so a boundary beyond the last token's start lies within it.
  if (begin == offsets_end || *begin != boundary) {
    return no_score("a token stands across the end of the context",
                    "the server's tokenizer joins the context's end with the continuation: end the context "
                    "elsewhere, or use --protocol generative");
  }
  const auto first = static_cast<size_t>(begin - echo.offsets.begin());
  response.greedy = !echo.best_logprobs.empty();
  for (size_t i = first; i < count; ++i) {
    const float logprob = echo.logprobs[i];
    const bool unconditioned = whole && i == 0 && std::isnan(logprob);
    if (std::isnan(logprob) && !unconditioned)
      return no_score(fmt::format("token {} has no log-probability", i));
    response.token_logprobs.push_back(logprob);
    if (unconditioned) continue;
    response.logprob += static_cast<double>(logprob);
    // Not below what the server names as the most probable one.
    response.greedy = response.greedy && !(logprob < echo.best_logprobs[i]);
  }
  response.prompt_tokens = static_cast<int>(first);
  response.completion_tokens = static_cast<int>(count - first);
  return {};
}

}  // namespace sizeup
