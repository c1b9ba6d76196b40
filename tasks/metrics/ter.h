// Translation edit rate as sacrebleu computes it by default: words in lower case, shifts chosen as Tercom
// does.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// Words to insert, delete, replace or move (a run of words at once) until the answer is the expected text:
// what Tercom's greedy search finds. Words after the four thousandth of either text count as an edit each: an
// upper bound.
int64_t translation_edits(std::string_view expected, std::string_view answer);

// The details "ter_edits" (to the nearest accepted answer) and "ter_words" (of the accepted answers,
// averaged).
void score_ter(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
double aggregate_ter(const ScoredSet& set);  // edits for every 100 expected words

}  // namespace sizeup
