// A policy applied to a candidate's evidence: one line a rule and task, each pass, fail or not enough data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "harness/decide/evidence.h"
#include "harness/decide/policy.h"

namespace sizeup {

enum class GateOutcome { pass, fail, not_enough_data };

std::string_view outcome_name(GateOutcome outcome);  // "pass", "fail", "not enough data"

// How often the samples are looked at while they come in.
enum class Looking {
  once,     // all of them, at the end
  anytime,  // as often as one likes, until it is certain: wider intervals (betting.h), in the order asked
};

struct GateLine {
  std::string task;   // "all tasks"
  std::string slice;  // "language = de", or empty
  std::string rule;   // "not worse by more than 2 points"
  std::string place;  // of the rule: "policy.yaml:12"
  GateOutcome outcome = GateOutcome::not_enough_data;
  std::string finding;  // the numbers behind the outcome, or why there are none
  Estimate measured;    // what was held against the bound; differences are candidate minus baseline
  double bound = kNoNumber;
  std::optional<int64_t> more;  // with not_enough_data: about how many more samples or requests would decide
  bool may_stop = false;  // its interval holds however often one looked: a certain answer ends the asking
};

struct GateResult {
  GateOutcome outcome = GateOutcome::not_enough_data;  // fail if any line fails, pass if all pass
  std::vector<GateLine> lines;                         // in the order of the policy
  std::vector<std::string> notes;
};

// A bound on something with an interval: pass only if the whole 95 % interval keeps it (one-sided 0.025),
// fail if none of it does. Without an interval: not enough data, unless `by_estimate`.
GateOutcome held_against(const Estimate& measured, double bound, bool is_minimum, bool by_estimate);

// `baseline` may be null where no rule compares with it. Errors: usage where one is needed; bad_input for a
// task, slice or metric that the candidate has not (what there is is listed), and for two sides that were
// asked different things.
//
// Looking::anytime takes the samples in the order in which they stand in the evidence.
Result<GateResult> apply_policy(const Policy& policy, const Evidence& candidate, const Evidence* baseline,
                                Looking looking = Looking::once);

// "pass: all 5 rules hold", "fail: 2 of 5 rules do not hold", "not enough data: 1 of 5 rules is open".
std::string wording(const GateResult& result);

}  // namespace sizeup
