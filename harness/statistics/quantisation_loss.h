// What a quantised model loses against its base: both next-token distributions at the same positions of a
// text, as llama.cpp's perplexity program compares them (--kl-divergence).
#pragma once

#include <cstdint>
#include <span>

#include "harness/statistics/interval.h"

namespace sizeup {

// At one position of the text. NaN where a distribution has one.
struct PositionLoss {
  double divergence =
      0.0;                // Kullback-Leibler, sum of p (ln p - ln q), in nats; infinite where q lacks a token
  bool same_top = false;  // the most probable token is the same; of equal ones the lowest counts
  double base_logprob = 0.0;  // of the token that follows in the text
  double variant_logprob = 0.0;
};

// `base` and `variant`: natural log-probabilities of the whole vocabulary, p and q above; they need not sum
// to one exactly, as those in float32 don't. `next`: the token that follows.
PositionLoss position_loss(std::span<const float> base, std::span<const float> variant, size_t next);

// A mean over positions. Positions of one text depend on each other: the second interval takes each window of
// the text as one cluster.
struct LossEstimate {
  Estimate estimate;                  // positions taken as independent
  double standard_error = kNoNumber;  // of that
  Interval by_window;                 // NaN with fewer than two windows
};

struct QuantisationLoss {
  int64_t positions = 0;
  int64_t windows = 0;
  LossEstimate divergence;
  double divergence_median = kNoNumber;
  double divergence_p90 = kNoNumber;
  double divergence_p95 = kNoNumber;
  double divergence_p99 = kNoNumber;
  double divergence_maximum = kNoNumber;
  LossEstimate same_top;     // share of positions, Wilson's interval
  Estimate base_perplexity;  // exp(-mean log-probability), with the ends of the mean's t interval
  Estimate variant_perplexity;
  LossEstimate log_ratio;  // ln(variant's perplexity / base's), paired by position
  LossEstimate absolute;   // |difference| of the log-probabilities of the text's tokens
  double absolute_maximum = kNoNumber;
};

// windows[i] is the window that positions[i] lies in. Standard errors are scoring.md's: sqrt(var / (n - 1)),
// sqrt(s (1 - s) / (n - 1)) for the share, and the paired one for the ratio.
QuantisationLoss quantisation_loss(std::span<const PositionLoss> positions, std::span<const int64_t> windows);

}  // namespace sizeup
