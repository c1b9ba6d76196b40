// By what a request goes on to the large model: from the answers to samples that both models saw, a score for
// each, and how to give fresh requests theirs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/router/route_policy.h"
#include "core/errors/result.h"

namespace sizeup {

// What orders requests. All are scores of RouteScorer's form, the higher the better small's answer.
struct RouteSignal {
  enum class Kind {
    confidence,  // as small states it
    length,      // of the prompt in tokens: long ones go on first
    slice,       // small's mean score on samples with the same value of `field`
    learned,     // the chance that small is right, by logistic regression on all that is known
    verifier,    // none: only what a check rejects goes on
  };

  Kind kind = Kind::confidence;
  std::string field = {};  // of slice

  std::string name() const;
};

// "confidence", "length", "slice:FIELD", "learned" or "verifier"; usage error for others.
Result<RouteSignal> parse_route_signal(const std::string& text);

struct RouteSample {
  RouteFacts facts;
  double small = 0.0;    // its score, 0..1
  int64_t document = 0;  // samples of one document are in one fold
};

struct RouteScores {
  std::vector<double> cross_fitted;  // of each sample, by a scorer that saw none of its fold; NaN: unknown
  RouteScorer scorer;                // fitted on all of them
};

// A slice value's mean counts as if this many more samples with the overall mean had been seen.
inline constexpr double kSlicePrior = 10.0;
// Values of slices and tasks with fewer samples are no features of a learned score.
inline constexpr int64_t kFewestOfFeature = 30;

// Usage error where no sample has what the signal needs. `seed` and `folds` as for the frontier.
Result<RouteScores> score_samples(std::span<const RouteSample> samples, const RouteSignal& signal,
                                  uint64_t seed = 1, int folds = 10);

}  // namespace sizeup
