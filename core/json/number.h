// Numbers as JSON, which has no NaN. As json.h, for .cpp files alone.
#pragma once

#include <cmath>
#include <optional>

#include "core/json/json.h"

namespace sizeup {

// null: there is none.
inline Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}
inline Json number(const std::optional<double>& value) {
  return value ? number(*value) : Json(nullptr);
}

// Five decimals, for columns of many points: the digits that doubles print would be most of a page.
inline Json short_number(double value) {
  constexpr double kDecimals = 1e5;
  return number(std::round(value * kDecimals) / kDecimals);
}

}  // namespace sizeup
