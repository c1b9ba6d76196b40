#include "cli/engine_options.h"

#include <fmt/format.h>

#include <utility>

#include "backends/cpu/tier.h"
#include "backends/registry.h"
#include "cli/model_files.h"

namespace sizeup::cli {

void add_engine_options(CLI::App& app, EngineCommand& command) {
  RunOptions& options = command.options;
  app.add_option("model", command.model, "Model reference")->required();
  app.add_option("--threads", options.threads, "Threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--step-tokens", options.max_batch_rows, "Tokens computed in one step")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--kv-budget", options.kv_budget_bytes, "Memory for keys and values, e.g. 512MB")
      ->transform(CLI::AsSizeValue(false));
  app.add_flag("!--no-share", options.share_prefixes, "Compute common prefixes once for each request");
  app.add_flag("!--no-draft", options.draft, "Guess no tokens of greedy answers ahead");
  add_cpu_tier(app, command.cpu_tier);
  add_offline(app, command.offline);
}

void add_cpu_tier(CLI::App& app, std::string& cpu_tier) {
  app.add_option("--cpu-tier", cpu_tier,
                 "Instruction sets of the CPU device (default: the best; see: sizeup doctor)")
      ->check([](const std::string& name) {
        const auto tier = parse_cpu_tier(name);
        return tier ? std::string() : fmt::format("{}; {}", tier.error().message, tier.error().hint);
      });
}

Result<std::string> with_cpu_tier(const std::string& model, const std::string& cpu_tier) {
  auto reference = ModelReference::parse(model);
  if (!reference) return forward_error(reference);
  const auto& options = reference->options;
  const auto device = options.find("device");
  const bool in_engine =
      reference->scheme != "openai" && reference->scheme != "answers" && reference->scheme != "router";
  const bool on_cpu = in_engine && (device == options.end() || device->second == "cpu");
  if (cpu_tier.empty() || !on_cpu || options.contains("cpu_tier")) return model;
  return reference->text_with("cpu_tier", cpu_tier);
}

Result<EngineModel> engine_model(const std::string& model, const std::string& cpu_tier, bool offline,
                                 std::string_view why_engine) {
  auto with_tier = with_cpu_tier(model, cpu_tier);
  if (!with_tier) return forward_error(with_tier);
  auto reference = local_reference(*with_tier, HubNeed::model, offline);
  if (!reference) return forward_error(reference);
  auto backend = find_backend(*reference);
  if (!backend) return forward_error(backend);
  if ((*backend)->make_device == nullptr) {
    return usage_error(fmt::format("model '{}': only the built-in engine {}", model, why_engine));
  }
  return EngineModel{std::move(*reference), (*backend)->make_device, (*backend)->measure_limits};
}

Outcome answer_lines(const EngineCommand& command,
                     const std::function<Result<Request>(const Json& line)>& request_of,
                     const std::function<Json(const InputLine& line, const Response& response)>& line_of) {
  auto lines = read_lines(command.input);
  if (!lines) return forward_error(lines);
  auto model = with_cpu_tier(command.model, command.cpu_tier);
  if (!model) return forward_error(model);
  auto reference = local_reference(*model, HubNeed::model, command.offline);
  if (!reference) return forward_error(reference);
  auto backend = open_backend(*reference);
  if (!backend) return forward_error(backend);

  OrderedLines output;
  std::vector<Request> requests;
  for (size_t i = 0; i < lines->size(); ++i) {
    InputLine& line = (*lines)[i];
    Result<Request> request = line.object ? request_of(*line.object) : forward_error(line.object);
    if (!request) {
      output.put_error(i, line.id, request.error());
      continue;
    }
    request->id = i;
    requests.push_back(std::move(*request));
  }
  ListSource source(std::move(requests));
  FunctionSink sink([&](const Response& response) {
    const InputLine& line = (*lines)[response.id];
    if (response.error) {
      output.put_error(response.id, line.id, *response.error);
    } else {
      output.put(response.id, line_of(line, response));
    }
  });
  auto done = (*backend)->run(source, sink, command.options, {});
  if (!done) return forward_error(done);
  return output.status();
}

}  // namespace sizeup::cli
