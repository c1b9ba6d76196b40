// What a gate found, in the forms that people and build servers read.
#pragma once

#include <string>

#include "core/json/json_fwd.h"
#include "harness/decide/gate.h"

namespace sizeup {

struct GateReport {
  GateResult result;
  std::string policy;     // its file
  std::string candidate;  // "run:model"
  std::string baseline;   // empty: none was given
  bool inconclusive_passes = false;
};

// JUnit XML: a test case a line; a failed one has a failure, an undecided one an error, or is skipped where
// undecided passes. Any names and findings give well-formed XML.
std::string to_junit(const GateReport& report);

// Workflow commands of GitHub Actions, one a line: an error for what failed, a warning for what is undecided,
// each at its line of the policy.
std::string to_annotations(const GateReport& report);

// A heading, a table and the notes: a job's summary, or a comment on a change.
std::string to_markdown(const GateReport& report);

Json to_json(const GateReport& report);  // schema "sizeup.gate/1"

}  // namespace sizeup
