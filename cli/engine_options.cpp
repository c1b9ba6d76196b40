#include "cli/engine_options.h"

#include <functional>
#include <utility>

namespace sizeup::cli {

void add_engine_options(CLI::App& app, RunOptions& options) {
  app.add_option("--threads", options.threads, "Threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--step-tokens", options.max_batch_rows, "Tokens computed in one step")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--kv-budget", options.kv_budget_bytes, "Memory for keys and values, e.g. 512MB")
      ->transform(CLI::AsSizeValue(false));
  app.add_flag("!--no-share", options.share_prefixes, "Compute common prefixes once for each request");
}

Result<RunCounts> run_requests(Backend& backend, std::vector<Request> requests, const RunOptions& options,
                               const std::function<void(Response)>& on_response) {
  ListSource source(std::move(requests));
  FunctionSink sink(on_response);
  return backend.run(source, sink, options, {});
}

}  // namespace sizeup::cli
