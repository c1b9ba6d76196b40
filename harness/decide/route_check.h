// Whether a router did on other samples what its policy predicted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/router/route_policy.h"
#include "core/errors/result.h"
#include "harness/statistics/interval.h"
#include "harness/store/store.h"

namespace sizeup {

// A sample as a router left it.
struct RouterSample {
  double score = 0.0;    // 0..1
  double sent_on = 0.0;  // share of its answers that went on: 0 or 1 without repeats
  bool fitted = false;   // the policy was made from its document
  int64_t document = 0;  // samples of one document depend on each other
};

struct CheckedPrediction {
  Estimate predicted;
  Estimate observed;
  Interval range;  // of what is observed if the prediction is right; none: it cannot be said

  bool can_be_said() const { return range.lo <= range.hi; }
  bool holds() const { return range.lo <= observed.value && observed.value <= range.hi; }
};

struct RouteCheck {
  std::string model;
  int64_t fresh = 0;    // samples of the policy's tasks that it was not made from: they check it
  int64_t fitted = 0;   // that it was made from
  int64_t other = 0;    // of other tasks
  int64_t unknown = 0;  // without a score, or it is not known which way they went or where they are from
  CheckedPrediction accuracy;
  CheckedPrediction share;
  double expected_cost = kNoNumber;  // of a request, as the policy has it
  double cost = kNoNumber;           // the same with the share that was observed
  std::string currency;
};

// From the samples of the policy's tasks.
RouteCheck check_prediction(const RoutePolicy& policy, const std::vector<RouterSample>& samples);

// One for each router of a run, in the order of its models; tasks that are not finished are left out.
Result<std::vector<RouteCheck>> check_routers(const Store& store, const std::string& run);

}  // namespace sizeup
