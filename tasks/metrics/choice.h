// Which choice the model finds most probable: acc, acc_norm, acc_bytes (lm-evaluation-harness's definitions).
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

enum class ChoiceNorm { none, code_points, bytes };

// The choice with the highest log-probability, divided by the choice's length (without its delimiter) if
// asked; the first one on ties.
size_t best_choice(const Sample& sample, std::span<const Reply> replies, ChoiceNorm norm);

// Softmax over the choices' log-probabilities, at one choice; NaN if all are impossible.
double choice_probability(std::span<const Reply> replies, size_t choice);

const std::string& choice_text(const Sample& sample, size_t choice);

// The squared distance of the choices' probabilities from certainty of the (first) right choice, summed over
// the choices.
void score_brier(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

void score_acc(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_acc_norm(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_acc_bytes(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_mc2(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
