// What answers cost: own machines by the hour, endpoints by the token. Unknown is nullopt, never 0; amounts
// in different currencies are never added or compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/errors/result.h"
#include "harness/cost/own_machine.h"

namespace sizeup {

// Either a price per hour, a machine whose price per hour follows, or prices per token; neither: unknown.
struct Prices {
  std::string currency;  // as printed, "USD"; empty only if no price is given
  std::optional<double> per_hour;
  std::optional<OwnMachine> own;  // per_hour is worked out of it by check_prices
  double utilisation = 1.0;       // share of the paid time in which the machine answers; in (0, 1]
  std::optional<double> per_million_input;
  std::optional<double> per_million_cached_input;  // absent: cached tokens cost what other input does
  std::optional<double> per_million_output;
  // Where they come from; all may be empty.
  std::string entry;   // of a price file: "machine gpu-box"
  std::string date;    // 2026-03-01
  std::string source;  // in words

  bool known() const { return per_hour || per_million_input || per_million_output; }
};

// Checks signs, ranges, the date, that a currency is named, and that only one way of pricing is given,
// complete (a price for input and one for output). `place` goes into the error.
Result<Prices> check_prices(Prices prices, const std::string& place);

// What a set of requests used.
struct Usage {
  int64_t requests = 0;
  std::optional<int64_t> correct;              // answers that were right; nullopt where that is no count
  std::optional<double> wall_seconds;          // of the whole set
  std::optional<int64_t> input_tokens;         // all prompt tokens, cached ones included
  std::optional<int64_t> cached_input_tokens;  // absent: none were cached
  std::optional<int64_t> output_tokens;
};

// The basis of costs that came with recorded answers; no prices stand behind it.
inline constexpr const char* kRecordedCost = "recorded with the answers";

struct Cost {
  std::string currency;
  std::optional<double> total;
  std::optional<double> per_request;
  std::optional<double> per_1000_requests;
  std::optional<double> per_1000_correct;  // nullopt when nothing was right: no amount buys a right answer
  std::string basis;  // "price per hour 0.20 at utilisation 1.00", "price per token", "unknown"
};

// per hour: wall_seconds / 3600 * price / utilisation. per token: token_price of the counts. A missing usage
// figure that the price needs makes every amount unknown.
Cost cost_of(const Prices& prices, const Usage& usage);

// (input - cached) * input price + cached * cached price + output * output price, per million; nothing where
// these prices are not given.
std::optional<double> token_price(const Prices& prices, double input, double cached_input, double output);

// The sum of two totals; nullopt when one of them is unknown; an error for different currencies.
Result<std::optional<double>> add_totals(const Cost& a, const Cost& b);

// a / b of the costs per request, e.g. how many times cheaper the small model is; nullopt when one is unknown
// or b costs nothing; an error for different currencies.
Result<std::optional<double>> cost_ratio(const Cost& a, const Cost& b);

}  // namespace sizeup
