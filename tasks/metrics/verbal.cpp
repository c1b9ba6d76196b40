#include "tasks/metrics/verbal.h"

#include <cmath>

namespace sizeup {

void score_confidence_stated(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score(kConfidenceStated, std::isnan(input.verbal_confidence) ? 0.0 : 1.0);
}

}  // namespace sizeup
