// What an evaluation cost by the prices of the run file.
#pragma once

#include <optional>
#include <span>

#include "harness/cost/cost.h"
#include "harness/run/collector.h"
#include "harness/store/records.h"

namespace sizeup {

// `wall_share_ms` is the evaluation's share of the backend's time. Only samples that were asked in this pass
// are counted: what came from the store took no time and no tokens now. Unknown stays unknown.
CostRow cost_row(const std::optional<Prices>& prices, const EvaluationUsage& usage, double wall_share_ms,
                 std::span<const AnswerRow> answers, const std::string& headline);

}  // namespace sizeup
