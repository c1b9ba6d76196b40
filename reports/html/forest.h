// One row of a forest plot: a difference with its interval, the zero line and the margin.
#pragma once

#include <string>

#include "reports/html/svg.h"
#include "reports/report_data.h"

namespace sizeup {

struct ForestRow {
  Tone tone = Tone::small;
  double difference = 0.0;  // fractions, as everywhere; the axis is in percentage points
  Interval interval;
  double margin = 0.0;
};

Html forest_row(const ForestRow& row, const Axis& axis);

// Percentage points wide enough for every task's interval, zero and the margins; slices may stick out.
Axis forest_axis(const ReportData& data);
std::string axis_points(double tick);  // "−10", "0", "+10"

}  // namespace sizeup
