// ROUGE as the rouge_score package computes it by default (no stemming): F-measures of the accepted answer
// that fits best.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// Runs of ASCII letters and digits of the text in lower case. Others are no words for ROUGE: a text in
// another script has none, and scores 0.
std::vector<std::string> rouge_words(std::string_view text);

double rouge_n(std::string_view expected, std::string_view answer, size_t n);
// By the longest common subsequence of words. Words after the ten thousandth are not compared: the work is
// the product of both lengths.
double rouge_l(std::string_view expected, std::string_view answer);
// The same sentence by sentence; sentences are lines.
double rouge_l_sum(std::string_view expected, std::string_view answer);

void score_rouge1(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_rouge2(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_rouge_l(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_rouge_l_sum(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
