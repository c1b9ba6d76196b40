#include "tasks/metrics/classification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tasks/metrics/choice.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double mean_over_classes(const ScoredSet& set, double ClassNumbers::*number) {
  const auto classes = class_numbers(confusion_matrix(set));
  if (classes.empty()) return kNaN;
  double total = 0.0;
  for (const auto& [label, numbers] : classes) total += numbers.*number;
  return total / static_cast<double>(classes.size());
}

double ratio(double part, double whole) {
  return whole == 0.0 ? 0.0 : part / whole;
}

// A number of the set's class; NaN if the class is no gold label of the set and `of_gold`, or does not occur.
double of_class(const ScoredSet& set, double ClassNumbers::*number, bool of_gold) {
  const auto classes = class_numbers(confusion_matrix(set));
  const auto found = classes.find(std::string(set.label()));
  if (found == classes.end() || (of_gold && found->second.support == 0)) return kNaN;
  return found->second.*number;
}

enum class Side { gold, predicted };

// Of the samples whose label on this side is the set's class, those where both sides agree.
ShareCount share_of_class(const ScoredSet& set, Side side) {
  ShareCount share;
  const std::string label(set.label());
  for (const auto& [gold, row] : confusion_matrix(set)) {
    for (const auto& [predicted, count] : row) {
      if ((side == Side::gold ? gold : predicted) != label) continue;
      share.of += count;
      if (gold == predicted) share.hits += count;
    }
  }
  return share;
}

}  // namespace

std::string predicted_label(const ScoreInput& input) {
  if (input.facts.output_type == OutputType::multiple_choice) {
    return choice_text(input.sample, best_choice(input.sample, input.replies, ChoiceNorm::none));
  }
  const std::string folded = fold_text(input.answer);
  for (const std::string& label : input.facts.labels) {
    if (fold_text(label) == folded) return label;
  }
  return kInvalidLabel;
}

ConfusionMatrix confusion_matrix(const ScoredSet& set) {
  ConfusionMatrix matrix;
  for (size_t row = 0; row < set.rows(); ++row) {
    const std::optional<std::string>& gold = set.detail(row, "gold");
    const std::optional<std::string>& predicted = set.detail(row, "predicted");
    if (gold && predicted && set.count(row) > 0) matrix[*gold][*predicted] += set.count(row);
  }
  return matrix;
}

std::map<std::string, ClassNumbers> class_numbers(const ConfusionMatrix& matrix) {
  std::map<std::string, int64_t> predicted;
  std::map<std::string, int64_t> right;
  std::map<std::string, ClassNumbers> classes;
  for (const auto& [gold, row] : matrix) {
    for (const auto& [label, count] : row) {
      classes[gold].support += count;
      predicted[label] += count;
      if (label == gold) right[label] += count;
      if (label != kInvalidLabel) classes.try_emplace(label);
    }
  }
  for (auto& [label, numbers] : classes) {
    const auto hits = static_cast<double>(right[label]);
    numbers.precision = ratio(hits, static_cast<double>(predicted[label]));
    numbers.recall = ratio(hits, static_cast<double>(numbers.support));
    numbers.f1 = ratio(2.0 * hits, static_cast<double>(predicted[label] + numbers.support));
  }
  return classes;
}

void score_labels(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const std::string predicted = predicted_label(input);
  if (predicted == kInvalidLabel) out.mark_invalid();
  if (input.sample.accepted.empty()) return;  // a document without a right label says nothing
  out.detail("predicted", predicted);
  out.detail("gold", input.sample.accepted.at(0));
}

void score_invalid(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  score_labels(input, parameters, out);
  out.score("invalid_rate", predicted_label(input) == kInvalidLabel ? 1.0 : 0.0);
}

void score_cost_of_miss(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  score_labels(input, parameters, out);
  if (input.sample.accepted.empty()) return;
  const std::string& gold = input.sample.accepted.at(0);
  const auto cost = input.facts.miss_costs.find(gold);
  const bool missed = predicted_label(input) != gold;
  out.score("cost_of_miss", missed && cost != input.facts.miss_costs.end() ? cost->second : 0.0);
}

double aggregate_macro_f1(const ScoredSet& set) {
  return mean_over_classes(set, &ClassNumbers::f1);
}
double aggregate_macro_precision(const ScoredSet& set) {
  return mean_over_classes(set, &ClassNumbers::precision);
}
double aggregate_macro_recall(const ScoredSet& set) {
  return mean_over_classes(set, &ClassNumbers::recall);
}

double aggregate_weighted_f1(const ScoredSet& set) {
  double total = 0.0;
  double support = 0.0;
  for (const auto& [label, numbers] : class_numbers(confusion_matrix(set))) {
    total += numbers.f1 * static_cast<double>(numbers.support);
    support += static_cast<double>(numbers.support);
  }
  return support == 0.0 ? kNaN : total / support;
}

// Over all valid predictions and all samples: 2 right / (valid predictions + samples).
double aggregate_micro_f1(const ScoredSet& set) {
  double right = 0.0;
  double valid = 0.0;
  double samples = 0.0;
  for (const auto& [gold, row] : confusion_matrix(set)) {
    for (const auto& [label, count] : row) {
      samples += static_cast<double>(count);
      if (label != kInvalidLabel) valid += static_cast<double>(count);
      if (label == gold) right += static_cast<double>(count);
    }
  }
  return samples == 0.0 ? kNaN : 2.0 * right / (valid + samples);
}

// The multi-class form (Gorodkin 2004), as scikit-learn's matthews_corrcoef; an invalid answer is a label of
// its own here. 0 where one side never varies.
double aggregate_mcc(const ScoredSet& set) {
  std::map<std::string, double> gold_count;
  std::map<std::string, double> predicted_count;
  double right = 0.0;
  double samples = 0.0;
  for (const auto& [gold, row] : confusion_matrix(set)) {
    for (const auto& [label, count] : row) {
      const auto n = static_cast<double>(count);
      gold_count[gold] += n;
      predicted_count[label] += n;
      samples += n;
      if (label == gold) right += n;
    }
  }
  if (samples == 0.0) return kNaN;
  double both = 0.0;
  double gold_squares = 0.0;
  double predicted_squares = 0.0;
  for (const auto& [label, n] : gold_count) {
    gold_squares += n * n;
    const auto predicted = predicted_count.find(label);
    if (predicted != predicted_count.end()) both += n * predicted->second;
  }
  for (const auto& [label, n] : predicted_count) predicted_squares += n * n;
  const double covariance = right * samples - both;
  const double spread = (samples * samples - predicted_squares) * (samples * samples - gold_squares);
  return spread == 0.0 ? 0.0 : covariance / std::sqrt(spread);
}

ShareCount share_found(const ScoredSet& set) {
  return share_of_class(set, Side::gold);
}
ShareCount share_missed(const ScoredSet& set) {
  const ShareCount found = share_of_class(set, Side::gold);
  return {found.of - found.hits, found.of};
}
ShareCount share_rightly_named(const ScoredSet& set) {
  return share_of_class(set, Side::predicted);
}

double aggregate_class_precision(const ScoredSet& set) {
  return of_class(set, &ClassNumbers::precision, false);
}
double aggregate_class_recall(const ScoredSet& set) {
  return of_class(set, &ClassNumbers::recall, true);
}
double aggregate_class_f1(const ScoredSet& set) {
  return of_class(set, &ClassNumbers::f1, false);
}
double aggregate_false_negative_rate(const ScoredSet& set) {
  return 1.0 - of_class(set, &ClassNumbers::recall, true);
}

}  // namespace sizeup
