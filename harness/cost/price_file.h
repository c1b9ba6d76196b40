// A dated file of prices that several run files share: endpoints by the token, machines by the hour.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/errors/result.h"
#include "harness/cost/cost.h"

namespace sizeup {

struct PriceFile {
  std::string name;  // of the file
  std::string date;
  std::string currency;
  std::string source;
  std::map<std::string, Prices> endpoints;  // each with date, source and entry filled in
  std::map<std::string, Prices> machines;
};

// prices:
//   date: 2026-03-01
//   currency: EUR
//   source: where they were read
//   endpoints: {NAME: {per_million_input, per_million_cached_input, per_million_output}}
//   machines: {NAME: {per_hour} or {purchase, lifetime_months, watts, idle_watts, price_per_kwh, monthly}}
//
// Unknown keys, wrong types and numbers out of range are errors with file and line.
Result<PriceFile> read_price_file(const std::filesystem::path& file);
Result<PriceFile> parse_price_file(const std::string& yaml, const std::string& name);

}  // namespace sizeup
