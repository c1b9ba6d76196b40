#include "harness/statistics/quantisation_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/errors/result.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "tests/harness/statistics/golden.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-12;     // sums of a few terms in double, on both sides
constexpr double kFromLibraries = 1e-9;  // quantiles and fits of other libraries

// From tests/oracles/quant_loss_golden.py.
Json invented() {
  const auto path = golden_folder() / "quant_loss/expected.json";
  return parse_json(read_whole(path), path.string()).value().at("statistics");
}

std::vector<PositionLoss> positions_of(const Json& golden) {
  std::vector<PositionLoss> positions;
  for (size_t i = 0; i < golden["next"].size(); ++i) {
    positions.push_back(position_loss(golden["base"][i].get<std::vector<float>>(),
                                      golden["variant"][i].get<std::vector<float>>(),
                                      golden["next"][i].get<size_t>()));
  }
  return positions;
}

void expect_mean(const LossEstimate& ours, const Json& expected) {
  EXPECT_NEAR(ours.estimate.value, expected["value"].get<double>(), kFromLibraries);
  EXPECT_NEAR(ours.standard_error, expected["standard_error"].get<double>(), kFromLibraries);
  expect_interval(ours.estimate.lo, ours.estimate.hi, expected["interval"], kFromLibraries);
  expect_interval(ours.by_window.lo, ours.by_window.hi, expected["by_window"], kFromLibraries);
}

TEST(QuantisationLoss, AgreesWithScipyAndStatsmodels) {
  const Json golden = invented();
  const Json& expected = golden["expected"];
  const QuantisationLoss loss =
      quantisation_loss(positions_of(golden), golden["windows"].get<std::vector<int64_t>>());
  EXPECT_EQ(loss.positions, expected["positions"].get<int64_t>());
  EXPECT_EQ(loss.windows, expected["windows"].get<int64_t>());
  {
    SCOPED_TRACE("divergence");
    // The rows are float32 log-probabilities that sum to one within 1e-7; SciPy's are made to sum to one.
    expect_mean(loss.divergence, expected["divergence"]);
  }
  EXPECT_NEAR(loss.divergence_median, expected["percentiles"][0].get<double>(), kFromLibraries);
  EXPECT_NEAR(loss.divergence_p90, expected["percentiles"][1].get<double>(), kFromLibraries);
  EXPECT_NEAR(loss.divergence_p95, expected["percentiles"][2].get<double>(), kFromLibraries);
  EXPECT_NEAR(loss.divergence_p99, expected["percentiles"][3].get<double>(), kFromLibraries);
  EXPECT_NEAR(loss.divergence_maximum, expected["maximum"].get<double>(), kFromLibraries);
  {
    SCOPED_TRACE("same top");
    expect_mean(loss.same_top, expected["same_top"]);
  }
}

// Log-probabilities are taken as they are, so that they are those of `sizeup score`: in float32.
TEST(QuantisationLoss, PerplexitiesArePairedOverTheTextsTokens) {
  constexpr double kFloat = 1e-6;
  const Json golden = invented();
  const Json& expected = golden["expected"];
  const QuantisationLoss loss =
      quantisation_loss(positions_of(golden), golden["windows"].get<std::vector<int64_t>>());
  for (const auto& [ours, theirs] : {std::pair(loss.base_perplexity, expected["base_perplexity"]),
                                     std::pair(loss.variant_perplexity, expected["variant_perplexity"])}) {
    EXPECT_NEAR(ours.value / theirs["value"].get<double>(), 1.0, kFloat);
    EXPECT_NEAR(ours.lo / theirs["interval"][0].get<double>(), 1.0, kFloat);
    EXPECT_NEAR(ours.hi / theirs["interval"][1].get<double>(), 1.0, kFloat);
  }
  for (const auto& [ours, theirs] :
       {std::pair(loss.log_ratio, expected["log_ratio"]), std::pair(loss.absolute, expected["absolute"])}) {
    EXPECT_NEAR(ours.estimate.value, theirs["value"].get<double>(), kFloat);
    EXPECT_NEAR(ours.standard_error, theirs["standard_error"].get<double>(), kFloat);
    expect_interval(ours.estimate.lo, ours.estimate.hi, theirs["interval"], kFloat);
    expect_interval(ours.by_window.lo, ours.by_window.hi, theirs["by_window"], kFloat);
  }
  EXPECT_NEAR(loss.absolute_maximum, expected["absolute_maximum"].get<double>(), kFloat);
  EXPECT_NEAR(loss.log_ratio.estimate.value,
              std::log(loss.variant_perplexity.value / loss.base_perplexity.value), kTolerance);
}

