// Temperature scaling of a confidence (Guo, Pleiss, Sun, Weinberger 2017): one number T by which its logit is
// divided. T above 1 makes a model less sure; no T moves a confidence across 1/2 or changes an order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/statistics/calibration.h"

namespace sizeup {

// sigmoid(logit(confidence) / temperature). Confidences within 1e-6 of 0 or 1 count as that far away: their
// logits would be infinite, and one wrong answer stated with 1 would settle T.
double scaled_confidence(double confidence, double temperature);

struct Temperature {
  double value = kNoNumber;
  Interval interval;  // of a robust standard error of 1/T, over documents where they repeat
};

// Fits are kept within these. At the upper end the best T is larger still: the answers of more than 1/2 are
// right no more often than the others, and no temperature helps.
inline constexpr double kLeastTemperature = 0.01;
inline constexpr double kMostTemperature = 100.0;

// The T with the largest likelihood of what was right and wrong. NaN where all or none are right. Of more
// than 50,000 answers every second, third, ... is fitted on, so that work stays bounded: T is known to a
// percent.
Temperature fit_temperature(std::span<const StatedAnswer> answers, double confidence = kConfidence);

inline constexpr int kTemperatureFolds = 10;

// Each answer with the confidence scaled by a T that was fitted on the other folds alone. A document's fold
// is a pure function of seed and document, so that all its answers are in one. Where the others are all right
// or all wrong there is no T, and the confidence stays.
std::vector<StatedAnswer> cross_fitted(std::span<const StatedAnswer> answers, uint64_t seed = 1,
                                       int folds = kTemperatureFolds);

}  // namespace sizeup
