#include "harness/decide/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const Result<Policy> policy = parse_policy(text, "p.yaml");
  EXPECT_FALSE(policy.has_value()) << text;
  return policy ? std::string() : describe(policy.error());
}

TEST(Policy, EachCheckOfARuleIsARuleOfItsOwn) {
  const Result<Policy> policy = parse_policy(
      "rules:\n"
      "  - task: helpdesk\n"
      "    slice: {language: de}\n"
      "    non_inferior: {margin: 0.02}\n"
      "    minimum: {acc: 0.8, 'recall:fraud': 0.9}\n"
      "    maximum: {invalid_rate: 0.01}\n"
      "    hallucination: {closed_book: 0.1}\n"
      "    estimate: point\n"
      "  - latency: {percentile: 99, quantity: ttft_ms, scenario: 'server:10.0', maximum_ms: 250, "
      "increase_percent: 20}\n"
      "  - throughput: {decrease_percent: 10}\n"
      "  - cost: {maximum_per_1000: 0.5}\n"
      "  - memory: {maximum_mb: 600}\n"
      "  - pool: [mmlu_*, gsm8k]\n"
      "    minimum: {acc: 0.5}\n"
      "  - pool: bbh_*\n"
      "    non_inferior: {margin: 0.01}\n",
      "p.yaml");
  ASSERT_TRUE(policy.has_value()) << describe(policy.error());
  ASSERT_EQ(policy->rules.size(), 11u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(policy->rules[i].task, "helpdesk");
    EXPECT_EQ(policy->rules[i].slice_value, "de");
    EXPECT_EQ(policy->rules[i].place, "p.yaml:2");
  }
  EXPECT_EQ(std::get<NonInferiorCheck>(policy->rules[0].check).margin, 0.02);
  const auto& recall = std::get<MetricCheck>(policy->rules[2].check);
  EXPECT_EQ(recall.metric, "recall:fraud");
  EXPECT_TRUE(recall.is_minimum && recall.by_estimate);
  EXPECT_FALSE(std::get<MetricCheck>(policy->rules[3].check).is_minimum);
  EXPECT_EQ(std::get<HallucinationCheck>(policy->rules[4].check).kind, "closed_book");
  const auto& latency = std::get<LatencyCheck>(policy->rules[5].check);
  EXPECT_TRUE(latency.first_token);
  EXPECT_EQ(latency.percent, 99.0);
  EXPECT_EQ(latency.scenario, "server:10") << "as runs name it";
  EXPECT_EQ(latency.limit.change, 0.2);
  EXPECT_EQ(std::get<ResourceCheck>(policy->rules[6].check).limit.change, 0.1);
  EXPECT_EQ(std::get<ResourceCheck>(policy->rules[8].check).limit.absolute, 600.0);
  EXPECT_THAT(policy->rules[8].pool, testing::IsEmpty());
  EXPECT_THAT(policy->rules[9].pool, testing::ElementsAre("mmlu_*", "gsm8k"));
  EXPECT_THAT(policy->rules[10].pool, testing::ElementsAre("bbh_*"));
}

TEST(Policy, MistakesAreNamedWithLineAndWhatIsKnown) {
  EXPECT_THAT(error_of("rules:\n  - non_inferiour: {margin: 0.02}\n"),
              testing::AllOf(HasSubstr("p.yaml:2: a rule has the unknown key 'non_inferiour'"),
                             HasSubstr("hallucination"), HasSubstr("did you mean 'non_inferior'?")));
  EXPECT_THAT(error_of("rule: []\n"), HasSubstr("unknown key 'rule'"));
  EXPECT_THAT(error_of("rules:\n  - task: t\n"), HasSubstr("a rule checks nothing"));
  EXPECT_THAT(error_of("rules: []\n"), HasSubstr("no rules"));
  EXPECT_THAT(error_of("rules: 3\n"), HasSubstr("'rules' is no list"));
  EXPECT_THAT(error_of("rules:\n  - 3\n"), HasSubstr("a rule is no mapping"));
  EXPECT_THAT(error_of("rules:\n  - non_inferior: {margin: 2 points}\n"),
              HasSubstr("'margin' is '2 points'"));
  EXPECT_THAT(error_of("rules:\n  - non_inferior: {margin: -0.1}\n"), HasSubstr("'margin' is '-0.1'"));
  EXPECT_THAT(error_of("rules:\n  - non_inferior: {}\n"), HasSubstr("has no margin"));
  EXPECT_THAT(error_of("rules:\n  - minimum: 0.3\n"), HasSubstr("'minimum' names no metric"));
  EXPECT_THAT(error_of("rules:\n  - minimum: {acc: .nan}\n"), HasSubstr("'acc' is '.nan'"));
  EXPECT_THAT(error_of("rules:\n  - latency: {percentile: 95}\n"), HasSubstr("'latency' has no limit"));
  EXPECT_THAT(error_of("rules:\n  - latency: {quantity: p95, maximum_ms: 1}\n"),
              HasSubstr("total_ms or ttft_ms"));
  for (const char* scenario : {"servr:10", "offline", "server:0"}) {
    EXPECT_THAT(error_of(std::string("rules:\n  - latency: {maximum_ms: 1, scenario: '") + scenario + "'}\n"),
                HasSubstr("single, concurrent:8, server:2.5"))
        << scenario;
  }
  EXPECT_THAT(error_of("rules:\n  - hallucination: {closed: 0.1}\n"), HasSubstr("closed_book, unsupported"));
  EXPECT_THAT(error_of("rules:\n  - slice: {a: b}\n    memory: {maximum_mb: 1}\n"),
              HasSubstr("not known by slice"));
  EXPECT_THAT(error_of("rules:\n  - task: t\n    memory: {maximum_mb: 1}\n"), HasSubstr("the model's"));
  EXPECT_THAT(error_of("rules:\n  - estimate: mean\n    minimum: {acc: 1}\n"),
              HasSubstr("interval (the default) or point"));
  EXPECT_THAT(error_of("rules:\n  - pool: a*\n    task: a\n    minimum: {acc: 1}\n"),
              HasSubstr("without 'task' and 'slice'"));
  EXPECT_THAT(error_of("rules:\n  - pool: a*\n    slice: {a: b}\n    minimum: {acc: 1}\n"),
              HasSubstr("without 'task' and 'slice'"));
  EXPECT_THAT(error_of("rules:\n  - pool: a*\n    cost: {maximum_per_1000: 1}\n"),
              HasSubstr("checks of scores alone"));
  EXPECT_THAT(error_of("rules:\n  - pool: []\n    minimum: {acc: 1}\n"), HasSubstr("'pool' names no tasks"));
  EXPECT_THAT(error_of("rules:\n  - pool: [a, '']\n    minimum: {acc: 1}\n"), HasSubstr("'pool' is no text"));
  EXPECT_THAT(error_of("rules:\n  - pool: {a: b}\n    minimum: {acc: 1}\n"), HasSubstr("p.yaml:2"));
  EXPECT_THAT(error_of("rules: [\n"), HasSubstr("p.yaml"));
}

// The example in the documentation is a policy that the program takes.
TEST(Policy, TheDocumentedExampleIsOne) {
  const Result<Policy> policy = read_policy(source_path("docs/policy.yaml"));
  ASSERT_TRUE(policy.has_value()) << describe(policy.error());
  EXPECT_GE(policy->rules.size(), 10u);
}

}  // namespace
}  // namespace sizeup
