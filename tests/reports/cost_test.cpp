#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/json/json.h"
#include "reports/format.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

// A machine of EUR 0.40 an hour that takes 0.27 s a request, against EUR 0.0004 a request: by hand.
constexpr double kMachineMonth = 0.40 * 730;
constexpr double kBreakEven = kMachineMonth / 0.0004;
constexpr double kCapacity = 730 * 3600 / 0.27;
// Of a million tokens at the endpoint (invented_run.cpp).
constexpr double kInputPrice = 5.0;
constexpr double kOutputPrice = 16.0;

class PairCost : public testing::Test {
 protected:
  TemporaryFolder own;

  ReportData load(const InventedRun& what, const ReportOptions& options = {}) const {
    const std::filesystem::path file = own.path() / "store.db";
    std::filesystem::remove(file);
    const Store store = make_invented_run(file, what);
    Result<ReportData> data = load_report(store, "", options);
    if (!data) throw std::runtime_error(describe(data.error()));
    return std::move(*data);
  }

  static InventedRun with(Json assumptions) {
    InventedRun run;
    run.assumptions = std::move(assumptions);
    return run;
  }
};

TEST_F(PairCost, BreakEvenOfAMachineAndAnEndpoint) {
  const ReportData data = load({});
  ASSERT_TRUE(data.pair_cost.has_value());
  const BreakEven& found = data.pair_cost->by_volume;
  EXPECT_EQ(found.crossing.above, Cheaper::candidate);
  EXPECT_EQ(found.crossing.below, Cheaper::baseline);
  EXPECT_NEAR(found.crossing.at.value(), kBreakEven, 1e-6 * kBreakEven);
  EXPECT_LT(found.lo, kBreakEven);
  EXPECT_GT(found.hi, kBreakEven);
  EXPECT_GT(found.lo, 0.9 * kBreakEven);  // prompts of 30 to 50 tokens, 410 samples
  EXPECT_LT(found.hi, 1.1 * kBreakEven);
  EXPECT_FALSE(data.pair_cost->volume.has_value());
  EXPECT_FALSE(data.pair_cost->by_month.has_value());
}

TEST_F(PairCost, PayBackOfOneTimeCosts) {
  const ReportData data = load(with({{"volume", 2e6}, {"one_time", {{"pocket-small", 1000}}}}));
  ASSERT_TRUE(data.pair_cost->by_month.has_value());
  const double saved = 2e6 * 0.0004 - kMachineMonth;
  EXPECT_NEAR(data.pair_cost->by_month->crossing.at.value(), 1000 / saved, 1e-6);
  const std::vector<std::string> sentences = break_even_sentences(data);
  ASSERT_EQ(sentences.size(), 2u);
  EXPECT_THAT(sentences[0],
              HasSubstr("Above 730,000 requests a month small costs less (95\u00a0% interval 7"));
  EXPECT_THAT(sentences[0], HasSubstr("just below, large does"));
  EXPECT_THAT(sentences[1], HasSubstr("At 2,000,000 requests a month small has paid back"));
}

TEST_F(PairCost, NeverIsSaid) {
  ReportOptions swapped;
  swapped.candidate = "pocket-large";
  swapped.baseline = "pocket-small";
  const ReportData data = load(with({{"volume", 2e6}, {"one_time", {{"pocket-large", 1000}}}}), swapped);
  EXPECT_EQ(data.pair_cost->by_volume.crossing.above, Cheaper::baseline);
  EXPECT_NEAR(data.pair_cost->by_volume.crossing.at.value(), kBreakEven, 1e-6 * kBreakEven);
  EXPECT_THAT(break_even_sentences(data)[1], HasSubstr("small never pays back"));
}

