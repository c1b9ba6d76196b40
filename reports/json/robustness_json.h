// The JSON's `robustness`.
#pragma once

#include "core/json/json_fwd.h"
#include "reports/report_data.h"

namespace sizeup {

Json robustness_json(const ReportData& data);

}  // namespace sizeup
