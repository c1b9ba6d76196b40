#include "backends/router/route_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

RouteFeature feature(const std::string& name) {
  return RouteFeature::parse(name).value();
}

RoutePolicy policy() {
  RoutePolicy out;
  out.run = "2026-11-27-1";
  out.small = {"small", "./small.gguf", "aa"};
  out.large = {"large", "openai:big?base_url=http://127.0.0.1:1/v1", "unknown:bb"};
  out.confidence = "mean token probability";
  out.scorer = {.logistic = true,
                .intercept = 0.25,
                .weights = {{feature("confidence_logit"), 1.5}, {feature("slice:language=de"), -0.75}}};
  out.threshold = 0.875;
  out.rejections = {1, 2};
  out.expected.samples = 430;
  out.expected.share = {0.24, 0.2, 0.28};
  out.expected.accuracy = {0.884, 0.86, 0.91};
  out.expected.large = 0.892;
  out.tasks = {"helpdesk"};
  for (int i = 0; i < 1'200; ++i) out.fitted.push_back(fitted_number("document " + std::to_string(i)));
  std::sort(out.fitted.begin(), out.fitted.end());
  return out;
}

std::string error_after(const std::function<void(Json&)>& edit) {
  Json json = Json::parse(to_route_policy_text(policy()));
  edit(json);
  const Result<RoutePolicy> read = parse_route_policy(json.dump(), "policy.json");
  return read ? "" : describe(read.error());
}

TEST(RoutePolicyFile, ComesBackAsItWas) {
  const std::string text = to_route_policy_text(policy());
  const RoutePolicy read = parse_route_policy(text, "policy.json").value();
  EXPECT_EQ(to_route_policy_text(read), text);
  EXPECT_EQ(read.small.reference, "./small.gguf");
  EXPECT_TRUE(read.scorer.logistic);
  ASSERT_EQ(read.scorer.weights.size(), 2u);
  EXPECT_EQ(read.scorer.weights[1].first.name(), "slice:language=de");
  EXPECT_EQ(read.scorer.weights[1].second, -0.75);
  EXPECT_EQ(read.threshold, 0.875);
  EXPECT_EQ(read.rejections, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(read.expected.samples, 430);
  EXPECT_EQ(read.expected.accuracy.hi, 0.91);
  EXPECT_EQ(read.expected.share.lo, 0.2);
  EXPECT_TRUE(std::isnan(read.expected.cost.value));
  EXPECT_EQ(read.tasks, std::vector<std::string>{"helpdesk"});
  EXPECT_EQ(read.fitted, policy().fitted);
}

TEST(RoutePolicyFile, KeepsTheCost) {
  RoutePolicy priced = policy();
  priced.expected.cost = {0.25, 0.125, 0.5};
  priced.expected.large_cost = 1.5;
  priced.expected.currency = "EUR";
  const RouteExpectation read =
      parse_route_policy(to_route_policy_text(priced), "policy.json").value().expected;
  EXPECT_EQ(read.cost.value, 0.25);
  EXPECT_EQ(read.cost.lo, 0.125);
  EXPECT_EQ(read.cost.hi, 0.5);
  EXPECT_EQ(read.large_cost, 1.5);
  EXPECT_EQ(read.currency, "EUR");
}

TEST(RoutePolicyFile, TellsItsDocumentsFromOthers) {
  const RoutePolicy read = parse_route_policy(to_route_policy_text(policy()), "policy.json").value();
  int others = 0;
  for (int i = 0; i < 1'200; ++i) {
    EXPECT_TRUE(read.was_fitted_on("document " + std::to_string(i))) << i;
    others += read.was_fitted_on("fresh " + std::to_string(i)) ? 1 : 0;
  }
  EXPECT_EQ(others, 0);
}

// Files that say neither their tasks nor their documents can still be applied.
TEST(RoutePolicyFile, WithoutDocumentsIsAPolicy) {
  Json json = Json::parse(to_route_policy_text(policy()));
  json.erase("fitted");
  json.erase("tasks");
  json["expected"].erase("share_interval");
  const RoutePolicy read = parse_route_policy(json.dump(), "policy.json").value();
  EXPECT_TRUE(read.fitted.empty());
  EXPECT_EQ(read.expected.share.value, 0.24);
  EXPECT_TRUE(std::isnan(read.expected.share.lo));
}

TEST(RoutePolicyFile, EverythingSentOnHasNoThreshold) {
  RoutePolicy all = policy();
  all.threshold = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(Json::parse(to_route_policy_text(all))["threshold"].is_null());
  const RoutePolicy read = parse_route_policy(to_route_policy_text(all), "policy.json").value();
  RouteFacts sure;
  sure.confidence = 1.0;
  const std::map<std::string, std::string> slices;
  sure.slices = &slices;
  EXPECT_TRUE(read.sends_on(sure));
}

TEST(RoutePolicyFile, WhatIsNoPolicySaysWhere) {
  EXPECT_THAT(error_after([](Json& json) { json["schema"] = "sizeup.route/9"; }),
              HasSubstr("policy.json: 'schema' is 'sizeup.route/9' (expected: sizeup.route/1)"));
  EXPECT_THAT(error_after([](Json& json) { json.erase("threshold"); }),
              HasSubstr("'the file' has no member 'threshold' (expected: a file that `sizeup route"));
  EXPECT_THAT(error_after([](Json& json) { json["score"]["link"] = "probit"; }),
              HasSubstr("'score.link' is 'probit' (expected: identity or logistic)"));
  EXPECT_THAT(error_after([](Json& json) { json["score"]["weights"]["mood"] = 1; }),
              HasSubstr("'score.weights.mood' is no feature (expected: confidence,"));
  EXPECT_THAT(error_after([](Json& json) { json["score"]["weights"]["confidence_logit"] = "much"; }),
              HasSubstr("'score.weights.confidence_logit' is no number"));
  EXPECT_THAT(error_after([](Json& json) { json["send_on_if"][1] = "ugly"; }),
              HasSubstr("'send_on_if[1]' is no reason (expected: one of no_answer, invalid"));
  EXPECT_THAT(error_after([](Json& json) { json["expected"]["share"] = 1.5; }),
              HasSubstr("'expected.share' is no number in range"));
  EXPECT_THAT(error_after([](Json& json) { json["expected"]["interval"] = Json::array({0.5}); }),
              HasSubstr("'expected.interval' has no two ends"));
  EXPECT_THAT(error_after([](Json& json) { json["small"] = "small.gguf"; }),
              HasSubstr("'small' is no object"));
  EXPECT_THAT(error_after([](Json& json) { json["fitted"][1] = "0123456"; }),
              HasSubstr("'fitted[1]' holds other things than documents"));
  EXPECT_THAT(error_after([](Json& json) { json["fitted"][1] = "0123456g"; }),
              HasSubstr("(expected: eight hexadecimal digits for each)"));
  EXPECT_FALSE(parse_route_policy("", "policy.json").has_value());
  EXPECT_FALSE(parse_route_policy("[]", "policy.json").has_value());
  EXPECT_FALSE(read_route_policy("/nowhere/policy.json").has_value());
}

TEST(RouteFeature, IsWorkedOutFromWhatIsKnown) {
  const std::map<std::string, std::string> slices{{"language", "de"}, {"a=b", "c"}};
  RouteFacts facts;
  facts.confidence = 0.8;
  facts.input_tokens = 99;
  facts.output_tokens = 0;
  facts.rejections = 1U << 1;
  facts.task = "helpdesk";
  facts.slices = &slices;
  EXPECT_EQ(feature("confidence").value(facts), 0.8);
  EXPECT_NEAR(feature("confidence_logit").value(facts), std::log(4.0), 1e-12);
  EXPECT_EQ(feature("confidence_missing").value(facts), 0.0);
  EXPECT_NEAR(feature("log_input_tokens").value(facts), std::log(100.0), 1e-12);
  EXPECT_EQ(feature("log_output_tokens").value(facts), 0.0);
  EXPECT_EQ(feature("invalid").value(facts), 1.0);
  EXPECT_EQ(feature("truncated").value(facts), 0.0);
  EXPECT_EQ(feature("task:helpdesk").value(facts), 1.0);
  EXPECT_EQ(feature("task:other").value(facts), 0.0);
  EXPECT_EQ(feature("slice:language=de").value(facts), 1.0);
  EXPECT_EQ(feature("slice:language=fr").value(facts), 0.0);
  EXPECT_EQ(feature("slice:size=long").value(facts), 0.0);

  const RouteFacts nothing;
  EXPECT_TRUE(std::isnan(feature("confidence").value(nothing)));
  EXPECT_EQ(feature("confidence_logit").value(nothing), 0.0);
  EXPECT_EQ(feature("confidence_missing").value(nothing), 1.0);
  EXPECT_TRUE(std::isnan(feature("log_input_tokens").value(nothing)));
  EXPECT_TRUE(std::isnan(feature("slice:language=de").value(nothing)));
  facts.confidence = 1.0;
  EXPECT_TRUE(std::isfinite(feature("confidence_logit").value(facts)));
  for (const char* name : {"", "Confidence", "slice:", "slice:language", "tests", "confidence "})
    EXPECT_FALSE(RouteFeature::parse(name).has_value()) << name;
}

TEST(RoutePolicy, SendsOnWhatIsUnsureRejectedOrUnknown) {
  RoutePolicy simple = policy();
  simple.scorer = {.logistic = false, .intercept = 0.0, .weights = {{feature("confidence"), 1.0}}};
  RouteFacts facts;
  facts.confidence = 0.875;
  EXPECT_FALSE(simple.sends_on(facts));  // the threshold itself is kept
  facts.confidence = 0.874;
  EXPECT_TRUE(simple.sends_on(facts));
  facts.confidence = 0.99;
  facts.rejections = 1U << 2;
  EXPECT_TRUE(simple.sends_on(facts));
  facts.rejections = 1U << 0;  // no_answer is no reason of this policy
  EXPECT_FALSE(simple.sends_on(facts));
  facts.confidence = RouteFacts::kUnknown;
  EXPECT_TRUE(simple.sends_on(facts));
}

TEST(RouteScorer, IsALinearFormThroughItsLink) {
  const std::map<std::string, std::string> slices{{"language", "de"}};
  RouteFacts facts;
  facts.confidence = 0.5;
  facts.slices = &slices;
  const RouteScorer scorer = policy().scorer;
  EXPECT_NEAR(scorer.score(facts), 1.0 / (1.0 + std::exp(0.5)), 1e-12);
  RouteScorer plain = scorer;
  plain.logistic = false;
  EXPECT_NEAR(plain.score(facts), -0.5, 1e-12);
}

}  // namespace
}  // namespace sizeup
