#include "harness/cost/price_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cost/price_date.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

constexpr const char* kFile = R"(prices:
  date: 2026-03-01
  currency: USD
  source: the vendor's page
  endpoints:
    large: {per_million_input: 2.5, per_million_cached_input: 1.25, per_million_output: 10}
  machines:
    rented: {per_hour: 1.08}
    bought:
      purchase: 3600
      lifetime_months: 36
      watts: 400
      price_per_kwh: 0.3
)";

TEST(PriceFile, EndpointsAndMachines) {
  const Result<PriceFile> file = parse_price_file(kFile, "prices.yaml");
  ASSERT_TRUE(file.has_value()) << describe(file.error());
  const Prices& large = file->endpoints.at("large");
  EXPECT_EQ(large.per_million_cached_input, 1.25);
  EXPECT_EQ(large.entry, "endpoint large");
  EXPECT_EQ(large.date, "2026-03-01");
  EXPECT_EQ(large.source, "the vendor's page");
  EXPECT_EQ(large.currency, "USD");
  EXPECT_EQ(file->machines.at("rented").per_hour, 1.08);
  EXPECT_EQ(file->machines.at("bought").own->lifetime_months, 36);
  EXPECT_EQ(file->machines.at("bought").per_hour, std::nullopt);  // follows with a run's utilisation
}

TEST(PriceFile, TheExampleOfTheDocumentation) {
  const Result<PriceFile> file = read_price_file(source_path("docs/examples/prices.yaml"));
  ASSERT_TRUE(file.has_value()) << describe(file.error());
  EXPECT_FALSE(file->endpoints.empty());
  EXPECT_FALSE(file->machines.empty());
}

TEST(PriceFile, MistakesAreNamedWithTheirLine) {
  struct Case {
    const char* yaml;
    const char* place;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {"price: 3\n", "p.yaml:1", "unknown key 'price'"},
           {"prices: {currency: EUR}\n", "p.yaml:1", "no date"},
           {"prices:\n  currency: EUR\n  date: March\n", "p.yaml:3", "'date' is 'March'"},
           {"prices:\n  date: 2026-02-30\n  currency: EUR\n", "p.yaml:2", "2026-02-30"},
           {"prices:\n  date: 2026-03-01\n  currency: EUR\n  endpoints: 3\n", "p.yaml:4", "no mapping"},
           {"prices:\n  date: 2026-03-01\n  currency: EUR\n  endpoints:\n    a: {per_million_input: -1}\n",
            "p.yaml:5", "'per_million_input' is '-1'"},
           {"prices:\n  date: 2026-03-01\n  currency: EUR\n  endpoints:\n    a: {per_million_input: 1}\n",
            "p.yaml:5", "endpoint 'a': prices per token are incomplete"},
           {"prices:\n  date: 2026-03-01\n  currency: EUR\n  machines:\n    a: {}\n", "p.yaml:5", "no price"},
           {"prices:\n  date: 2026-03-01\n  currency: EUR\n  machines:\n    a: {per_hours: 1}\n", "p.yaml:5",
            "unknown key 'per_hours'"},
           {"prices:\n  date: 2026-03-01\n  currency: EUR\n  machines:\n    a: {per_hour: 1, purchase: 1}\n",
            "p.yaml:5", "both given"},
       }) {
    const Result<PriceFile> file = parse_price_file(one.yaml, "p.yaml");
    ASSERT_FALSE(file.has_value()) << one.yaml;
    EXPECT_EQ(file.error().place, one.place) << one.yaml;
    EXPECT_THAT(file.error().message, HasSubstr(one.message)) << one.yaml;
  }
}

TEST(PriceDate, AgeInDays) {
  EXPECT_TRUE(is_date("2028-02-29"));
  EXPECT_FALSE(is_date("2026-02-29"));
  EXPECT_FALSE(is_date("2026-3-1"));
  EXPECT_FALSE(is_date("2026-03-01T10:00:00Z"));
  EXPECT_EQ(days_between("2026-03-01", "2026-11-27T00:00:00.000Z"), 271);
  EXPECT_EQ(days_between("2026-03-01", "soon"), std::nullopt);
  EXPECT_EQ(price_date_text("2026-03-01", "2026-11-27T00:00:00.000Z"), "prices of 2026-03-01, 271 days old");
  EXPECT_EQ(price_date_text("2026-03-01", "2026-05-30"), "prices of 2026-03-01");
  EXPECT_EQ(price_date_text("", "2026-05-30"), "");
}

// The same day is the first old one in the text and in the warning.
TEST(PriceDate, OldPricesAreWarnedOf) {
  EXPECT_EQ(old_price_warning("2026-03-01", "2026-05-30T23:59:59Z"), std::nullopt);  // 90 days
  const auto warning = old_price_warning("2026-03-01", "2026-05-31T00:00:00Z");
  ASSERT_TRUE(warning.has_value());
  EXPECT_THAT(*warning, HasSubstr("Prices of 2026-03-01 are 91 days old: check them."));
  EXPECT_EQ(price_date_text("2026-03-01", "2026-05-31"), "prices of 2026-03-01, 91 days old");
  EXPECT_EQ(old_price_warning("", "2026-05-31"), std::nullopt);
  EXPECT_EQ(old_price_warning("2027-03-01", "2026-05-31"), std::nullopt);
}

}  // namespace
}  // namespace sizeup
