// What score and generate share: options of how the engine computes, and answering JSON lines with a model.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/engine/device.h"
#include "backends/engine/machine_limits.h"
#include "backends/model_reference.h"
#include "cli/command.h"
#include "cli/json_lines.h"

namespace sizeup::cli {

struct EngineCommand {
  std::string model;
  std::string input = "-";
  std::string cpu_tier;  // empty: the best one
  bool offline = false;
  RunOptions options;
};

// The model, --threads, --step-tokens, --no-share, --no-draft, --kv-budget: never what is answered, only how
// fast. And --cpu-tier, --offline.
void add_engine_options(CLI::App& app, EngineCommand& command);

// --cpu-tier T, for every command that computes.
void add_cpu_tier(CLI::App& app, std::string& cpu_tier);

// The model reference as --cpu-tier has it: with the tier as an option, unless it has a tier, a device other
// than the CPU, or no device at all because it is an endpoint.
Result<std::string> with_cpu_tier(const std::string& model, const std::string& cpu_tier);

// A model of the built-in engine before its weights are read: for commands that drive the decoder themselves.
struct EngineModel {
  ModelReference reference;  // its files are on this machine
  DeviceFactory make_device = nullptr;
  MeasureLimits measure_limits = nullptr;
};

// As --cpu-tier and --offline have it; a usage error if another backend answers for it: "only the built-in
// engine `why_engine`".
Result<EngineModel> engine_model(const std::string& model, const std::string& cpu_tier, bool offline,
                                 std::string_view why_engine);

// Opens the model, asks it what `request_of` makes of each input line and prints what `line_of` makes of each
// response, in the order of the input. Bad lines and failed requests become {"id", "error"} lines, status 1.
Outcome answer_lines(const EngineCommand& command,
                     const std::function<Result<Request>(const Json& line)>& request_of,
                     const std::function<Json(const InputLine& line, const Response& response)>& line_of);

}  // namespace sizeup::cli
