// Does stated confidence match being right? Confidences lie in 0..1. A score that is no 0 or 1 (partial
// credit) counts as right from 0.5 on. Samples of one document depend on each other: intervals draw, and
// folds keep, whole documents. temperature.h corrects a confidence, selection.h uses it to choose answers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/statistics/bootstrap.h"
#include "harness/statistics/interval.h"

namespace sizeup {

inline constexpr double kRightFrom = 0.5;  // of a score

// An answer with the confidence that the model had in it.
struct StatedAnswer {
  double confidence = 0.0;
  bool right = false;
  int64_t document = 0;  // any numbers
};

bool has_repeats(std::span<const StatedAnswer> answers);  // several are about one document

// Answers of neighbouring confidence.
struct ReliabilityBin {
  int64_t n = 0;
  int64_t right = 0;
  double confidence = kNoNumber;  // mean
  Interval interval;              // Wilson, of the share right

  double share_right() const { return static_cast<double>(right) / static_cast<double>(n); }
};

inline constexpr int kReliabilityBins = 10;

// Bins of equal mass, least confidence first: the answers sorted by confidence are cut where
// numpy.array_split cuts them (the first n mod 10 bins have one more), except that equal confidences stay
// together: a cut among them moves behind the last. The bins do not depend on the order of the answers. Fewer
// than ten bins where that leaves some empty.
std::vector<ReliabilityBin> reliability_bins(std::span<const StatedAnswer> answers,
                                             int bins = kReliabilityBins);

// The mean over answers of |mean confidence - share right| of their bin.
double calibration_error(std::span<const ReliabilityBin> bins);

// Expected calibration error (Naeini, Cooper, Hauskrecht 2015) over ten bins of equal mass. It is never below
// zero and lies above the truth by chance, most where the truth is small. The interval is a bootstrap in the
// same bins, whose resamples lie too high by as much again: the lower end is reflected (2 value - their upper
// percentile), and 0 where perfectly calibrated answers come to as much in 1 of 40 cases; the upper end is
// half of their width above the value. Held the truth in 94 to 97 of 100 simulated sets of 400 answers. Above
// 20,000 answers Student's t for the deviations, each with the sign of its bin, stands for the bootstrap, so
// that work stays bounded.
Estimate calibration_error(std::span<const StatedAnswer> answers, const BootstrapOptions& options = {1'000});

// What calibration_error comes to on average for as many answers of a model that is right exactly as often as
// it states: the mean over answers of sqrt(2/pi * sum of c (1 - c)) / n in their bin (normal approximation).
double chance_calibration_error(std::span<const StatedAnswer> answers);

// Mean of (confidence - right)^2 (Brier 1950), with Student's t interval.
Estimate brier_score(std::span<const StatedAnswer> answers);

// Mean confidence minus share right: above zero the model is surer than it is right. Student's t interval.
Estimate overconfidence(std::span<const StatedAnswer> answers);

}  // namespace sizeup
