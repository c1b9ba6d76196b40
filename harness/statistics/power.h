// How small a difference a number of samples can show.
#pragma once

#include <cstdint>

#include "harness/statistics/interval.h"

namespace sizeup {

inline constexpr double kPower = 0.8;  // the customary chance of finding a difference that is there

// The smallest difference between two models' accuracies on the same n samples that a two-sided McNemar test
// finds with this power, if the models disagree on a share `discordance` of the samples (Connor 1987,
// Biometrics 43:207). No difference can be larger than the discordance: NaN where even that is not found, and
// for n < 1.
double detectable_difference(int64_t n, double discordance, double confidence = kConfidence,
                             double power = kPower);

}  // namespace sizeup
