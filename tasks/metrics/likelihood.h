// Perplexities (lm-evaluation-harness's perplexity, word_perplexity, byte_perplexity, bits_per_byte).
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

void score_perplexity(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_rolling(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

// Mean log-probability of the target's tokens given the source, minus without it: replies to the two asks of
// a task whose metric this is. Nothing for a sample without a source, or where a reply has no tokens.
inline constexpr const char* kSourceGain = "source_gain";
void score_source_gain(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_perplexity(const ScoredSet& set);       // exp(-mean log-probability of a continuation)
double aggregate_word_perplexity(const ScoredSet& set);  // exp(-sum of log-probabilities / sum of words)
double aggregate_byte_perplexity(const ScoredSet& set);
double aggregate_bits_per_byte(const ScoredSet& set);  // -sum of log-probabilities / (bytes ln 2)

}  // namespace sizeup
