// An estimate as JSON. As json.h, for .cpp files alone.
#pragma once

#include "core/json/json.h"
#include "core/json/number.h"
#include "harness/statistics/interval.h"

namespace sizeup {

inline Json estimate_json(const Estimate& estimate) {
  return {{"value", number(estimate.value)},
          {"lo", number(estimate.lo)},
          {"hi", number(estimate.hi)},
          {"n", estimate.n}};
}

}  // namespace sizeup
