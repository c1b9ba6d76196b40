// sizeup generate MODEL: text for prompts and conversations.
#include <memory>

#include "cli/engine_options.h"
#include "cli/requests.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

Json generate_line(const InputLine& input, const Response& response) {
  Json line;
  line["id"] = input.id;
  line["text"] = response.text;
  line["ids"] = response.tokens;
  line["finish_reason"] = response.finish == FinishReason::stop ? "stop" : "length";
  line["prompt_tokens"] = response.prompt_tokens;
  line["completion_tokens"] = response.completion_tokens;
  if (input.object->value("logprobs", Json(false)) == Json(true)) {
    line["token_logprobs"] = response.token_logprobs;
  }
  line["truncated"] = response.truncated;
  line["ttft_ms"] = response.timing.ttft_ms;
  line["total_ms"] = response.timing.total_ms;
  return line;
}

}  // namespace

std::function<Outcome()> add_generate(CLI::App& app) {
  auto command = std::make_shared<EngineCommand>();
  add_engine_options(app, *command);
  app.add_option(
      "--input", command->input,
      "JSON lines {\"prompt\"|\"messages\", max_tokens, stop, temperature, top_p, top_k, min_p, seed, "
      "logprobs}; - is standard input");
  return [command] { return answer_lines(*command, generate_request, generate_line); };
}

}  // namespace sizeup::cli
