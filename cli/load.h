// sizeup bench --scenario: a model under stated load, built in or behind an endpoint.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "harness/load/limits.h"

namespace sizeup::cli {

struct LoadCommand {
  std::vector<std::string> scenarios;
  bool sweep = false;
  std::string input;    // JSON lines as generate reads them; empty: synthetic prompts
  int requests = 0;     // to measure; 0: all of the input, or kRequests
  int warm_up = 4;      // requests before them
  int answer = 64;      // tokens of an answer to a synthetic prompt, at most
  bool exact = false;   // or exactly: nothing ends it before
  std::string lengths;  // of synthetic prompts, a distribution; empty: all alike
  uint64_t seed = 1234;
  LatencyLimits limits;
  double percent = 95.0;  // of the requests of a sweep are within them
  double burstiness = 1.0;
  double precision = 0.05;

  bool wanted() const { return sweep || !scenarios.empty(); }
};

// --limit-ttft, --limit-tpot, --limit-total, in milliseconds.
void add_latency_limits(CLI::App& app, LatencyLimits& limits);

void add_load_options(CLI::App& app, LoadCommand& command);

// `prompt`: tokens of a synthetic prompt, 0: as the command chooses.
Outcome bench_load(const LoadCommand& command, const std::string& model, int prompt, int threads,
                   bool offline, bool json);

}  // namespace sizeup::cli
