// What routing gives, in words that several reports print.
#pragma once

#include <string>

#include "reports/report_data.h"

namespace sizeup {

// What orders the requests: "option probability", "learned score", "length of the prompt".
std::string signal_text(const ReportRouting& routing);

// "0.88"; "none" and "all" at the ends.
std::string threshold_text(double threshold);

// "−0.4 pp (−1.2…+0.3)": a point minus large alone.
std::string against_large_text(const ReportRouting& routing, const RoutePoint& point);

}  // namespace sizeup
