// exact_match of lm-evaluation-harness (Hugging Face evaluate's): equality after the stated normalisations,
// of the answer or of the majority of several; and whether there is an answer at all.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// What both sides look like before they are compared: regexes_to_ignore removed in order, lower case, no
// ASCII punctuation, no ASCII digits, each only if asked for.
std::string exact_match_text(std::string_view text, const MetricParameters& parameters);

void score_exact_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
// Whether the most frequent of the first k answers is right, for each k: answers are told apart as they are
// compared, and on ties the one that came first counts.
void score_maj_at_k(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
// Of the meanings among all repeats, answers that are equal as for exact_match being one meaning; in nats.
// Farquhar et al., Detecting hallucinations in large language models using semantic entropy, Nature 2024: its
// discrete form.
void score_semantic_entropy(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

// C(c, k) / C(n, k) of n answers of which c are right, for each k: the chance that k answers are all right
// (Yao et al. 2024, tau-bench).
void score_pass_hat_k(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

// The share of the replies that hold more than white space.
void score_answered(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
