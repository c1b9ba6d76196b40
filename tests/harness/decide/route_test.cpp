#include "harness/decide/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/random/counter_random.h"
#include "harness/statistics/routing.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

RouteSignal signal(const std::string& text) {
  return parse_route_signal(text).value();
}

std::vector<std::string> names_of(const RouteScorer& scorer) {
  std::vector<std::string> out;
  for (const auto& [feature, weight] : scorer.weights) out.push_back(feature.name());
  return out;
}

double weight_of(const RouteScorer& scorer, const std::string& name) {
  for (const auto& [feature, weight] : scorer.weights) {
    if (feature.name() == name) return weight;
  }
  return NAN;
}

const std::map<std::string, std::string> kGerman{{"language", "de"}};
const std::map<std::string, std::string> kEnglish{{"language", "en"}};

// Small is right with its confidence, less often in German, and less often on long prompts.
std::vector<RouteSample> traffic(size_t n, uint64_t seed = 1) {
  std::vector<RouteSample> out(n);
  for (size_t i = 0; i < n; ++i) {
    RouteSample& sample = out[i];
    const bool german = i % 3 == 0;
    sample.facts.confidence = 0.05 + 0.9 * uniform(seed, 0, i);
    sample.facts.input_tokens = std::floor(20.0 + 500.0 * uniform(seed, 1, i));
    sample.facts.output_tokens = 4.0;
    sample.facts.task = "helpdesk";
    sample.facts.slices = german ? &kGerman : &kEnglish;
    const double chance = sample.facts.confidence * (german ? 0.4 : 1.0);
    sample.small = uniform(seed, 2, i) < chance ? 1.0 : 0.0;
    sample.document = static_cast<int64_t>(i);
  }
  return out;
}

TEST(RouteSignal, IsNamed) {
  for (const char* name : {"confidence", "length", "slice:language", "learned", "verifier"})
    EXPECT_EQ(signal(name).name(), name);
  const auto unknown = parse_route_signal("mood");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().hint, HasSubstr("slice:FIELD"));
  EXPECT_FALSE(parse_route_signal("slice:").has_value());
}

TEST(RouteScores, OfConfidenceAreTheConfidence) {
  std::vector<RouteSample> samples = traffic(20);
  samples[3].facts.confidence = RouteFacts::kUnknown;
  const RouteScores scores = score_samples(samples, signal("confidence")).value();
  EXPECT_EQ(scores.cross_fitted[5], samples[5].facts.confidence);
  EXPECT_TRUE(std::isnan(scores.cross_fitted[3]));
  EXPECT_THAT(names_of(scores.scorer), ElementsAre("confidence"));
  for (RouteSample& sample : samples) sample.facts.confidence = RouteFacts::kUnknown;
  EXPECT_FALSE(score_samples(samples, signal("confidence")).has_value());
}

TEST(RouteScores, OfLengthFallWithIt) {
  std::vector<RouteSample> samples = traffic(3);
  samples[0].facts.input_tokens = 10;
  samples[1].facts.input_tokens = 1000;
  samples[2].facts.input_tokens = 0;
  const RouteScores scores = score_samples(samples, signal("length")).value();
  EXPECT_NEAR(scores.cross_fitted[0], 1.0 / 12.0, 1e-12);
  EXPECT_NEAR(scores.cross_fitted[1], 1.0 / 1002.0, 1e-12);
  EXPECT_NEAR(scores.cross_fitted[2], 0.5, 1e-12);
  for (RouteSample& sample : samples) sample.facts.input_tokens = RouteFacts::kUnknown;
  EXPECT_FALSE(score_samples(samples, signal("length")).has_value());
}

TEST(RouteScores, OfASliceAreSmallsMeanThereDrawnToTheWhole) {
  const std::vector<RouteSample> samples = traffic(600);
  const RouteScores scores = score_samples(samples, signal("slice:language")).value();
  double all = 0.0;
  double german = 0.0;
  for (const RouteSample& sample : samples) {
    all += sample.small / 600.0;
    if (sample.facts.slices == &kGerman) german += sample.small;
  }
  EXPECT_NEAR(scores.scorer.intercept, all, 1e-12);
  EXPECT_NEAR(scores.scorer.intercept + weight_of(scores.scorer, "slice:language=de"),
              (german + 10.0 * all) / 210.0, 1e-12);
  EXPECT_LT(scores.cross_fitted[0], scores.cross_fitted[1]);
  const auto absent = score_samples(samples, signal("slice:tier"));
  ASSERT_FALSE(absent.has_value());
  EXPECT_THAT(absent.error().message, HasSubstr("'tier'"));
}

