// sizeup score MODEL: log-probabilities of continuations and texts.
#include <cmath>
#include <memory>

#include "cli/engine_options.h"
#include "cli/requests.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

struct ScoreCommand {
  EngineCommand engine;
  bool add_special = true;
};

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json score_line(const InputLine& input, const Response& response) {
  Json line;
  line["id"] = input.id;
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
  const auto request_of = [&command](const Json& line) {
    Result<Request> request = score_request(line);
    if (request) request->add_special = command.add_special;
    return request;
  };
  return answer_lines(command.engine, request_of, score_line);
}

}  // namespace

std::function<Outcome()> add_score(CLI::App& app) {
  auto command = std::make_shared<ScoreCommand>();
  add_engine_options(app, command->engine);
  app.add_option(
      "--input", command->engine.input,
      "JSON lines {\"context\"|\"messages\", \"continuation\"} or {\"text\"}; - is standard input");
  app.add_flag("--add-special,!--no-add-special", command->add_special,
               "Add BOS where the tokenizer's rule says so");
  return [command] { return score(*command); };
}

}  // namespace sizeup::cli
