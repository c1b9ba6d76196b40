#include "reports/html/forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/verdict_text.h"

namespace sizeup {

Html forest_row(const ForestRow& row, const Axis& axis) {
  constexpr double kMiddle = 13.0;  // of a row 26 pixels high
  const std::string label = fmt::format("difference {}\u00a0pp, interval {}", format_points(row.difference),
                                        format_points_range(row.interval.lo, row.interval.hi, row.margin));
  const auto line = [&](const Html& classes, double points) {
    const Percent x{axis.at(points)};
    return html("<line class=\"{}\" x1=\"{}\" x2=\"{}\" y1=\"-8\" y2=\"34\"/>", classes, x, x);
  };
  Html content;
  for (const double tick : axis.ticks) {
    if (tick != 0.0) content += line(html("g"), tick);
  }
  content += line(html("z"), 0.0);
  content += line(html("mg"), -100.0 * row.margin);
  content += whisker(row.tone, axis, {100.0 * row.interval.lo, 100.0 * row.interval.hi}, kMiddle);
  // The mark is a disc for all rows: a square would say "large".
  const double x = axis.at(100.0 * row.difference);
  if (x >= 0.0 && x <= 100.0) {
    content += html("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>", fill_class(row.tone), Percent{x},
                    Coordinate{kMiddle});
  }
  return html("<svg class=\"row-svg\" role=\"img\" aria-label=\"{}\">{}</svg>", label, content);
}

Axis forest_axis(const ReportData& data) {
  double lo = 0.0;
  double hi = 0.0;
  const auto include = [&](const ReportDifference& difference) {
    const PairedDifference& d = difference.result.difference;
    for (const double end : {d.lo, d.hi, d.difference, -margin_of(data, difference)}) {
      if (std::isnan(end)) continue;
      lo = std::min(lo, 100.0 * end);
      hi = std::max(hi, 100.0 * end);
    }
  };
  for (const ReportDifference& difference : data.differences) include(difference);
  if (data.overall) include(*data.overall);
  return linear_axis(lo, hi, 8);
}

std::string axis_points(double tick) {
  if (std::fabs(tick) < 1e-9) return "0";
  return fmt::format("{}{:g}", tick < 0.0 ? "\u2212" : "+", std::fabs(tick));
}

}  // namespace sizeup
