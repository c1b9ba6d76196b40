// Names beside the marks of a scatter plot.
#pragma once

#include <string>
#include <vector>

#include "reports/html/html.h"

namespace sizeup {

struct LabelPoint {
  double x = 0.0;  // percent of the plot
  double y = 0.0;  // percent from the top
  std::string text;
  Html classes;
};

struct PlacedLabels {
  Html drawing;
  std::vector<std::string> numbered;  // "1 = pocket-small": marks that found no room for their name
};

// Tries eight places around each mark, in order of importance of the marks; a label never covers a mark or
// another label, and never leaves the plot by more than its padding. A mark without room gets a number.
PlacedLabels place_labels(const std::vector<LabelPoint>& points);

}  // namespace sizeup
