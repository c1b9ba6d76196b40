// What an evaluation cost by the prices of the run file.
#pragma once

#include <optional>
#include <span>

#include "harness/cost/cost.h"
#include "harness/run/collector.h"
#include "harness/store/records.h"

namespace sizeup {

// A backend answers all tasks of a pass together, so an evaluation's time is its share of the pass's tokens.
struct PassShare {
  double wall_ms = 0.0;  // of the whole pass
  double share = 1.0;    // of its tokens that belong to this evaluation
};

// Only samples that were asked in this pass are counted: what came from the store took no time and no tokens
// now. Unknown stays unknown.
CostRow cost_row(const std::optional<Prices>& prices, const EvaluationUsage& usage, const PassShare& pass,
                 std::span<const AnswerRow> answers, const std::string& headline);

}  // namespace sizeup
