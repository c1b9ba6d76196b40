#include "harness/cost/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/cost/price_date.h"

namespace sizeup {
namespace {

constexpr double kSecondsPerHour = 3600;
constexpr double kTokensPerPrice = 1e6;

bool valid_amount(const std::optional<double>& price) {
  return !price || (std::isfinite(*price) && *price >= 0);
}

bool priced_by_token(const Prices& prices) {
  return prices.per_million_input || prices.per_million_cached_input || prices.per_million_output;
}

std::optional<double> total_by_hour(const Prices& prices, const Usage& usage) {
  if (!usage.wall_seconds) return std::nullopt;
  return *prices.per_hour * *usage.wall_seconds / kSecondsPerHour / prices.utilisation;
}

std::optional<double> total_by_token(const Prices& prices, const Usage& usage) {
  if (!usage.input_tokens || !usage.output_tokens) return std::nullopt;
  return token_price(prices, static_cast<double>(*usage.input_tokens),
                     static_cast<double>(usage.cached_input_tokens.value_or(0)),
                     static_cast<double>(*usage.output_tokens));
}

Result<bool> same_currency(const Cost& a, const Cost& b) {
  if (a.total && b.total && a.currency != b.currency) {
    return bad_input("", fmt::format("costs in {} and {} cannot be combined", a.currency, b.currency),
                     "prices in one currency", "convert one of the price tables at a rate you state");
  }
  return true;
}

}  // namespace

Result<Prices> check_prices(Prices prices, const std::string& place) {
  for (const auto& price : {prices.per_hour, prices.per_million_input, prices.per_million_cached_input,
                            prices.per_million_output}) {
    if (!valid_amount(price)) return bad_input(place, "a price is not a number of at least 0", "0 or more");
  }
  if (!(prices.utilisation > 0 && prices.utilisation <= 1)) {
    return bad_input(place, fmt::format("utilisation {} is out of range", prices.utilisation),
                     "more than 0 and at most 1");
  }
  if (prices.own) {
    if (prices.per_hour) {
      return bad_input(place, "a price per hour and a machine of one's own are both given", "one of them");
    }
    Result<OwnMachine> machine = check_machine(*prices.own, place);
    if (!machine) return forward_error(machine);
    prices.per_hour = price_per_hour(*machine, prices.utilisation);
  }
  if (prices.per_hour && priced_by_token(prices)) {
    return bad_input(place, "a price per hour and prices per token are both given", "one of them");
  }
  if (priced_by_token(prices) && !(prices.per_million_input && prices.per_million_output)) {
    return bad_input(place, "prices per token are incomplete", "a price for input and one for output tokens");
  }
  if (!prices.date.empty() && !is_date(prices.date)) {
    return bad_input(place, fmt::format("the date '{:.40}' is none", prices.date),
                     "a day such as 2026-03-01");
  }
  if (prices.known() && prices.currency.empty()) {
    return bad_input(place, "prices without a currency", "a currency, such as USD");
  }
  return prices;
}

Cost cost_of(const Prices& prices, const Usage& usage) {
  Cost cost;
  cost.basis = "unknown";
  if (prices.per_hour) {
    cost.total = total_by_hour(prices, usage);
    cost.basis =
        fmt::format("price per hour {:.2f} at utilisation {:.2f}", *prices.per_hour, prices.utilisation);
  } else if (priced_by_token(prices)) {
    cost.total = total_by_token(prices, usage);
    cost.basis = "price per token";
  }
  if (!cost.total) return cost;
  cost.currency = prices.currency;
  if (usage.requests > 0) {
    cost.per_request = *cost.total / static_cast<double>(usage.requests);
    cost.per_1000_requests = 1000 * *cost.per_request;
  }
  if (usage.correct.value_or(0) > 0) {
    cost.per_1000_correct = 1000 * *cost.total / static_cast<double>(*usage.correct);
  }
  return cost;
}

std::optional<double> token_price(const Prices& prices, double input, double cached_input, double output) {
  if (!prices.per_million_input || !prices.per_million_output) return std::nullopt;
  // Endpoints report these counts; more cached than input tokens must not make a negative price.
  const double cached = std::min(input, cached_input);
  const double cached_price = prices.per_million_cached_input.value_or(*prices.per_million_input);
  return ((input - cached) * *prices.per_million_input + cached * cached_price +
          output * *prices.per_million_output) /
         kTokensPerPrice;
}

Result<std::optional<double>> add_totals(const Cost& a, const Cost& b) {
  Result<bool> same = same_currency(a, b);
  if (!same) return forward_error(same);
  if (!a.total || !b.total) return std::optional<double>();
  return std::optional<double>(*a.total + *b.total);
}

Result<std::optional<double>> cost_ratio(const Cost& a, const Cost& b) {
  Result<bool> same = same_currency(a, b);
  if (!same) return forward_error(same);
  if (!a.per_request || !b.per_request || *b.per_request == 0) return std::optional<double>();
  return std::optional<double>(*a.per_request / *b.per_request);
}

}  // namespace sizeup
