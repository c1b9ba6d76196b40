// What an evaluation cost by the prices of the run file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "harness/cost/cost.h"
#include "harness/store/records.h"

namespace sizeup {

// An evaluation's answers, counted.
class AnswerTally {
 public:
  explicit AnswerTally(std::string headline) : headline_(std::move(headline)) {}
  void add(const AnswerRow& answer);

  int64_t asked() const { return asked_; }
  // How many are right; nothing unless the headline metric says right or wrong of every sample.
  std::optional<int64_t> correct() const { return correct_; }

 private:
  std::string headline_;
  int64_t asked_ = 0;
  std::optional<int64_t> correct_ = 0;
};

// `measured` is what Store::find_measurement gave: of this evaluation, which is in the run `run`, or of an
// earlier run when all answers came from the store and nothing was spent now. Unknown stays unknown.
CostRow cost_row(const std::optional<Prices>& prices, const std::optional<MeasurementRow>& measured,
                 const std::string& run, const AnswerTally& answers);

// What one evaluation's responses used in a pass.
struct EvaluationUsage {
  int64_t samples = 0;       // samples with at least one request that was sent
  int64_t input_tokens = 0;  // of responses that were sent for
  int64_t output_tokens = 0;
  std::optional<int64_t> cached_input_tokens;  // of input_tokens; nothing: no response said
  int64_t priced = 0;                          // responses that said what they cost
  double cost = 0.0;                           // of those
};

// Of recorded answers: the costs that they say, in `currency`, else their tokens (0: not recorded) by the
// prices of the run file. Machine time is not recorded.
CostRow recorded_cost_row(const std::optional<Prices>& prices, const EvaluationUsage& usage,
                          const std::string& currency, const std::string& run, const AnswerTally& answers);

}  // namespace sizeup
