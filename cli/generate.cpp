// sizeup generate MODEL: text for prompts and conversations.
#include <memory>

#include "backends/registry.h"
#include "cli/engine_options.h"
#include "cli/json_lines.h"
#include "cli/requests.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

struct GenerateCommand {
  std::string model;
  std::string input = "-";
  RunOptions options;
};

Json generate_line(const Json& id, const Response& response, bool with_logprobs) {
  Json line;
  line["id"] = id;
  line["text"] = response.text;
  line["ids"] = response.tokens;
  line["finish_reason"] = response.finish == FinishReason::stop ? "stop" : "length";
  line["prompt_tokens"] = response.prompt_tokens;
  line["completion_tokens"] = response.completion_tokens;
  if (with_logprobs) line["token_logprobs"] = response.token_logprobs;
  line["truncated"] = response.truncated;
  line["ttft_ms"] = response.timing.ttft_ms;
  line["total_ms"] = response.timing.total_ms;
  return line;
}

Outcome generate(const GenerateCommand& command) {
  auto lines = read_lines(command.input);
  if (!lines) return forward_error(lines);
  auto reference = ModelReference::parse(command.model);
  if (!reference) return forward_error(reference);
  auto backend = open_backend(*reference);
  if (!backend) return forward_error(backend);

  OrderedLines output;
  std::vector<Request> requests;
  for (size_t i = 0; i < lines->size(); ++i) {
    InputLine& line = (*lines)[i];
    Result<Request> request = line.object ? generate_request(*line.object) : forward_error(line.object);
    if (!request) {
      output.put_error(i, line.id, request.error());
      continue;
    }
    request->id = i;
    requests.push_back(std::move(*request));
  }
  auto done = run_requests(**backend, std::move(requests), command.options, [&](const Response& response) {
    const InputLine& line = (*lines)[response.id];
    if (response.error) {
      output.put_error(response.id, line.id, *response.error);
    } else {
      const bool with_logprobs = line.object->value("logprobs", Json(false)) == Json(true);
      output.put(response.id, generate_line(line.id, response, with_logprobs));
    }
  });
  if (!done) return forward_error(done);
  return output.status();
}

}  // namespace

std::function<Outcome()> add_generate(CLI::App& app) {
  auto command = std::make_shared<GenerateCommand>();
  app.add_option("model", command->model, "Model reference")->required();
  app.add_option(
      "--input", command->input,
      "JSON lines {\"prompt\"|\"messages\", max_tokens, stop, temperature, top_p, top_k, min_p, seed, "
      "logprobs}; - is standard input");
  add_engine_options(app, command->options);
  return [command] { return generate(*command); };
}

}  // namespace sizeup::cli
