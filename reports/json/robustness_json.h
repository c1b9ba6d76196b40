// The JSON's `robustness`: of models and tasks with variants. Without these the lowest slice is in the page's
// text and in Markdown alone, as every page carries its JSON.
#pragma once

#include "core/json/json_fwd.h"
#include "reports/report_data.h"

namespace sizeup {

Json robustness_json(const ReportData& data);

}  // namespace sizeup
