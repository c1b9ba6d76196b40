// Labels told apart: F1 averages, Matthews correlation, per-class numbers, answers that are no label.
#pragma once

#include <map>

#include "tasks/metrics/metric.h"

namespace sizeup {

// Gold label -> predicted label -> samples. An answer that is no label is predicted as kInvalidLabel: it
// counts against its gold class, and is no class of its own in the F1 averages.
inline constexpr const char* kInvalidLabel = "[invalid]";
using ConfusionMatrix = std::map<std::string, std::map<std::string, int64_t>>;
ConfusionMatrix confusion_matrix(const ScoredSet& set);

struct ClassNumbers {
  double precision = 0.0;  // 0 where nothing was predicted, as scikit-learn's zero_division=0
  double recall = 0.0;
  double f1 = 0.0;
  int64_t support = 0;  // samples with this gold label
};
// The classes that occur as a gold or a predicted label, as scikit-learn takes them.
std::map<std::string, ClassNumbers> class_numbers(const ConfusionMatrix& matrix);

// Details "gold" and "predicted", from which the aggregates below are made.
void score_labels(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_invalid(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_macro_f1(const ScoredSet& set);
double aggregate_micro_f1(const ScoredSet& set);
double aggregate_weighted_f1(const ScoredSet& set);
double aggregate_macro_precision(const ScoredSet& set);
double aggregate_macro_recall(const ScoredSet& set);
double aggregate_mcc(const ScoredSet& set);

}  // namespace sizeup
