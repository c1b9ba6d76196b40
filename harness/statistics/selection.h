// Does confidence sort right answers from wrong ones, and what would be gained by answering only where it is
// high? Both look at the order of the confidences alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/statistics/calibration.h"

namespace sizeup {

// The chance that a right answer has a higher confidence than a wrong one, ties counted half: the area under
// the ROC curve. Interval from DeLong, DeLong, Clarke-Pearson (1988) on the logit scale, over documents where
// they repeat. Where the two are perfectly apart it is Wilson's, for as many pairs as share no answer. None
// where either kind is absent; no interval where there is only one of a kind and they are not apart.
Estimate auroc(std::span<const StatedAnswer> answers, double confidence = kConfidence);

// What is answered when answers below `confidence` are held back.
struct RiskPoint {
  double confidence = 0.0;
  int64_t answered = 0;
  int64_t wrong = 0;

  double risk() const { return static_cast<double>(wrong) / static_cast<double>(answered); }
};

// Risk against coverage (El-Yaniv and Wiener 2010), surest first: one point for each different confidence,
// since equal ones can only be answered or held back together. The last has all answers.
std::vector<RiskPoint> risk_coverage(std::span<const StatedAnswer> answers);

// Area under that curve: the mean over answers of the risk at the point at which each is first answered
// (Geifman and El-Yaniv 2017). NaN when empty.
double risk_coverage_area(std::span<const RiskPoint> curve);

// The first point that answers at least this share; the curve is not empty.
const RiskPoint& point_at_coverage(std::span<const RiskPoint> curve, double coverage);

// The point with the most answers whose risk is at most this; null: there is none.
const RiskPoint* most_answers_within(std::span<const RiskPoint> curve, double risk);

}  // namespace sizeup
