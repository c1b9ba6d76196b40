// What was predicted from some samples against what other samples showed.
#pragma once

#include "harness/statistics/interval.h"

namespace sizeup {

// Where a mean over other samples lies, at the confidence of both estimates' intervals, if the prediction is
// right: an observation outside differs from it by more than the chance of both sets of samples. The ends of
// the difference's interval are put together from those of the two (Newcombe 1998, method 10; for any
// intervals Zou and Donner 2008), each by its own error, and solved for the observation. No interval where
// one of them has none.
Interval prediction_interval(const Estimate& predicted, const Estimate& observed);

}  // namespace sizeup