TEST_F(PairCost, PageAndJsonSayTheSame) {
  const ReportData data = load(with({{"volume", 2e7}, {"one_time", {{"pocket-small", 1000}}}}));
  const Json cost = to_json(data)["cost"];
  EXPECT_EQ(cost["currency"], "EUR");
  EXPECT_NEAR(cost["break_even_volume"]["at"].get<double>(), kBreakEven, 1e-6 * kBreakEven);
  EXPECT_EQ(cost["break_even_volume"]["cheaper"], "small");
  const double machines = std::ceil(2e7 / kCapacity);
  EXPECT_EQ(cost["at_volume"][0]["model"], "pocket-small");
  EXPECT_EQ(cost["at_volume"][0]["machines"], machines);
  EXPECT_NEAR(cost["at_volume"][0]["per_month"].get<double>(), machines * kMachineMonth, 1e-6);
  EXPECT_NEAR(cost["at_volume"][1]["per_year"].get<double>(), 12 * 2e7 * 0.0004, 1e-6);
  int rows = 0;
  for (const Json& row : cost["rows"]) {
    if (!row["task"].is_null()) continue;
    ++rows;
    const bool small = row["model"] == "pocket-small";
    EXPECT_EQ(row["endpoint_per_request"].is_null(), small);
    EXPECT_EQ(row["capacity_per_month"].is_null(), !small);
    if (small) {
      EXPECT_NEAR(row["capacity_per_month"].get<double>(), kCapacity, 1);
    }
    EXPECT_NEAR(row["per_request"]["value"].get<double>(), small ? 0.00003 : 0.0004, 1e-12);
  }
  EXPECT_EQ(rows, 2);

  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("monthly cost against requests a month, both logarithmic"));
  EXPECT_THAT(page, HasSubstr(">your volume</text>"));
  EXPECT_THAT(page, HasSubstr(format_money(machines * kMachineMonth, "EUR") + "</td>"));
  EXPECT_THAT(page, HasSubstr(format_money(2e7 * 0.0004, "EUR") + "</td>"));
  for (const std::string& sentence : break_even_sentences(data)) EXPECT_THAT(page, HasSubstr(sentence));
  for (const ReportAssumption& one : data.pair_cost->assumptions) EXPECT_THAT(page, HasSubstr(one.value));
  EXPECT_THAT(page, HasSubstr("prices of 2026-03-01, 265 days old"));  // the run is of 2026-11-21
}

TEST_F(PairCost, OptionsTakeThePlaceOfTheRunFile) {
  ReportOptions options;
  options.cost.emplace();
  options.cost->volume = 5e5;
  const ReportData data = load(with({{"volume", 2e6}}), options);
  EXPECT_EQ(data.pair_cost->volume, 5e5);
  ASSERT_FALSE(data.pair_cost->assumptions.empty());
  EXPECT_EQ(data.pair_cost->assumptions.front().value, "500,000");
  EXPECT_EQ(data.pair_cost->assumptions.front().from, "command line");

  options.cost->running["nobody"].monthly = 5;
  const Store store = make_invented_run(own.path() / "other.db", {});
  const Result<ReportData> wrong = load_costs(store, "", options);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_THAT(wrong.error().message, HasSubstr("'nobody'"));
  EXPECT_THAT(wrong.error().expected, HasSubstr("pocket-small, pocket-large"));
}

