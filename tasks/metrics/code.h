// Generated programs that are run with their tests, in the sandbox.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// 1 - C(n - c, k) / C(n, k): the chance that one of k answers passes, of n of which c passed (the estimate of
// the HumanEval paper; n >= k).
double pass_at_k(int64_t n, int64_t c, int64_t k);
std::string pass_at_k_name(int k);  // "pass@10"

// The program is the answer, a line break and the target. Details "outcome" ("passed", "failed: NameError:
// ...", "timed out"; of several answers the list of them all, as JSON), "passed", "answers" and "sandbox"
// (its level).
void score_pass_at_k(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
