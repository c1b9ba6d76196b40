// sizeup serve MODEL: the built-in engine behind an OpenAI-compatible server.
#include "harness/serve/serve.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "backends/engine/engine_backend.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

constexpr const char* kKeyVariable = "SIZEUP_API_KEY";

struct ServeCommand {
  EngineCommand engine;
  ServeSettings settings;
};

// A key that is set to nothing is a mistake somewhere else, and would leave the door open.
Result<std::string> api_key() {
  const char* key = std::getenv(kKeyVariable);
  if (key == nullptr) return std::string();
  if (*key == '\0') return usage_error(fmt::format("{} is empty", kKeyVariable), "set a key, or unset it");
  return std::string(key);
}

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host == "localhost" || host == "::1";
}

// Programs that start the server read where it listens from its first line.
void say_listening(const ServeCommand& command, const ModelCard& card, int port) {
  const std::string& host = command.settings.host;
  const bool six = host.find(':') != std::string::npos;
  const Json line{{"listening", fmt::format("http://{}:{}", six ? "[" + host + "]" : host, port)},
                  {"model", card.name},
                  {"device", card.device},
                  {"context_length", card.context_length}};
  std::cout << to_line(line) << std::endl;
}

Outcome serve(const ServeCommand& command) {
  auto key = api_key();
  if (!key) return forward_error(key);
  // Before any other thread, so that all of them inherit the blocked signals.
  const Interrupt interrupt("Answering what was asked; once more to stop at once.");
  auto model =
      engine_model(command.engine.model, command.engine.cpu_tier, command.engine.offline, "is served");
  if (!model) return forward_error(model);
  auto backend = open_engine(model->reference, model->make_device);
  if (!backend) return forward_error(backend);
  if (key->empty() && !is_loopback(command.settings.host)) {
    fmt::print(stderr, "anybody who reaches {} is answered: {} is not set\n", command.settings.host,
               kKeyVariable);
  }
  ServeSettings settings = command.settings;
  settings.key = std::move(*key);
  settings.engine = command.engine.options;
  const auto served = sizeup::serve(
      **backend, settings, [&](int port) { say_listening(command, (*backend)->card(), port); },
      interrupt.token());
  if (!served) return tl::unexpected<Error>(served.error());
  fmt::print(stderr, "{} tokens asked, {} computed, {} generated\n", served->tokens_asked,
             served->tokens_computed, served->tokens_generated);
  return 0;
}

}  // namespace

std::function<Outcome()> add_serve(CLI::App& app) {
  auto command = std::make_shared<ServeCommand>();
  ServeSettings& settings = command->settings;
  settings.port = 8080;
  add_engine_options(app, command->engine);
  app.add_option("--host", settings.host, "Address to listen on")->capture_default_str();
  app.add_option("--port", settings.port, "Port; 0: any that is free, the first line of output names it")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--max-concurrent", settings.max_concurrent, "Answers computed at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--queue", settings.queue, "Answers that may wait; beyond: status 429")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.footer(fmt::format("Clients need the key in {}, if it is set.", kKeyVariable));
  return [command] { return serve(*command); };
}

}  // namespace sizeup::cli