// Traffic of twice the tokens costs twice as much, on a machine by its time for a token; an endpoint's by its
// prices.
TEST_F(PairCost, TrafficTakesThePlaceOfTheSamples) {
  const Store store = make_invented_run(own.path() / "traffic.db", {});
  const ReportData of_samples = load_costs(store, "", {}).value();
  const auto whole = [](const ReportData& data, int model) {
    for (const ReportCost& cost : data.cost) {
      if (cost.model == model && cost.task < 0) return cost;
    }
    throw std::runtime_error("no such row");
  };
  ReportOptions options;
  options.cost.emplace();
  options.cost->volume = 1e6;
  options.traffic.emplace();
  options.traffic->name = "requests.jsonl";
  options.traffic->rows = {{3, {}}, {1, {}}};
  const double sample =
      whole(of_samples, 0).per_request.value / *whole(of_samples, 0).per_million_tokens * 1e6;
  for (const char* model : {"pocket-small", "pocket-large"}) {
    options.traffic->tokens[model] = {{sample, 0, sample}, {sample, 0, sample}};
  }
  const ReportData data = load_costs(store, "", options).value();
  ASSERT_EQ(data.cost.size(), 2u);  // rows by task are of the evaluation
  const ReportCost small = whole(data, 0);
  EXPECT_NEAR(small.per_request.value, 2 * 0.00003, 1e-12);
  EXPECT_NEAR(small.by_volume->capacity().value(), kCapacity / 2, 1);
  EXPECT_NEAR(small.per_month.value, kMachineMonth, 1e-9);
  EXPECT_NEAR(*small.per_1000_correct, 2 * *whole(of_samples, 0).per_1000_correct, 1e-9);
  const ReportCost large = whole(data, 1);
  EXPECT_NEAR(large.per_request.value, sample * (kInputPrice + kOutputPrice) / 1e6, 1e-12);
  EXPECT_NEAR(large.per_month.value, 1e6 * large.per_request.value, 1e-6);
  EXPECT_NEAR(data.pair_cost->by_volume.crossing.at.value(), kMachineMonth / large.per_request.value, 1);

  // An answer whose length is not said is as long as the evaluation's.
  options.traffic->tokens["pocket-large"] = {{100, 40, {}}, {100, 40, {}}};
  const double written = whole(load_costs(store, "", options).value(), 1).per_request.value;
  EXPECT_NEAR(written, (100 * kInputPrice + 12 * kOutputPrice) / 1e6, 1e-12);
}

TEST_F(PairCost, EnergyOfARequestATokenAndARightAnswer) {
  InventedRun run = with({{"grid_g_per_kwh", 360}});
  run.energy = true;
  const ReportData data = load(run);
  ASSERT_EQ(data.energy.size(), 2u);
  const ReportEnergy& small = data.energy[0];
  // Three tasks, 410 samples, 200 J for each task; 50 tokens a sample.
  const double joules = 3 * 200.0 / 410;
  EXPECT_NEAR(small.joules_per_request.value(), joules, 1e-12);
  EXPECT_NEAR(small.joules_per_token.value(), joules / 50, 1e-12);
  EXPECT_NEAR(small.grams_per_1000.value(), 1000 * joules / 3.6e6 * 360, 1e-9);
  EXPECT_FALSE(data.energy[1].joules_per_request.has_value());
  const Json energy = to_json(data)["cost"]["energy"];
  EXPECT_NEAR(energy[0]["joules_per_request"].get<double>(), joules, 1e-12);
  EXPECT_TRUE(energy[1]["joules_per_request"].is_null());
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr(format_significant(joules) + "\u00a0J"));
  EXPECT_THAT(page, HasSubstr("not measured"));
}

TEST_F(PairCost, NothingWithoutPrices) {
  InventedRun run;
  run.prices = false;
  const ReportData data = load(run);
  EXPECT_FALSE(data.pair_cost.has_value());
  EXPECT_FALSE(to_json(data)["cost"].contains("break_even_volume"));
  EXPECT_THAT(to_html(data), Not(HasSubstr("both logarithmic\"")));
}

TEST_F(PairCost, CostsAloneAreThoseOfTheReport) {
  const Store store = make_invented_run(own.path() / "store.db", with({{"volume", 2e6}}));
  const Result<ReportData> report = load_report(store, "", {});
  const Result<ReportData> costs = load_costs(store, "", {});
  ASSERT_TRUE(report.has_value());
  ASSERT_TRUE(costs.has_value());
  EXPECT_EQ(cost_to_json(*costs), to_json(*report)["cost"]);
}

}  // namespace
}  // namespace sizeup
