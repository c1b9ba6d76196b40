// A gate that asks the candidate only as many of the baseline's samples as an answer takes.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/decide/gate.h"
#include "harness/run/run.h"

namespace sizeup {

struct SequentialUse {
  std::string task;
  int64_t asked = 0;
  int64_t all = 0;  // that the baseline answered
};

struct SequentialGate {
  GateResult result;
  std::string candidate;  // "run:model" of the last look
  std::vector<SequentialUse> uses;
};

// Runs `settings` (those of the baseline's run, with the candidate as its one model) on growing parts of the
// baseline's samples, in a random order that the documents themselves fix, and looks after each part with
// intervals that hold however often one looks (Looking::anytime). Ends as soon as one check fails, all hold,
// or every sample is asked; what then is undecided stays so. Each look is a run in the store; what was asked
// before comes from there. A task with a check that needs all of its samples (a metric that is no mean of
// them, as macro F1; an estimate without its interval) is asked in full.
//
// Errors: as execute() and apply_policy(); bad_input for a baseline from a file, which does not say what to
// ask.
Result<SequentialGate> run_sequential_gate(const Policy& policy, const Evidence& baseline,
                                           RunSettings settings, const RunEnvironment& environment,
                                           ProgressSink& progress, const std::stop_token& stop);

}  // namespace sizeup
