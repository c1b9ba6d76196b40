// The few marks that every plot is made of. Positions are percent of the plot's own size, so that type keeps
// its size at every width and nothing needs to be laid out here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/statistics/interval.h"
#include "reports/html/html.h"

namespace sizeup {

// Colour and shape, always together: small is a blue disc, large an orange square, everything else is grey.
enum class Tone { small, large, both, other };

Html line_class(Tone tone);  // s-small, s-large, s-hyb, s-oth
Html fill_class(Tone tone);  // f-small, ...
Html text_class(Tone tone);  // t-small, ...; empty for other

// Values to percent of the width (or, for heights, to percent from the top by 100 - at()).
struct Axis {
  double lo = 0.0;
  double hi = 1.0;
  bool log = false;
  std::vector<double> ticks;

  double at(double value) const;  // not clipped
};

// Round ends and at most `most` ticks that include them, over [lo, hi].
Axis linear_axis(double lo, double hi, int most = 7);
// Whole thirds of a decade: 1, 3, 10, 30, ...
Axis log_axis(double lo, double hi);

// An interval with end caps at height y (pixels), cut at the plot's edge with ‹ or › where it goes on.
Html whisker(Tone tone, const Axis& axis, Interval interval, double y);
// A disc (a square for large) at height y (pixels).
Html row_mark(Tone tone, const Axis& axis, double value, double y);
// Vertical lines of a table row's plot, one at each tick.
Html row_grid(const Axis& axis, double top, double bottom);
// The axis below a column of such plots; labels[i] belongs to ticks[i].
Html row_axis(const Axis& axis, const std::vector<std::string>& labels);

// A plot with both axes; `content` is drawn on top of the grid.
struct PlotFrame {
  std::string description;  // of role=img, a sentence
  Axis x;
  Axis y;
  std::vector<std::string> x_labels;  // one for each tick
  std::vector<std::string> y_labels;
  std::string x_name;
  std::string y_name;
};
Html plot(const PlotFrame& frame, const Html& content);

// A line through points in percent (y from the top), drawn without changing the pen's width.
Html curve(const Html& classes, const std::vector<std::pair<double, double>>& points);

// Upright lines, all of one pen: intervals, each at its value. In percent (y from the top).
struct Upright {
  double x = 0.0;
  double from = 0.0;
  double to = 0.0;
};
Html uprights(const Html& classes, const std::vector<Upright>& lines);

// The area between corners in percent (y from the top).
Html area(const Html& classes, const std::vector<std::pair<double, double>>& corners);

// A sample of a mark for a legend.
Html legend_mark(Tone tone);
Html legend_line(Tone tone, bool dashed);

}  // namespace sizeup
