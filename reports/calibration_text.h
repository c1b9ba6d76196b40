// What the numbers on confidence say, in fixed wordings.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "reports/report_data.h"

namespace sizeup {

struct ConfidenceKind {
  std::string_view name;
  std::string_view meaning;
};

// In the order in which reports show them.
inline constexpr std::array<ConfidenceKind, 4> kConfidenceKinds = {
    {{kOptionProbability, "the probability of the chosen option among all options of the question"},
     {kMeanTokenProbability, "exp of the mean log-probability of the tokens that were written"},
     {kAgreementOfSamples, "the share of a question's k answers that say what most of them say"},
     {kStatedInWords, "what the answer itself says of it, as a number"}}};

// Below this, bins of a tenth hold fewer than ten answers.
inline constexpr int64_t kFewestCalibrated = 100;

// The entry for all tasks together; null: there is none.
const ReportCalibration* calibration_of(const ReportData& data, std::string_view kind, int model);

// "Small is surer than it is right, by 7.0 pp, yet its confidence sorts right from wrong". Claims only what
// an interval excludes.
std::string calibration_finding(const ReportData& data, const ReportCalibration& calibration);

// "1.30", or "over 100" where the fit ended at its bound.
std::string temperature_text(double temperature);

// How much of its answers the small model can give and be wrong no more often than the large one is on all of
// its own; null where it is not wrong more often anyway, never so rarely, or there is no large one.
const RiskPoint* as_safe_as_large(const ReportData& data, std::string_view kind);

}  // namespace sizeup
