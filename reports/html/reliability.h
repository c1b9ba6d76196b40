// Share right against stated confidence: a mark a bin with its interval, and the line on which both are
// equal.
#pragma once

#include <string>
#include <vector>

#include "harness/statistics/calibration.h"
#include "reports/html/svg.h"

namespace sizeup {

struct ReliabilitySeries {
  Tone tone = Tone::small;
  std::string name;  // in what a mark says
  std::vector<ReliabilityBin> bins;
};

// x is confidence as a fraction, y the share right in percent, both of the frame. The line of equality is
// drawn where it runs through the plot; intervals come before marks, so that no mark is struck through.
Html reliability_drawing(const std::vector<ReliabilitySeries>& series, const Axis& x, const Axis& y);

}  // namespace sizeup
