#include "harness/cost/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sizeup {
namespace {

Prices by_hour(double price, double utilisation = 1.0) {
  Prices prices;
  prices.currency = "USD";
  prices.per_hour = price;
  prices.utilisation = utilisation;
  return prices;
}

Prices by_token(double input, double output) {
  Prices prices;
  prices.currency = "USD";
  prices.per_million_input = input;
  prices.per_million_output = output;
  return prices;
}

Usage usage_of(int64_t requests) {
  Usage usage;
  usage.requests = requests;
  return usage;
}

TEST(Cost, OwnMachineByTheHour) {
  Usage usage = usage_of(500);
  usage.wall_seconds = 900;
  usage.correct = 400;
  const Cost cost = cost_of(by_hour(0.40), usage);
  EXPECT_DOUBLE_EQ(cost.total.value(), 0.10);
  EXPECT_DOUBLE_EQ(cost.per_request.value(), 0.0002);
  EXPECT_DOUBLE_EQ(cost.per_1000_requests.value(), 0.20);
  EXPECT_DOUBLE_EQ(cost.per_1000_correct.value(), 0.25);
  EXPECT_EQ(cost.currency, "USD");
  EXPECT_EQ(cost.basis, "price per hour 0.40 at utilisation 1.00");
}

TEST(Cost, AMachineThatIdlesHalfTheTimeCostsTwiceAsMuch) {
  Usage usage = usage_of(500);
  usage.wall_seconds = 900;
  EXPECT_DOUBLE_EQ(cost_of(by_hour(0.40, 0.5), usage).total.value(), 0.20);
}

TEST(Cost, EndpointByTheToken) {
  Usage usage = usage_of(10);
  usage.input_tokens = 1'000'000;
  usage.output_tokens = 200'000;
  Prices prices = by_token(2.5, 10);
  EXPECT_DOUBLE_EQ(cost_of(prices, usage).total.value(), 4.5);
  EXPECT_EQ(cost_of(prices, usage).basis, "price per token");

  usage.cached_input_tokens = 400'000;  // without a price of their own they cost the same
  EXPECT_DOUBLE_EQ(cost_of(prices, usage).total.value(), 4.5);
  prices.per_million_cached_input = 1.25;
  EXPECT_DOUBLE_EQ(cost_of(prices, usage).total.value(), 4.0);
  usage.cached_input_tokens = 5'000'000;  // an endpoint's nonsense: no more than the input itself
  EXPECT_DOUBLE_EQ(cost_of(prices, usage).total.value(), 3.25);
}

TEST(Cost, UnknownIsNeverZero) {
  Usage usage = usage_of(10);
  usage.wall_seconds = 5;
  const Cost without_prices = cost_of({}, usage);
  EXPECT_EQ(without_prices.total, std::nullopt);
  EXPECT_EQ(without_prices.per_request, std::nullopt);
  EXPECT_EQ(without_prices.basis, "unknown");
  EXPECT_EQ(cost_of(by_hour(1), usage_of(10)).total, std::nullopt);  // no time measured

  Usage only_input = usage_of(10);
  only_input.input_tokens = 100;
  EXPECT_EQ(cost_of(by_token(1, 2), only_input).total, std::nullopt);
}

TEST(Cost, PriceZeroIsKnown) {
  Usage usage = usage_of(10);
  usage.wall_seconds = 5;
  EXPECT_EQ(cost_of(by_hour(0), usage).total, 0.0);
}

TEST(Cost, NothingRightHasNoCostPerCorrectAnswer) {
  Usage usage = usage_of(10);
  usage.wall_seconds = 5;
  usage.correct = 0;
  EXPECT_EQ(cost_of(by_hour(1), usage).per_1000_correct, std::nullopt);
  usage.requests = 0;
  EXPECT_EQ(cost_of(by_hour(1), usage).per_request, std::nullopt);
}

TEST(CheckPrices, NamesWhatIsWrong) {
  EXPECT_TRUE(check_prices(by_hour(1), "run.yaml").has_value());
  EXPECT_TRUE(check_prices({}, "run.yaml").has_value());  // unknown is allowed
  const auto message = [](const Prices& prices) {
    const Result<Prices> checked = check_prices(prices, "run.yaml:7");
    EXPECT_FALSE(checked.has_value());
    return checked.has_value() ? std::string() : describe(checked.error());
  };
  EXPECT_THAT(message(by_hour(-1)), testing::HasSubstr("run.yaml:7: a price"));
  EXPECT_THAT(message(by_hour(std::numeric_limits<double>::quiet_NaN())), testing::HasSubstr("a price"));
  EXPECT_THAT(message(by_hour(1, 0)), testing::HasSubstr("utilisation"));
  EXPECT_THAT(message(by_hour(1, 1.5)), testing::HasSubstr("utilisation"));
  Prices both = by_token(1, 2);
  both.per_hour = 1;
  EXPECT_THAT(message(both), testing::HasSubstr("both"));
  Prices no_output = by_token(1, 2);
  no_output.per_million_output.reset();
  EXPECT_THAT(message(no_output), testing::HasSubstr("incomplete"));
  Prices no_currency = by_hour(1);
  no_currency.currency.clear();
  EXPECT_THAT(message(no_currency), testing::HasSubstr("currency"));
}

Cost amount(const std::string& currency, std::optional<double> total) {
  Cost cost;
  cost.currency = currency;
  cost.total = total;
  cost.per_request = total;
  return cost;
}

TEST(Currencies, AreNeverMixed) {
  EXPECT_EQ(add_totals(amount("USD", 1), amount("USD", 2)).value(), 3.0);
  EXPECT_FALSE(add_totals(amount("USD", 1), amount("EUR", 2)).has_value());
  EXPECT_FALSE(cost_ratio(amount("USD", 1), amount("EUR", 2)).has_value());
  EXPECT_EQ(add_totals(amount("USD", 1), amount("", std::nullopt)).value(), std::nullopt);
}

TEST(CostRatio, IsUnknownWhereACostIsUnknownOrNothing) {
  EXPECT_EQ(cost_ratio(amount("USD", 1), amount("USD", 4)).value(), 0.25);
  EXPECT_EQ(cost_ratio(amount("USD", 1), amount("USD", 0)).value(), std::nullopt);
  EXPECT_EQ(cost_ratio(amount("", std::nullopt), amount("USD", 4)).value(), std::nullopt);
}

}  // namespace
}  // namespace sizeup
