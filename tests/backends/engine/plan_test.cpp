// What the plan promises, one example each; plan_property_test.cpp has random ones.
#include "backends/engine/plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/backends/engine/fake_device.h"
#include "tests/backends/engine/token_runner.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

std::vector<Token> counting(Token first, int count) {
  std::vector<Token> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

std::vector<Token> joined(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Plan, ChoicesOfOneQuestionShareItsContext) {
  const std::vector<Token> context = counting(100, 37);
  std::vector<TokenRequest> requests;
  std::vector<TokenOutcome> expected;
  int64_t choice_rows = 0;
  for (int choice = 0; choice < 4; ++choice) {
    requests.push_back(score_request(joined(context, counting(1000 * (choice + 1), 3 + choice)), 37));
    choice_rows += 3 + choice - 1;
    expected.push_back(expected_outcome(requests.back()));
  }
  FakeDevice device;
  Plan plan({.max_rows = 512, .pages = 100});
  TokenRunner runner(std::ref(device));
  EXPECT_EQ(runner.run(plan, requests), expected);
  EXPECT_EQ(plan.counts().rows_unique, 37 + choice_rows);
  EXPECT_EQ(plan.counts().rows_computed, 37 + choice_rows);
  EXPECT_EQ(device.rows(), 37 + choice_rows);
  // The head is applied where something is predicted: after the context once, then within each choice.
  EXPECT_EQ(device.head_rows(), 1 + choice_rows);
  EXPECT_EQ(plan.pages_in_use(), 0);
}

TEST(Plan, RequestsThatDifferInTheLastTokenCostOnePosition) {
  std::vector<TokenRequest> requests;
  std::vector<TokenOutcome> expected;
  for (Token letter = 1; letter <= 4; ++letter) {
    requests.push_back(score_request(joined(counting(10, 20), {letter}), 20));
    expected.push_back(expected_outcome(requests.back()));
  }
  FakeDevice device;
  Plan plan({});
  EXPECT_EQ(TokenRunner(std::ref(device)).run(plan, requests), expected);
  EXPECT_EQ(device.rows(), 20);
  EXPECT_EQ(device.head_rows(), 1);
}

TEST(Plan, WithoutSharingEveryRequestIsComputedWhole) {
  const TokenRequest request = score_request(counting(5, 30), 10);
  FakeDevice device;
  Plan plan({.max_rows = 64, .pages = 100, .share_prefixes = false});
  const TokenOutcome expected = expected_outcome(request);
  EXPECT_THAT(TokenRunner(std::ref(device)).run(plan, {request, request}), ElementsAre(expected, expected));
  EXPECT_EQ(device.rows(), 2 * 29);
  EXPECT_EQ(plan.counts().rows_unique, 2 * 29);
}

TEST(Plan, APrefixOfAnotherRequestIsComputedOnce) {
  const std::vector<Token> text = counting(7, 40);
  const std::vector<TokenRequest> requests = {score_request(text, 1),
                                              generate_request({text.begin(), text.begin() + 16}, 5),
                                              score_request({text.begin(), text.begin() + 21}, 20)};
  FakeDevice device;
  Plan plan({});
  const auto outcomes = TokenRunner(std::ref(device)).run(plan, requests);
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(outcomes[i], expected_outcome(requests[i])) << i;
  EXPECT_EQ(plan.counts().rows_unique, 39);
  EXPECT_EQ(device.rows(), 39 + 4);  // the fifth new token is not fed back
  EXPECT_EQ(plan.counts().tokens_generated, 5);
}

TEST(Plan, AnAnswerThatEndsAtOnceFreesItsPromptsPages) {
  const TokenRequest request = generate_request(counting(3, 33), 50);
  const Token first = expected_outcome(request).tokens.front();
  FakeDevice device;
  Plan plan({});
  const auto outcomes = TokenRunner(std::ref(device), first).run(plan, {request, request});
  EXPECT_THAT(outcomes[0].tokens, ElementsAre(first));
  EXPECT_EQ(outcomes[1].done, 1);
  EXPECT_EQ(device.rows(), 33);
  EXPECT_EQ(plan.pages_in_use(), 0);
}

TEST(Plan, AnswersJoinWhileOthersAreBeingWritten) {
  // A long answer runs; a prompt that does not fit the first steps joins it instead of waiting for its end.
  FakeDevice device;
  Plan plan({.max_rows = 8, .pages = 100});
  TokenRunner runner(std::ref(device));
  int steps = 0;
  runner.on_step = [&](const Step&) { ++steps; };
  const auto outcomes =
      runner.run(plan, {generate_request({1}, 40), generate_request(counting(200, 60), 40)});
  EXPECT_EQ(outcomes[1].done, 1);
  EXPECT_LT(steps, 60);  // one after the other: 40 + 8 + 39
}

// Prompts of one row each, all different, answers of `length` tokens each.
std::vector<TokenRequest> answers(int count, int length) {
  std::vector<TokenRequest> requests;
  for (int i = 0; i < count; ++i) requests.push_back(generate_request({100 + i}, length));
  return requests;
}

TEST(Plan, AnswersRunTogetherThoughTheirLimitsWouldNotFit) {
  // Each may need ten pages, so that four fit; they end after a few tokens.
  const std::vector<TokenRequest> requests = answers(100, 10 * kPagePositions);
  FakeDevice device;
  Plan plan({.max_rows = 1000, .pages = 40});
  TokenRunner runner(std::ref(device));
  runner.add(plan, requests);
  const auto running = [&] {
    return std::count_if(runner.outcomes().begin(), runner.outcomes().end(),
                         [](const TokenOutcome& outcome) { return outcome.tokens.size() > 3; });
  };
  for (int steps = 0; steps < 5; ++steps) runner.step(plan);
  // Half of the pages is theirs, the other half what they will grow by.
  EXPECT_GE(running(), 19);
  while (device.rows() < 19 * kPagePositions) runner.step(plan);
  EXPECT_EQ(plan.counts().rows_recomputed, 0);
}

TEST(Plan, TheOldestAnswerIsNeverInterrupted) {
  const int length = 6 * kPagePositions;
  const std::vector<TokenRequest> requests = answers(5, length);
  FakeDevice device;
  Plan plan({.max_rows = 64, .pages = 7});
  TokenRunner runner(std::ref(device));
  runner.add(plan, requests);
  // The prompt and each token take one step, whatever the others do.
  for (int steps = 1; steps <= length; ++steps) {
    runner.step(plan);
    ASSERT_EQ(runner.outcomes()[0].tokens.size(), static_cast<size_t>(steps));
  }
  EXPECT_EQ(runner.outcomes()[0].done, 1);
  while (!plan.idle()) runner.step(plan);
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(runner.outcomes()[i], expected_outcome(requests[i]));
  EXPECT_GT(plan.counts().rows_recomputed, 0);
  EXPECT_EQ(plan.counts().rows_computed, 5 * length + plan.counts().rows_recomputed);
}

TEST(Plan, AnInterruptedAnswerComputesAgainOnlyWhatIsNotHeld) {
  // The second prompt's full page is held for its second answer while the first answer is interrupted.
  std::vector<Token> prompt = counting(100, kPagePositions + 1);
  const int length = 3 * kPagePositions;
  FakeDevice device;
  Plan plan({.max_rows = 1000, .pages = 7});
  TokenRunner runner(std::ref(device));
  const std::vector<TokenRequest> requests = {
      generate_request(prompt, length), generate_request(prompt, length), generate_request(prompt, length)};
  const auto outcomes = runner.run(plan, requests);
  for (const TokenOutcome& outcome : outcomes) EXPECT_EQ(outcome, expected_outcome(requests[0]));
  EXPECT_GT(plan.counts().rows_recomputed, 0);
  EXPECT_EQ(plan.pages_in_use(), 0);
}

TEST(Plan, TargetsFoundBeforeATextLostItsPagesAreNotFoundAgain) {
  // The answer grows to six of seven pages while a text is computed, two rows a step, that needs five.
  const std::vector<TokenRequest> requests = {generate_request({1}, 6 * kPagePositions),
                                              score_request(counting(100, 5 * kPagePositions), 1)};
  FakeDevice device;
  Plan plan({.max_rows = 3, .pages = 7});
  const auto outcomes = TokenRunner(std::ref(device)).run(plan, requests);
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(outcomes[i], expected_outcome(requests[i])) << i;
  EXPECT_GT(plan.counts().rows_recomputed, kPagePositions);
}

TEST(Plan, ASharedPrefixThatLostItsPagesIsComputedAgainOnce) {
  // The answer takes all pages of the prefix while its first continuation is computed, one row a step.
  const int shared = 2 * kPagePositions + 22;
  std::vector<TokenRequest> requests = {generate_request({1}, 6 * kPagePositions)};
  for (int i = 1; i <= 4; ++i) {
    const int own = 2 * kPagePositions - 30;
    requests.push_back(score_request(joined(counting(100, shared), counting(1000 * i, own)), shared + 1));
  }
  FakeDevice device;
  Plan plan({.max_rows = 2, .pages = 7});
  const auto outcomes = TokenRunner(std::ref(device)).run(plan, requests);
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(outcomes[i], expected_outcome(requests[i])) << i;
  EXPECT_GT(plan.counts().rows_recomputed, shared);
  EXPECT_LT(plan.counts().rows_recomputed, 2 * shared + kPagePositions);
  EXPECT_EQ(plan.pages_in_use(), 0);
}

// Begins with what the fake device mostly says after it: 1 10 23 14 1 10 ...
TokenRequest repeating(Token first, int new_tokens) {
  return generate_request({first, 1, 10, 23, 14, 1, 10}, new_tokens);
}

int64_t steps_of(int weight_rows, const TokenRequest& request) {
  FakeDevice device;
  Plan plan({.max_rows = 64, .weight_rows = weight_rows});
  TokenRunner runner(std::ref(device));
  int64_t steps = 0;
  runner.on_step = [&](const Step&) { ++steps; };
  EXPECT_THAT(runner.run(plan, {request}), ElementsAre(expected_outcome(request)));
  // Each step of the answer finds one token of its own.
  EXPECT_EQ(steps, request.max_new_tokens - plan.counts().rows_accepted);
  return steps;
}

TEST(Plan, ALoneAnswerThatRepeatsItselfNeedsFewerSteps) {
  const TokenRequest request = repeating(100, 60);
  EXPECT_EQ(steps_of(0, request), 60);
  EXPECT_LT(steps_of(8, request), 55);
}

TEST(Plan, DraftsEndWhereTheAnswerHasTo) {
  for (int new_tokens = 1; new_tokens <= 12; ++new_tokens) {
    const TokenRequest request = repeating(100, new_tokens);
    FakeDevice device;
    Plan plan({.max_rows = 64, .weight_rows = 1000});
    TokenRunner runner(std::ref(device));
    // The last token is only predicted.
    runner.on_step = [&](const Step& step) {
      EXPECT_LT(step.positions.back(), static_cast<int>(request.tokens.size()) + new_tokens - 1);
    };
    runner.run(plan, {request});
    EXPECT_EQ(plan.counts().rows_drafted > 0, new_tokens > 2);
  }
}

TEST(Plan, DraftsTakeNoPages) {
  // Without room behind the answer's last token there are none; the answer takes its page when it needs it.
  std::vector<Token> prompt = counting(100, kPagePositions - 9);
  for (const Token token : {1, 10, 23, 14, 1, 10}) prompt.push_back(token);
  FakeDevice device;
  Plan plan({.max_rows = 1000, .pages = 100, .weight_rows = 1000});
  TokenRunner runner(std::ref(device));
  const int end = static_cast<int>(prompt.size());
  runner.on_step = [&](const Step& step) {
    // The prompt and all tokens of the answer so far, the last of which this step computes.
    const int needed = pages_for(end + static_cast<int>(runner.outcomes()[0].tokens.size()));
    EXPECT_EQ(plan.pages_in_use(), needed);
    EXPECT_LT(step.positions.back(), needed * kPagePositions);
  };
  runner.run(plan, {generate_request(prompt, 3 * kPagePositions)});
  EXPECT_GT(plan.counts().rows_accepted, 0);
}

TEST(Plan, ManyAnswersAtOnceAreNotDrafted) {
  std::vector<TokenRequest> requests;
  for (Token first = 100; first < 600; ++first) requests.push_back(repeating(first, 8));
  FakeDevice device;
  Plan plan({.max_rows = 10000, .pages = 10000, .weight_rows = 8});
  const auto outcomes = TokenRunner(std::ref(device)).run(plan, requests);
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(outcomes[i], expected_outcome(requests[i]));
  EXPECT_EQ(plan.counts().rows_drafted, 0);
}

TEST(Plan, EachAnswerComesWithTheStepThatFindsIt) {
  // Prompts of four rows, computed four rows at a time: every step finishes one request.
  std::vector<TokenRequest> requests;
  for (int i = 0; i < 6; ++i) requests.push_back(score_request(counting(100 * (i + 1), 5), 2));
  requests.push_back(generate_request(counting(900, 4), 1));
  FakeDevice device;
  Plan plan({.max_rows = 4});
  TokenRunner runner(std::ref(device));
  runner.add(plan, requests);
  for (size_t step = 0; step < requests.size(); ++step) {
    runner.step(plan);
    for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(runner.outcomes()[i].done, i <= step ? 1 : 0) << i;
  }
  EXPECT_TRUE(plan.idle());
}

}  // namespace
}  // namespace sizeup
