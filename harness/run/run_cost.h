// What an evaluation cost by the prices of the run file.
#pragma once

#include <optional>
#include <span>

#include "harness/cost/cost.h"
#include "harness/store/records.h"

namespace sizeup {

// `measured` is what Store::find_measurement gave: of this evaluation, which is in the run `run`, or of an
// earlier run when all answers came from the store and nothing was spent now. Unknown stays unknown.
CostRow cost_row(const std::optional<Prices>& prices, const std::optional<MeasurementRow>& measured,
                 const std::string& run, std::span<const AnswerRow> answers, const std::string& headline);

}  // namespace sizeup
