#include "backends/openai/observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/json/json.h"

namespace sizeup {

void Observations::on_any(const EndpointAnswer& answer) {
  ++answers_;
  without_usage_ += answer.prompt_tokens ? 0 : 1;
  other_fingerprint_ += answer.system_fingerprint != fingerprint_ ? 1 : 0;
}

void Observations::on_answer(const EndpointAnswer& answer, const Generate& asked, const Dialect& dialect,
                             bool chat) {
  on_any(answer);
  without_logprobs_ += dialect.logprobs && !answer.text.empty() && answer.token_logprobs.empty() ? 1 : 0;
  too_long_ += answer.completion_tokens.value_or(0) > asked.max_tokens ? 1 : 0;
  not_streamed_ += dialect.stream && !answer.streamed ? 1 : 0;
  many_stops_ += asked.stop.size() > kMostStops ? 1 : 0;
  const auto sent_end =
      asked.stop.begin() + static_cast<std::ptrdiff_t>(std::min(asked.stop.size(), kMostStops));
  with_stop_ += std::any_of(asked.stop.begin(), sent_end, [&](const std::string& stop) {
    return answer.text.find(stop) != std::string::npos;
  });
  no_json_ +=
      dialect.response_format != ResponseFormat::none && !asked.schema.empty() && !Json::accept(answer.text);
  const auto* messages = std::get_if<std::vector<ChatMessage>>(&asked.prompt);
  continued_ += chat && messages != nullptr && !messages->empty() && messages->back().role == "assistant";
}

void Observations::on_score(const EndpointAnswer& answer) {
  on_any(answer);
  greedy_unknown_ += answer.echo.best_logprobs.empty() ? 1 : 0;
}

std::vector<std::string> Observations::sentences(int most_at_once) const {
  std::vector<std::string> out;
  const auto say = [&](int64_t count, const char* what) {
    if (count > 0) out.push_back(fmt::format("{} of {} answers: {}", count, answers_, what));
  };
  if (answers_ > 0) out.push_back(fmt::format("at most {} requests at once", most_at_once));
  if (overloads_ > 0)
    out.push_back(
        fmt::format("the server asked for less {} times; these requests were repeated", overloads_));
  if (broken_ > 0)
    out.push_back(
        fmt::format("{} attempts failed on the way or within the server, and were repeated", broken_));
  say(without_usage_, "no token counts came (usage)");
  say(without_logprobs_, "log-probabilities were asked for, and none came");
  say(too_long_, "more tokens than max_tokens");
  say(with_stop_, "the text held a stop string, and was cut here");
  say(no_json_, "JSON was asked for (response_format), and the text is none");
  say(not_streamed_, "a stream was asked for, and the answer came in one piece");
  say(many_stops_, "more than four stop strings: the server was told four, and the text was cut here");
  say(continued_,
      "the answer's given beginning went as a last message of the assistant, which not every server "
      "continues");
  say(greedy_unknown_, "the server does not say which token is the most probable one");
  say(other_fingerprint_, "another system fingerprint than when the run began: the model may have changed");
  return out;
}

}  // namespace sizeup
