#include "core/json/json.h"
#include "core/json/number.h"
#include "reports/gate_report.h"

namespace sizeup {

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
                              {"value", number(line.measured.value)},
                              {"lo", number(line.measured.lo)},
                              {"hi", number(line.measured.hi)},
                              {"n", line.measured.n},
                              {"bound", number(line.bound)},
                              {"more", line.more ? Json(*line.more) : Json(nullptr)}});
  }
  return json;
}

}  // namespace sizeup
