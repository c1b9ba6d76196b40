#include <cmath>

#include "core/json/json.h"
#include "reports/gate_report.h"

namespace sizeup {
namespace {

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

}  // namespace

Json to_json(const GateReport& report) {
  Json json = {{"schema", "sizeup.gate/1"},
               {"outcome", outcome_name(report.result.outcome)},
               {"sentence", wording(report.result)},
               {"policy", report.policy},
               {"candidate", report.candidate},
               {"baseline", report.baseline.empty() ? Json(nullptr) : Json(report.baseline)},
               {"checks", Json::array()},
               {"notes", report.result.notes}};
  for (const GateLine& line : report.result.lines) {
    json["checks"].push_back({{"outcome", outcome_name(line.outcome)},
                              {"task", line.task},
                              {"slice", line.slice},
                              {"rule", line.rule},
                              {"place", line.place},
                              {"finding", line.finding},
                              {"value", finite(line.measured.value)},
                              {"lo", finite(line.measured.lo)},
                              {"hi", finite(line.measured.hi)},
                              {"n", line.measured.n},
                              {"bound", finite(line.bound)},
                              {"more", line.more ? Json(*line.more) : Json(nullptr)}});
  }
  return json;
}

}  // namespace sizeup
