// What became of a policy's prediction, in fixed wordings.
#include <fmt/format.h>

#include <cmath>

#include "reports/format.h"
#include "reports/report.h"
#include "reports/text.h"

namespace sizeup {
namespace {

std::string prediction_verdict(const CheckedPrediction& prediction) {
  if (!prediction.can_be_said()) return "that cannot be checked, as one of them has no interval";
  if (prediction.holds()) return "as predicted";
  return prediction.observed.value < prediction.range.lo ? "less than predicted" : "more than predicted";
}

// "59.1 % right, predicted 55.3 %, and 46.0…64.5 with the chance of both samples: as predicted".
std::string compared(const CheckedPrediction& prediction, const char* what) {
  std::string range;
  if (prediction.can_be_said()) {
    range = fmt::format(", and {} with the chance of both sets of samples",
                        format_percent_range(prediction.range.lo, prediction.range.hi));
  }
  return fmt::format("{} {}, predicted {}{}: {}.", format_percent(prediction.observed.value), what,
                     format_percent(prediction.predicted.value), range, prediction_verdict(prediction));
}

std::string cost_text(const RouteCheck& check) {
  if (!std::isfinite(check.cost) || !std::isfinite(check.expected_cost)) return {};
  return fmt::format(" At the policy’s prices 1,000 such requests cost {}, predicted {}.",
                     format_money(1000.0 * check.cost, check.currency),
                     format_money(1000.0 * check.expected_cost, check.currency));
}

std::string left_out(const RouteCheck& check) {
  std::string out;
  if (check.fitted > 0)
    out +=
        fmt::format(" {} others are among those that the policy was made from.", format_count(check.fitted));
  if (check.other > 0)
    out += fmt::format(" {} are of tasks that it was not made from.", format_count(check.other));
  if (check.unknown > 0) {
    out += fmt::format(
        " Of {} it is not known how they were scored, which way they went or whether they are new.",
        format_count(check.unknown));
  }
  return out;
}

}  // namespace

std::vector<std::string> router_sentences(const std::vector<RouteCheck>& checks) {
  std::vector<std::string> out;
  for (const RouteCheck& check : checks) {
    const std::string name = clean_name(check.model);
    if (check.fresh == 0) {
      out.push_back(fmt::format("{}: no sample checks its policy.{}", name, left_out(check)));
      continue;
    }
    out.push_back(fmt::format("{}, on {} samples that its policy was not made from: {} {}{}{}", name,
                              format_count(check.fresh), compared(check.accuracy, "right"),
                              compared(check.share, "sent on"), cost_text(check), left_out(check)));
  }
  return out;
}

}  // namespace sizeup