// The label of a sample must not have a part in its own score, nor in those of its fold.
TEST(RouteScores, AreFittedOnOtherFolds) {
  for (const char* name : {"learned", "slice:language"}) {
    SCOPED_TRACE(name);
    std::vector<RouteSample> samples = traffic(400);
    const RouteScores before = score_samples(samples, signal(name)).value();
    const size_t fold = routing_fold(0);
    for (RouteSample& sample : samples) {
      if (routing_fold(sample.document) == fold) sample.small = 1.0 - sample.small;
    }
    const RouteScores after = score_samples(samples, signal(name)).value();
    int others_changed = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (routing_fold(samples[i].document) == fold) {
        EXPECT_EQ(after.cross_fitted[i], before.cross_fitted[i]) << i;
      } else {
        others_changed += after.cross_fitted[i] != before.cross_fitted[i];
      }
    }
    EXPECT_GT(others_changed, 300);
    EXPECT_NE(after.scorer.intercept, before.scorer.intercept);
  }
}

TEST(RouteScores, LearnedFindsWhatMakesSmallRight) {
  const std::vector<RouteSample> samples = traffic(6000);
  const RouteScores scores = score_samples(samples, signal("learned")).value();
  EXPECT_TRUE(scores.scorer.logistic);
  EXPECT_GT(weight_of(scores.scorer, "confidence_logit"), 0.3);
  EXPECT_LT(weight_of(scores.scorer, "slice:language=de"), -0.3);
  EXPECT_LT(std::abs(weight_of(scores.scorer, "log_input_tokens")), 0.15);
  // What never varies is no feature.
  EXPECT_THAT(names_of(scores.scorer), Not(Contains("log_output_tokens")));
  EXPECT_THAT(names_of(scores.scorer), Not(Contains("task:helpdesk")));
  EXPECT_THAT(names_of(scores.scorer), Not(Contains("confidence_missing")));

  // Better than confidence alone: its scores tell right from wrong more often.
  const auto apgr = [&](const std::vector<double>& by) {
    std::vector<RoutedSample> routed;
    for (size_t i = 0; i < samples.size(); ++i)
      routed.push_back({by[i], samples[i].small, 0.95, samples[i].document});
    return routing_frontier(routed).apgr;
  };
  std::vector<double> confidence;
  for (const RouteSample& sample : samples) confidence.push_back(sample.facts.confidence);
  EXPECT_GT(apgr(scores.cross_fitted), apgr(confidence) + 0.02);
}

// Failed tests are the answer being wrong; a score that knows them would be the truth itself.
TEST(RouteScores, LearnedDoesNotSeeTheVerdict) {
  std::vector<RouteSample> samples = traffic(300);
  for (RouteSample& sample : samples) {
    if (sample.small == 0.0) sample.facts.rejections = 1U << find_rejection("tests_failed").value();
  }
  EXPECT_THAT(names_of(score_samples(samples, signal("learned")).value().scorer),
              Not(Contains("tests_failed")));
}

TEST(RouteScores, RareValuesAreNoFeatures) {
  const std::map<std::string, std::string> rare{{"language", "fr"}};
  std::vector<RouteSample> samples = traffic(300);
  for (size_t i = 0; i < 29; ++i) samples[i].facts.slices = &rare;
  EXPECT_THAT(names_of(score_samples(samples, signal("learned")).value().scorer),
              Not(Contains("slice:language=fr")));
  samples[29].facts.slices = &rare;
  EXPECT_THAT(names_of(score_samples(samples, signal("learned")).value().scorer),
              Contains("slice:language=fr"));
}

TEST(RouteScores, OfAVerifierAreAllTheSame) {
  const std::vector<RouteSample> samples = traffic(5);
  const RouteScores scores = score_samples(samples, signal("verifier")).value();
  for (const double score : scores.cross_fitted) EXPECT_EQ(score, 1.0);
  EXPECT_TRUE(scores.scorer.weights.empty());
  EXPECT_TRUE(score_samples({}, signal("learned")).value().cross_fitted.empty());
}

}  // namespace
}  // namespace sizeup
