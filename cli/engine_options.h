// What score and generate share: options of how the engine computes, and answering JSON lines with a model.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "cli/command.h"
#include "cli/json_lines.h"

namespace sizeup::cli {

struct EngineCommand {
  std::string model;
  std::string input = "-";
  RunOptions options;
};

// The model, --threads, --step-tokens, --no-share, --kv-budget: never what is answered, only how fast.
void add_engine_options(CLI::App& app, EngineCommand& command);

// Opens the model, asks it what `request_of` makes of each input line and prints what `line_of` makes of each
// response, in the order of the input. Bad lines and failed requests become {"id", "error"} lines, status 1.
Outcome answer_lines(const EngineCommand& command,
                     const std::function<Result<Request>(const Json& line)>& request_of,
                     const std::function<Json(const InputLine& line, const Response& response)>& line_of);

}  // namespace sizeup::cli
