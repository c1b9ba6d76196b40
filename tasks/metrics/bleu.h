// BLEU as sacrebleu computes it by default: tokenised as mteval-v13a, up to four words, "exp" smoothing.
#pragma once

#include <array>

#include "tasks/metrics/metric.h"

namespace sizeup {

// The words that BLEU compares: punctuation apart from words, but not inside numbers.
std::vector<std::string> bleu_words(std::string_view text);

// What a set of samples adds up to.
struct BleuCounts {
  double answer_words = 0.0;
  double expected_words = 0.0;        // of the accepted answer whose length is nearest
  std::array<double, 4> shared = {};  // n-grams of n+1 words that some accepted answer has
  std::array<double, 4> given = {};   // all of the answers
};
double bleu(const BleuCounts& counts);  // 0 to 100

// The detail "bleu": the ten counts of one sample.
void score_bleu(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
double aggregate_bleu(const ScoredSet& set);

}  // namespace sizeup
