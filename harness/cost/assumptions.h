// What people assume about cost beside prices, and how both are kept with a run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json/json_fwd.h"
#include "harness/cost/break_even.h"
#include "harness/cost/cost.h"

namespace sizeup {

// The key `cost` of a run file.
struct CostAssumptions {
  std::optional<double> volume;                 // requests a month
  std::map<std::string, RunningCosts> running;  // by model name
  std::optional<double> grid_g_per_kwh;         // CO2 of the electricity

  bool any() const { return volume || !running.empty() || grid_g_per_kwh; }
};

// As a run file writes them.
Json to_json(const Prices& prices);
Json to_json(const CostAssumptions& assumptions);

struct StoredCosts {
  std::map<std::string, Prices> prices;  // by model name
  CostAssumptions assumptions;
};

// From the settings that a run stored. They were checked then: what is none of ours is left out.
StoredCosts read_stored_costs(const std::string& settings);

// The old ones among a run's prices, a sentence for each date.
std::vector<std::string> old_price_warnings(const std::map<std::string, Prices>& prices,
                                            const std::string& now);

}  // namespace sizeup
