#include "reports/calibration_text.h"

#include <fmt/format.h>

#include <cmath>

#include "reports/format.h"

namespace sizeup {
namespace {

std::string points(double difference) {
  std::string text = format_points(std::fabs(difference));
  if (text.starts_with('+')) text.erase(0, 1);
  return text + "\u00a0pp";
}

}  // namespace

const ReportCalibration* calibration_of(const ReportData& data, std::string_view kind, int model) {
  for (const ReportCalibration& calibration : data.calibration) {
    if (calibration.kind == kind && calibration.model == model && calibration.task < 0) return &calibration;
  }
  return nullptr;
}

std::string calibration_finding(const ReportData& data, const ReportCalibration& calibration) {
  const std::string who = !data.is_pair()                       ? "The model"
                          : calibration.model == data.candidate ? "Small"
                                                                : "Large";
  const Estimate& over = calibration.overconfidence;
  const bool too_sure = over.lo > 0.0;
  const bool unsure = over.hi < 0.0;
  std::string text =
      too_sure ? fmt::format("{} is surer than it is right, by {}", who, points(over.value))
      : unsure ? fmt::format("{} is less sure than it is right, by {}", who, points(over.value))
               : fmt::format("{} is on average as sure as it is right, as far as {} answers can tell", who,
                             format_count(calibration.n));
  if (calibration.auroc.lo > 0.5)
    return text + (too_sure || unsure ? ", yet" : ", and") + " its confidence sorts right from wrong";
  if (calibration.auroc.hi < 0.5) return text + ", and it is surer where it is wrong";
  return text + "; its confidence is not shown to sort right from wrong";
}

std::string temperature_text(double temperature) {
  if (temperature >= kMostTemperature) return "over " + format_significant(kMostTemperature);
  if (temperature <= kLeastTemperature) return "under " + format_significant(kLeastTemperature);
  return format_significant(temperature);
}

const RiskPoint* as_safe_as_large(const ReportData& data, std::string_view kind) {
  if (!data.is_pair()) return nullptr;
  const ReportCalibration* small = calibration_of(data, kind, data.candidate);
  const ReportCalibration* large = calibration_of(data, kind, data.baseline);
  if (small == nullptr || large == nullptr || small->share_right() >= large->share_right()) return nullptr;
  return most_answers_within(small->curve, 1.0 - large->share_right());
}

}  // namespace sizeup
