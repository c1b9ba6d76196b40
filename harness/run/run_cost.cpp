#include "harness/run/run_cost.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <vector>

namespace sizeup {
namespace {

// All answers count here, also those from the store: each would have cost what the asked ones did.
std::optional<double> per_1000_correct(double per_request, const AnswerTally& answers) {
  if (!answers.correct() || *answers.correct() == 0) return std::nullopt;
  return per_request * static_cast<double>(answers.asked()) / static_cast<double>(*answers.correct()) *
         1000.0;
}

// On what the cost was measured, where that is not simply all of the run.
std::string measured_on(const MeasurementRow& measured, bool by_time, const std::string& run, int64_t asked) {
  std::vector<std::string> parts;
  if (by_time && measured.pass_share < 1.0) {
    parts.push_back(fmt::format("{:.1f} % of the pass's time, by tokens", 100.0 * measured.pass_share));
  }
  if (measured.run != run) parts.push_back(fmt::format("in run {}, whose answers these are", measured.run));
  if (measured.samples != asked) parts.push_back(fmt::format("on {} of {} samples", measured.samples, asked));
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

void AnswerTally::add(const AnswerRow& answer) {
  ++asked_;
  if (answer.error || !correct_) return;
  const auto score = answer.scores.find(headline_);
  if (score == answer.scores.end() || (score->second != 0.0 && score->second != 1.0)) {
    correct_.reset();
  } else {
    *correct_ += score->second == 1.0 ? 1 : 0;
  }
}

CostRow cost_row(const std::optional<Prices>& prices, const std::optional<MeasurementRow>& measured,
                 const std::string& run, const AnswerTally& answers) {
  if (!prices || !prices->known()) return {{}, {}, {}, {}, "unknown: no price is given", {}};
  if (!measured) {
    return {prices->currency,
            {},
            {},
            0.0,
            "unknown: all answers came from the store, and no run measured them",
            {}};
  }
  Usage used;
  used.requests = measured->samples;
  used.wall_seconds = measured->pass_ms * measured->pass_share / 1000.0;
  used.input_tokens = measured->input_tokens;
  used.cached_input_tokens = measured->cached_input_tokens;
  used.output_tokens = measured->output_tokens;
  const Cost cost = cost_of(*prices, used);

  CostRow row{cost.currency,
              cost.per_request,
              {},
              cost.total,
              cost.basis,
              measured_on(*measured, prices->per_hour.has_value(), run, answers.asked())};
  if (measured->run != run) row.total = 0.0;  // this run asked nothing
  if (row.per_request) row.per_1000_correct = per_1000_correct(*row.per_request, answers);
  return row;
}

CostRow recorded_cost_row(const std::optional<Prices>& prices, const EvaluationUsage& usage,
                          const std::string& currency, const std::string& run, const AnswerTally& answers) {
  if (usage.priced > 0) {
    const double per_request = usage.cost / static_cast<double>(usage.priced);
    CostRow row{currency, per_request, {}, usage.cost, kRecordedCost, ""};
    row.per_1000_correct = per_1000_correct(per_request, answers);
    if (usage.priced != answers.asked())
      row.measured = fmt::format("on {} of {} samples", usage.priced, answers.asked());
    return row;
  }
  const bool by_time = prices && prices->per_hour;
  if (prices && prices->known() && (by_time || usage.input_tokens + usage.output_tokens == 0)) {
    return {
        prices->currency,
        {},
        {},
        {},
        fmt::format("unknown: the recorded answers have no {}", by_time ? "machine time" : "token counts"),
        {}};
  }
  const MeasurementRow measured{usage.samples, usage.input_tokens, usage.output_tokens, 0.0, 1.0, run, {}};
  return cost_row(prices, measured, run, answers);
}

}  // namespace sizeup
