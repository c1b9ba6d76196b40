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

// What recorded answers used, as they say themselves.
struct RecordedUsage {
  int64_t samples = 0;
  int64_t input_tokens = 0;  // 0: not recorded
  int64_t output_tokens = 0;
  int64_t priced = 0;  // answers that say what they cost
  double cost = 0.0;   // of those
  std::string currency;
};

// Recorded costs, else the tokens by the prices of the run file. Machine time is not recorded.
CostRow recorded_cost_row(const std::optional<Prices>& prices, const RecordedUsage& usage,
                          const std::string& run, std::span<const AnswerRow> answers,
                          const std::string& headline);

}  // namespace sizeup
