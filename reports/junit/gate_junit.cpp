#include <fmt/format.h>

#include "reports/gate_report.h"
#include "reports/junit/junit.h"

namespace sizeup {
namespace {

JunitCase case_of(const GateLine& line, bool inconclusive_passes) {
  JunitCase out;
  out.class_name = "sizeup.gate." + line.task;
  out.name = line.slice.empty() ? line.rule : fmt::format("{} [{}]", line.rule, line.slice);
  out.message = line.finding;
  out.place = line.place;
  if (line.outcome == GateOutcome::fail) {
    out.outcome = JunitCase::Outcome::failed;
    out.type = "fail";
  } else if (line.outcome == GateOutcome::not_enough_data) {
    out.outcome = inconclusive_passes ? JunitCase::Outcome::skipped : JunitCase::Outcome::error;
    out.type = "not enough data";
  }
  return out;
}

}  // namespace

std::string to_junit(const GateReport& report) {
  std::vector<JunitCase> cases;
  for (const GateLine& line : report.result.lines) cases.push_back(case_of(line, report.inconclusive_passes));
  const std::string against = report.baseline.empty() ? "" : " against " + report.baseline;
  return junit_document("sizeup gate", report.candidate + against, cases);
}

}  // namespace sizeup
