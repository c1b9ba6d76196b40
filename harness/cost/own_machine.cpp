#include "harness/cost/own_machine.h"

#include <cmath>

namespace sizeup {
namespace {

constexpr double kWattsPerKilowatt = 1000;

}  // namespace

Result<OwnMachine> check_machine(const OwnMachine& machine, const std::string& place) {
  for (const double amount : {machine.purchase, machine.lifetime_months, machine.watts,
                              machine.idle_watts.value_or(0.0), machine.price_per_kwh, machine.monthly}) {
    if (!(std::isfinite(amount) && amount >= 0)) {
      return bad_input(place, "a figure of a machine is not a number of at least 0", "0 or more");
    }
  }
  if (machine.purchase > 0 && machine.lifetime_months <= 0) {
    return bad_input(place, "a purchase price without a lifetime", "lifetime_months: a number above 0");
  }
  return machine;
}

double price_per_hour(const OwnMachine& machine, double utilisation) {
  const double written_off = machine.purchase > 0 ? machine.purchase / machine.lifetime_months : 0.0;
  const double idle_watts = machine.idle_watts.value_or(machine.watts);
  const double watts = idle_watts + (machine.watts - idle_watts) * utilisation;
  return (written_off + machine.monthly) / kHoursPerMonth + watts / kWattsPerKilowatt * machine.price_per_kwh;
}

}  // namespace sizeup
