// sizeup score MODEL: log-probabilities of continuations and texts.
#include <cmath>
#include <memory>

#include "backends/registry.h"
#include "cli/engine_options.h"
#include "cli/json_lines.h"
#include "cli/requests.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

struct ScoreCommand {
  std::string model;
  std::string input = "-";
  bool add_special = true;
  RunOptions options;
};

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json score_line(const Json& id, const Response& response) {
  Json line;
  line["id"] = id;
  line["logprob"] = number_or_null(response.logprob);
  if (std::isinf(response.logprob)) line["impossible"] = true;
  line["greedy"] = response.greedy;
  line["tokens"] = response.tokens;
  line["token_logprobs"] = Json::array();
  for (const float logprob : response.token_logprobs)
    line["token_logprobs"].push_back(number_or_null(logprob));
  line["truncated"] = response.truncated;
  return line;
}

Outcome score(const ScoreCommand& command) {
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
    Result<Request> request = line.object ? score_request(*line.object) : forward_error(line.object);
    if (!request) {
      output.put_error(i, line.id, request.error());
      continue;
    }
    request->id = i;
    request->add_special = command.add_special;
    requests.push_back(std::move(*request));
  }
  auto done = run_requests(**backend, std::move(requests), command.options, [&](const Response& response) {
    const Json& id = (*lines)[response.id].id;
    if (response.error) {
      output.put_error(response.id, id, *response.error);
    } else {
      output.put(response.id, score_line(id, response));
    }
  });
  if (!done) return forward_error(done);
  return output.status();
}

}  // namespace

std::function<Outcome()> add_score(CLI::App& app) {
  auto command = std::make_shared<ScoreCommand>();
  app.add_option("model", command->model, "Model reference")->required();
  app.add_option(
      "--input", command->input,
      "JSON lines {\"context\"|\"messages\", \"continuation\"} or {\"text\"}; - is standard input");
  app.add_flag("--add-special,!--no-add-special", command->add_special,
               "Add BOS where the tokenizer's rule says so");
  add_engine_options(app, command->options);
  return [command] { return score(*command); };
}

}  // namespace sizeup::cli
