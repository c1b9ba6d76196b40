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

// The label that an answer names, whatever its case and white space; kInvalidLabel if it names none. For
// multiple_choice the chosen choice.
std::string predicted_label(const ScoreInput& input);

// Details "gold" and "predicted", from which the aggregates below are made.
void score_labels(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_invalid(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

// What a wrong answer costs: cost_of_miss of the right label. Labels without one cost nothing.
void score_cost_of_miss(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_macro_f1(const ScoredSet& set);
double aggregate_micro_f1(const ScoredSet& set);
double aggregate_weighted_f1(const ScoredSet& set);
double aggregate_macro_precision(const ScoredSet& set);
double aggregate_macro_recall(const ScoredSet& set);
double aggregate_mcc(const ScoredSet& set);

// Of the class set.label(). NaN where a set has no sample that the number is about: no gold label of the
// class (recall, false negatives), neither a gold nor a predicted one (precision, F1). Precision is 0 where
// the class occurs but is never predicted, as scikit-learn's zero_division=0.
// Counts behind recall, misses and precision of the set's class.
ShareCount share_found(const ScoredSet& set);
ShareCount share_missed(const ScoredSet& set);
ShareCount share_rightly_named(const ScoredSet& set);
double aggregate_class_precision(const ScoredSet& set);
double aggregate_class_recall(const ScoredSet& set);
double aggregate_class_f1(const ScoredSet& set);
double aggregate_false_negative_rate(const ScoredSet& set);

}  // namespace sizeup
