// How far several raters agree on the same units, and what a few human labels make of a rater's many scores.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/statistics/bootstrap.h"
#include "harness/statistics/interval.h"

namespace sizeup {

// What the distance between two ratings is: any two differ alike (nominal), only their order means something
// (ordinal), or they are quantities (interval).
enum class RatingLevel { nominal, ordinal, interval };

// What the raters said of one unit, in any order; a rating that is missing is left out.
using UnitRatings = std::vector<double>;

// Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"): 1 is full
// agreement, 0 what chance gives, below 0 is systematic disagreement. Units with fewer than two ratings do
// not count. NaN where nothing can be told: no two ratings of a unit, or all ratings the same.
double krippendorff_alpha(std::span<const UnitRatings> units, RatingLevel level);

// The same with the percentile interval over resampled units, of which n are counted.
Estimate alpha_estimate(std::span<const UnitRatings> units, RatingLevel level,
                        const BootstrapOptions& options = {});

// A unit that a person has scored too.
struct LabelledScore {
  double judged = 0.0;
  double human = 0.0;
};

// The mean of the human scores, had people scored everything.
struct PredictionPowered {
  Estimate mean;        // n: all units
  double weight = 0.0;  // 0: the judge's scores say nothing of the human ones; 1: they are taken in full
};

// Prediction-powered inference with the weight that makes the variance least (Angelopoulos, Duchi, Zrnic
// 2023, "PPI++"), clipped to 0..1: weight * mean(unlabelled) + mean(human - weight * judged). The labelled
// units must be a random part of all. Interval by t with one degree fewer than there are labels; none below
// two.
PredictionPowered prediction_powered_mean(std::span<const double> unlabelled,
                                          std::span<const LabelledScore> labelled,
                                          double confidence = kConfidence);

}  // namespace sizeup
