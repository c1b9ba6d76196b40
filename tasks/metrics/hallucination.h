// Does the model state what it cannot know? Closed book (SimpleQA's form) and abstention; the grounded form
// is in metrics/grounded.h.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// Closed book applies to answerable samples without a source text. The answer is
//   correct        if it contains an accepted answer (whole words, SQuAD's normalisation),
//   not attempted  else, if it is empty or a refusal,
//   incorrect      otherwise.
// Detail "verdict".
void score_hallucination(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_attempted(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_verdict(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_accuracy_given_attempted(const ScoredSet& set);  // correct / (correct + incorrect)
double aggregate_f_score(const ScoredSet& set);                   // harmonic mean of that and correct / all

// On unanswerable samples: 1 if the answer is a refusal.
void score_abstention(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
