// Monthly cost by volume, both logarithmic: a line for each model, whole machines as steps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/cost/crossing.h"
#include "reports/html/svg.h"

namespace sizeup {

struct CostLine {
  Tone tone = Tone::small;
  StepLine cost;  // of a month, by requests
  std::string label;
};

struct CostMark {
  double volume = 0.0;
  double cost = 0.0;
  std::string label;
};

// The point where costs meet as a ring, a stated volume as a dashed line.
Html cost_drawing(const std::vector<CostLine>& lines, const std::optional<CostMark>& break_even,
                  const std::optional<double>& volume, const Axis& x, const Axis& y);

}  // namespace sizeup
