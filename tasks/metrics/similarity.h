// How near a written answer is to an accepted one, where equality would be too strict: of several accepted
// answers the nearest counts.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// SQuAD's F1 of the words that two normalised texts share (lower case, no punctuation, no articles); where
// one of them has no words, 1 if neither has.
double token_f1(std::string_view expected, std::string_view answer);

// Levenshtein's distance in characters (code points) or words (by white space). Where both texts are so long
// that their product exceeds a hundred million, what follows the first 10,000 units counts as different:
// an upper bound.
struct EditDistance {
  int64_t edits = 0;
  int64_t longest = 0;  // units of the longer text

  double similarity() const;  // 1 - edits / longest; 1 for two empty texts
};
EditDistance edit_distance(std::string_view expected, std::string_view answer, TextUnit unit);

void score_token_f1(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
// Equality after SQuAD's and HELM's normalisation.
void score_quasi_exact_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
// The stripped answer begins with a stripped accepted one.
void score_prefix_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_prefix_quasi_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_edit_distance(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_edit_similarity(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
// The number that the answer is, or else the last one in it, is within the tolerance of the expected number:
// off by at most `tolerance`, or by the share `relative_tolerance` of it. No score without an expected
// number.
void score_numeric_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
