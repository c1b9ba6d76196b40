// A headline over runs: a line with its interval as a band, and marks where a model's weights changed.
#pragma once

#include <string>
#include <vector>

#include "reports/html/svg.h"

namespace sizeup {

struct HistorySeries {
  Tone tone = Tone::small;
  struct Point {
    size_t run = 0;  // place on the axis, from 0
    Estimate estimate;
    std::string tip;  // what the mark says
    bool other_weights = false;
  };
  std::vector<Point> points;
};

// Bands first, then lines, then marks; `runs` places on the x axis, the first at its left end. y is the
// frame's.
Html history_drawing(const std::vector<HistorySeries>& series, size_t runs, const Axis& y);

}  // namespace sizeup
