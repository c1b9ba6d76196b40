// A judging as JSON: "sizeup.judging/1".
#pragma once

#include "core/json/json_fwd.h"
#include "harness/judge/summary.h"

namespace sizeup {

Json judging_json(const Judging& judging, const JudgingSummary& summary);

}  // namespace sizeup
