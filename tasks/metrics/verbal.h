// How many answers say in words how sure they are.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// Its metric: tasks that have it take confidence in words, and no other kind stands in for it.
inline constexpr const char* kConfidenceStated = "confidence_stated";

// Whether the first answer states a confidence.
void score_confidence_stated(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
