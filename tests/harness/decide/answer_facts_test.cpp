#include "harness/decide/answer_facts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "backends/router/route_policy.h"

namespace sizeup {
namespace {

bool is_found(const AnswerRow& answer, const char* name, double score = 1.0) {
  return (rejections_of(answer, score) >> find_rejection(name).value() & 1U) != 0;
}

TEST(AnswerFacts, RejectionsAreWhatAnAnswerSaysOfItself) {
  AnswerRow answer;
  EXPECT_EQ(rejections_of(answer, 0.0), 0u) << "wrong, but no check says so";
  answer.no_answer = true;
  EXPECT_TRUE(is_found(answer, "no_answer"));
  EXPECT_FALSE(is_found(answer, "invalid"));
  answer.invalid = true;
  answer.truncated = true;
  EXPECT_TRUE(is_found(answer, "invalid"));
  EXPECT_TRUE(is_found(answer, "truncated"));
}

TEST(AnswerFacts, RejectionsAreWhatMetricsFound) {
  AnswerRow answer;
  answer.details = {{"claims", "3"}, {"claims_unsupported", "0"}, {"fields_fabricated,strict", "2"}};
  EXPECT_FALSE(is_found(answer, "unsupported"));
  EXPECT_TRUE(is_found(answer, "fabricated"));
  answer.details["claims_unsupported"] = "1";
  EXPECT_TRUE(is_found(answer, "unsupported"));
}

// Only generated code has tests.
TEST(AnswerFacts, TestsFailWhereCodeWasRun) {
  AnswerRow answer;
  EXPECT_FALSE(is_found(answer, "tests_failed", 0.0));
  answer.details = {{"sandbox", "namespaces"}};
  EXPECT_TRUE(is_found(answer, "tests_failed", 0.0));
  EXPECT_FALSE(is_found(answer, "tests_failed", 1.0));
}

TEST(AnswerFacts, ConfidenceIsOfTheKindThatTheTaskStates) {
  EXPECT_EQ(confidence_kind("multiple_choice", "acc", false), kOptionProbability);
  EXPECT_EQ(confidence_kind("generate_until", "exact_match", false), kMeanTokenProbability);
  EXPECT_EQ(confidence_kind("generate_until", "exact_match", true), kStatedInWords);
  EXPECT_EQ(confidence_kind("generate_until", "maj@5", true), kAgreementOfSamples);
  AnswerRow answer;
  answer.confidence = 0.25;
  answer.details = {{"agreement@3,strict", "0.6666"}};
  EXPECT_EQ(stated_confidence(answer, "exact_match"), 0.25);
  EXPECT_EQ(stated_confidence(answer, "maj@3,strict"), 0.6666);
  EXPECT_TRUE(std::isnan(stated_confidence(answer, "maj@5")));
  answer.confidence = 1.5;
  EXPECT_TRUE(std::isnan(stated_confidence(answer, "exact_match")));
  TaskRow task;
  task.metrics = {{"exact_match", ""}};
  EXPECT_FALSE(states_in_words(task));
  task.metrics.push_back({"confidence_stated,strict", ""});
  EXPECT_TRUE(states_in_words(task));
}

}  // namespace
}  // namespace sizeup
