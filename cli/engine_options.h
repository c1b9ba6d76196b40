// Options that score and generate share: how the engine computes, never what it answers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "backends/backend.h"

namespace sizeup::cli {

// --threads, --step-tokens, --no-share, --kv-budget; the values land in `options`.
void add_engine_options(CLI::App& app, RunOptions& options);

// Runs all requests (ids are their indices) and hands each response to `on_response`.
Result<RunCounts> run_requests(Backend& backend, std::vector<Request> requests, const RunOptions& options,
                               const std::function<void(Response)>& on_response);

}  // namespace sizeup::cli
