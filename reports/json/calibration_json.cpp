#include "reports/json/calibration_json.h"

#include "core/json/json.h"
#include "core/json/number.h"
#include "reports/calibration_text.h"

namespace sizeup {
namespace {

Json interval(double lo, double hi) {
  return Json::array({number(lo), number(hi)});
}

Json bins_json(const ReportCalibration& entry) {
  Json out = Json::array();
  for (const ReliabilityBin& bin : entry.bins) {
    out.push_back(Json::array({short_number(bin.confidence), short_number(bin.share_right()),
                               short_number(bin.interval.lo), short_number(bin.interval.hi)}));
  }
  return out;
}

// Columns of equal length: coverage is answered over n, risk wrong over answered.
Json curve_json(const ReportCalibration& entry) {
  Json out{{"confidence_from", Json::array()}, {"answered", Json::array()}, {"wrong", Json::array()}};
  for (const RiskPoint& point : entry.curve) {
    out["confidence_from"].push_back(short_number(point.confidence));
    out["answered"].push_back(point.answered);
    out["wrong"].push_back(point.wrong);
  }
  return out;
}

Json entry_json(const ReportCalibration& entry) {
  Json out = Json::object();
  out["confidence"] = entry.kind;
  out["n"] = entry.n;
  out["right"] = entry.right;
  out["bins"] = bins_json(entry);
  out["bin_n"] = Json::array();
  for (const ReliabilityBin& bin : entry.bins) out["bin_n"].push_back(bin.n);
  out["mean_confidence"] = number(entry.confidence);
  out["overconfidence"] = number(entry.overconfidence.value);
  out["overconfidence_interval"] = interval(entry.overconfidence.lo, entry.overconfidence.hi);
  out["ece"] = number(entry.ece.value);
  out["ece_interval"] = interval(entry.ece.lo, entry.ece.hi);
  out["ece_by_chance"] = number(entry.chance_ece);
  out["ece_scaled"] = number(entry.scaled_ece);
  out["brier"] = number(entry.brier.value);
  out["brier_interval"] = interval(entry.brier.lo, entry.brier.hi);
  out["brier_scaled"] = number(entry.scaled_brier);
  out["auroc"] = number(entry.auroc.value);
  out["auroc_interval"] = interval(entry.auroc.lo, entry.auroc.hi);
  out["temperature"] = number(entry.temperature.value);
  out["temperature_interval"] = interval(entry.temperature.interval.lo, entry.temperature.interval.hi);
  out["risk_coverage_area"] = number(entry.risk_area);
  if (!entry.curve.empty()) out["risk_coverage"] = curve_json(entry);
  return out;
}

}  // namespace

Json calibration_json(const ReportData& data) {
  Json rows = Json::array();
  for (const ReportCalibration& entry : data.calibration) {
    Json row = entry_json(entry);
    row["model"] = data.models[static_cast<size_t>(entry.model)].name;
    row["task"] = entry.task < 0 ? Json(nullptr) : Json(data.tasks[static_cast<size_t>(entry.task)].name);
    row["finding"] = calibration_finding(data, entry);
    rows.push_back(std::move(row));
  }
  Json out = Json::object();
  for (const char* member : {"confidence", "bins", "ece", "brier", "auroc", "temperature"})
    out[member] = rows.front()[member];
  out["rows"] = std::move(rows);
  return out;
}

}  // namespace sizeup
