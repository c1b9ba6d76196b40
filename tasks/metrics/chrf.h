// chrF and chrF++ as sacrebleu computes them by default: up to six characters (and two words), beta 2.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// The details "chrf" and "chrf++": for each n-gram order how many the answer has, how many the accepted
// answer that fits best, and how many both share.
void score_chrf(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_chrf_words(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_chrf(const ScoredSet& set);        // 0 to 100
double aggregate_chrf_words(const ScoredSet& set);  // 0 to 100

}  // namespace sizeup
