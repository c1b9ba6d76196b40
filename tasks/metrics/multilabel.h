// Documents that have none, one or several of the task's labels.
#pragma once

#include <set>

#include "tasks/metrics/metric.h"

namespace sizeup {

struct LabelSet {
  std::set<std::string> labels;  // in the task's spelling
  bool has_unknown = false;      // something that is no label of the task was named
};

// The labels that a text names, whatever their case: a JSON list or string, or names with commas, semicolons,
// bars or new lines between them, with or without bullets. A label may hold such a sign itself. Empty texts,
// "[]" and "none" (where that is no label) name nothing.
LabelSet read_label_set(std::string_view text, const std::vector<std::string>& labels);

// Each writes the details gold_labels and predicted_labels (one name a line; what is no label is
// kInvalidLabel), and the means of samples their score. Two empty sets agree: their F1 and Jaccard index
// are 1.
void score_label_sets(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_multilabel_exact(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_multilabel_f1(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_multilabel_jaccard(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_multilabel_hamming(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_multilabel_micro_f1(const ScoredSet& set);
// Over the labels that occur in the set, as gold or predicted.
double aggregate_multilabel_macro_f1(const ScoredSet& set);

}  // namespace sizeup
