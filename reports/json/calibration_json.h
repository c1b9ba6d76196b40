// The member `calibration` of the report's data block.
#pragma once

#include "core/json/json_fwd.h"
#include "reports/report_data.h"

namespace sizeup {

// What the plot of the first entry shows, and `rows` with the numbers of every model, kind of confidence and
// task.
Json calibration_json(const ReportData& data);

}  // namespace sizeup
