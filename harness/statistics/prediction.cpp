#include "harness/statistics/prediction.h"

#include <cmath>

namespace sizeup {

// observed - predicted has the interval [d - hypot(observed - its lo, predicted's hi - predicted),
// d + hypot(observed's hi - observed, predicted - its lo)], and holds 0 where d lies between these.
Interval prediction_interval(const Estimate& predicted, const Estimate& observed) {
  if (!predicted.has_interval() || !observed.has_interval()) return {};
  return {predicted.value - std::hypot(observed.hi - observed.value, predicted.value - predicted.lo),
          predicted.value + std::hypot(observed.value - observed.lo, predicted.hi - predicted.value)};
}

}  // namespace sizeup
