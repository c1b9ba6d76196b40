// How long a request may take.
#pragma once

#include <optional>

namespace sizeup {

struct RequestTimes;

// Milliseconds that a request must not exceed; what is absent is not asked.
struct LatencyLimits {
  std::optional<double> ttft = {};
  std::optional<double> tpot = {};
  std::optional<double> total = {};

  bool any() const { return ttft || tpot || total; }
  // An answer of one token has no time per token and meets its limit; one that came whole does not.
  bool met_by(const RequestTimes& request) const;
};

}  // namespace sizeup
