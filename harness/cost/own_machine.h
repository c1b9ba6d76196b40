// What a machine of one's own costs by the hour: purchase spread over its life, power, and what is paid
// monthly.
#pragma once

#include <optional>
#include <string>

#include "core/errors/result.h"

namespace sizeup {

inline constexpr double kHoursPerMonth = 730;  // 8,760 hours a year

struct OwnMachine {
  double purchase = 0.0;
  double lifetime_months = 0.0;      // after which it is worth nothing
  double watts = 0.0;                // while it answers
  std::optional<double> idle_watts;  // absent: as many as while it answers
  double price_per_kwh = 0.0;
  double monthly = 0.0;  // place, network, administration
};

// Checks that amounts are numbers of at least 0 and that a purchase has a lifetime. `place` goes into the
// error.
Result<OwnMachine> check_machine(const OwnMachine& machine, const std::string& place);

// (purchase / lifetime + monthly) / 730 + power, for each hour of a machine that is always on and answers in
// this share of the time. The power is that of the stated share, also where a month has fewer requests.
double price_per_hour(const OwnMachine& machine, double utilisation);

}  // namespace sizeup