// ln 2 of each token against 1/2 and 1/2 against 1/4, 3/4, by hand.
TEST(PositionLoss, IsTheDivergenceInNats) {
  const std::vector<float> half = {std::log(0.5F), std::log(0.5F)};
  const std::vector<float> skewed = {std::log(0.25F), std::log(0.75F)};
  const PositionLoss loss = position_loss(half, skewed, 1);
  EXPECT_NEAR(loss.divergence, 0.5 * std::log(2.0) + 0.5 * std::log(0.5 / 0.75), 1e-7);
  EXPECT_FALSE(loss.same_top) << "of equal ones the lowest is the most probable";
  EXPECT_EQ(loss.base_logprob, half[1]);
  EXPECT_EQ(loss.variant_logprob, skewed[1]);
  const double other_way = position_loss(skewed, half, 1).divergence;
  EXPECT_NEAR(other_way, 0.25 * std::log(0.5) + 0.75 * std::log(1.5), 1e-7);
}

TEST(PositionLoss, OfADistributionAndItselfIsExactlyZero) {
  const std::vector<float> row = {-0.3F, -1.7F, -4.0F, -9.5F};  // sums to no more than nearly one
  EXPECT_EQ(position_loss(row, row, 0).divergence, 0.0);
  EXPECT_TRUE(position_loss(row, row, 0).same_top);
}

TEST(PositionLoss, DoesNotDependOnWhatTheDistributionsSumTo) {
  const std::vector<float> p = {std::log(0.5F), std::log(0.5F)};
  const std::vector<float> q = {std::log(0.25F), std::log(0.75F)};
  std::vector<float> shifted = q;
  for (float& x : shifted) x += 0.01F;
  EXPECT_NEAR(position_loss(p, shifted, 0).divergence, position_loss(p, q, 0).divergence, 1e-7);
}

TEST(PositionLoss, ImpossibleTokensCountAsTheFormulaSays) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const std::vector<float> one = {0.0F, kNever};
  const std::vector<float> half = {std::log(0.5F), std::log(0.5F)};
  EXPECT_NEAR(position_loss(one, half, 0).divergence, std::log(2.0), 1e-7) << "0 ln 0 is 0";
  EXPECT_TRUE(std::isinf(position_loss(half, one, 0).divergence));
  const std::vector<float> broken = {std::nanf(""), 0.0F};
  EXPECT_TRUE(std::isnan(position_loss(broken, half, 0).divergence));
}

TEST(QuantisationLoss, OneWindowHasNoIntervalByWindow) {
  const Json golden = invented();
  const std::vector<PositionLoss> positions = positions_of(golden);
  const std::vector<int64_t> windows(positions.size(), 4);
  const QuantisationLoss loss = quantisation_loss(positions, windows);
  EXPECT_EQ(loss.windows, 1);
  EXPECT_TRUE(loss.divergence.estimate.has_interval());
  EXPECT_TRUE(std::isnan(loss.divergence.by_window.lo));
  EXPECT_TRUE(std::isnan(loss.same_top.by_window.lo));
}

// Ten agreements are no proof that all agree; a divergence of zero everywhere has no such range to fear.
TEST(QuantisationLoss, EqualModelsAreSaidToBeEqual) {
  const std::vector<float> row = {std::log(0.5F), std::log(0.5F)};
  const std::vector<PositionLoss> positions(10, position_loss(row, row, 0));
  const QuantisationLoss loss =
      quantisation_loss(positions, std::vector<int64_t>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1});
  EXPECT_EQ(loss.divergence.estimate.hi, 0.0);
  EXPECT_EQ(loss.divergence.by_window.hi, 0.0);
  EXPECT_LT(loss.same_top.estimate.lo, 0.8);
  EXPECT_EQ(loss.same_top.estimate.hi, 1.0);
  EXPECT_LT(loss.same_top.by_window.lo, loss.same_top.estimate.lo);
}

}  // namespace
}  // namespace sizeup
