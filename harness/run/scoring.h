// From a sample's replies to the row of its answer.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/run/batch.h"
#include "harness/store/records.h"

namespace sizeup {

// What a router did with one ask of a sample, and the same from the details of a stored answer.
void add_routed(const Routed& routed, size_t ask, PendingSample& sample);
std::optional<Routed> routed_in(const std::map<std::string, std::string>& details, int ask);

// A sample with a failed request has no scores: it counts in error_rate, not in a metric.
AnswerRow answer_of(const PendingSample& pending);

// The task's view of a stored response. Of a written text what stands after the last `think_end` (may be
// empty: all of it), without white space before it.
Reply reply_of(const ResponseRow& response, const std::string& think_end);

}  // namespace sizeup
