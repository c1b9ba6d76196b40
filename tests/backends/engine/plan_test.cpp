// The plan without any hardware: a fake device checks every step against the contract of step.h.
#include "backends/engine/plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "tests/backends/engine/token_runner.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

// "Computes" by remembering which history lies in each page slot. A row's state is a hash of its whole
// history, chained through the slots, so a wrong page, a missed copy or a page given away too early changes
// results.
class FakeDevice {
 public:
  void operator()(const Step& step, StepResult& result) {
    pages_.resize(static_cast<size_t>(step.page_count) * kPagePositions, 0);
    for (const PageCopy& copy : step.copies) {
      for (int i = 0; i < copy.positions; ++i) slot(copy.to, i) = slot(copy.from, i);
    }
    // Keys and values of all rows are written before anything is read, as a layer does it.
    for (const KeyValueWrite& write : step.writes) {
      const auto row = static_cast<size_t>(write.row);
      EXPECT_EQ(write.offset, step.positions[row] % kPagePositions);
      slot(write.page, write.offset) = own(step.tokens[row], step.positions[row]);
    }
    result = {};
    for (const WantedRow& wanted : step.wanted) {
      const uint64_t history = read_history(step, wanted.row);
      result.best.push_back(next_token(history));
      result.best_logprobs.push_back(logprob(history, result.best.back()));
      for (int t = wanted.target_begin; t < wanted.target_begin + wanted.target_count; ++t) {
        result.target_logprobs.push_back(logprob(history, step.targets[static_cast<size_t>(t)]));
      }
      EXPECT_FALSE(wanted.distribution);
    }
    rows_ += step.rows();
    head_rows_ += static_cast<int64_t>(step.wanted.size());
  }

  static uint64_t own(Token token, int position) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(token)) + 1) * 1000003 +
           static_cast<uint64_t>(position);
  }
  static uint64_t extend(uint64_t history, uint64_t value) {
    return (history ^ value) * 0x9E3779B97F4A7C15u + (history >> 29);
  }
  static uint64_t history_of(const std::vector<Token>& tokens) {
    uint64_t history = 0;
    for (size_t i = 0; i < tokens.size(); ++i) history = extend(history, own(tokens[i], static_cast<int>(i)));
    return history;
  }
  static Token next_token(uint64_t history) { return static_cast<Token>(history >> 40) % 50; }
  static float logprob(uint64_t history, Token token) {
    return -static_cast<float>(extend(history, static_cast<uint64_t>(token)) >> 48) / 1000.0F;
  }

  int64_t rows() const { return rows_; }
  int64_t head_rows() const { return head_rows_; }

 private:
  uint64_t& slot(int32_t page, int offset) {
    return pages_[static_cast<size_t>(page) * kPagePositions + static_cast<size_t>(offset)];
  }

  uint64_t read_history(const Step& step, int32_t row) {
    const auto index = static_cast<size_t>(row);
    const auto table = step.table(step.tables[index]);
    uint64_t history = 0;
    for (int p = 0; p <= step.positions[index]; ++p) {
      history = extend(history, slot(table[static_cast<size_t>(p / kPagePositions)], p % kPagePositions));
    }
    return history;
  }

  std::vector<uint64_t> pages_;
  int64_t rows_ = 0;
  int64_t head_rows_ = 0;
};

TokenOutcome expected_outcome(const TokenRequest& request, std::optional<Token> end = std::nullopt) {
  TokenOutcome outcome;
  outcome.done = 1;
  std::vector<Token> history = request.tokens;
  if (request.max_new_tokens == 0) {
    for (size_t i = 0; i < request.targets.size(); ++i) {
      const auto length =
          static_cast<std::ptrdiff_t>(request.first_target) + static_cast<std::ptrdiff_t>(i) + 1;
      const uint64_t hash = FakeDevice::history_of({history.begin(), history.begin() + length});
      outcome.logprobs.push_back(FakeDevice::logprob(hash, request.targets[i]));
      outcome.best.push_back(FakeDevice::next_token(hash) == request.targets[i]);
    }
    return outcome;
  }
  for (int i = 0; i < request.max_new_tokens; ++i) {
    const uint64_t hash = FakeDevice::history_of(history);
    const Token token = FakeDevice::next_token(hash);
    outcome.tokens.push_back(token);
    outcome.logprobs.push_back(FakeDevice::logprob(hash, token));
    if (end && token == *end) break;
    history.push_back(token);
  }
  return outcome;
}

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

// A random forest of requests with every kind of branching.
std::vector<TokenRequest> random_requests(std::mt19937& random, int count) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  std::vector<TokenRequest> requests;
  std::vector<std::vector<Token>> earlier = {{0}};
  for (int i = 0; i < count; ++i) {
    std::vector<Token> tokens = earlier[static_cast<size_t>(below(static_cast<int>(earlier.size())))];
    tokens.resize(static_cast<size_t>(1 + below(static_cast<int>(tokens.size()))));
    for (int more = below(40); more > 0; --more) tokens.push_back(below(3));
    earlier.push_back(tokens);
    if (below(3) == 0) {
      // Several answers to one prompt, of different lengths, compete for its pages.
      for (int repeat = 1 + below(3) * below(2); repeat > 0; --repeat) {
        requests.push_back(generate_request(tokens, 1 + below(60)));
      }
    } else {
      tokens.push_back(below(50));
      requests.push_back(score_request(tokens, 1 + below(static_cast<int>(tokens.size()) - 1)));
    }
  }
  return requests;
}

TEST(Plan, EveryOutcomeIsTheSameUnderEveryLimit) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const std::vector<TokenRequest> requests = random_requests(random, 1 + round);
    std::vector<TokenOutcome> expected;
    for (const TokenRequest& request : requests) expected.push_back(expected_outcome(request, 7));
    for (const int rows : {1, 2, 7, 64, 1024}) {
      for (const int pages : {1, 5, 12, 100000}) {
        for (const bool share : {true, false}) {
          FakeDevice device;
          Plan plan({.max_rows = rows, .pages = pages, .share_prefixes = share});
          TokenRunner runner(std::ref(device), 7);
          runner.on_step = [&](const Step& step) { ASSERT_LE(step.rows(), rows); };
          ASSERT_EQ(runner.run(plan, requests), expected) << round << " rows " << rows << " pages " << pages;
          ASSERT_EQ(plan.pages_in_use(), 0);
          ASSERT_EQ(plan.counts().rows_computed, device.rows());
          ASSERT_GE(plan.counts().rows_computed, plan.counts().rows_unique);
        }
      }
    }
  }
}

TEST(Plan, TheBudgetHoldsUnlessOneRequestAloneNeedsMore) {
  std::mt19937 random(5);
  const std::vector<TokenRequest> requests = random_requests(random, 200);
  int longest = 0;
  for (const TokenRequest& request : requests) {
    longest =
        std::max(longest, static_cast<int>(request.tokens.size()) + std::max(0, request.max_new_tokens - 1));
  }
  for (const int pages : {1, 20, 40}) {
    FakeDevice device;
    Plan plan({.max_rows = 64, .pages = pages});
    TokenRunner runner(std::ref(device));
    const int limit = std::max(pages, pages_for(longest) + 1);
    runner.on_step = [&](const Step& step) { ASSERT_LE(step.page_count, limit); };
    runner.run(plan, requests);
  }
}

TEST(Plan, RequestsMayBeAddedWhileOthersRun) {
  class Adding : public PlanListener {
   public:
    void on_target(int, int, float, bool) override {}
    std::optional<Token> on_next(int, const NextToken& next) override { return next.best; }
    void on_done(int request) override { done.push_back(request); }
    std::vector<int> done;
  };
  FakeDevice device;
  Plan plan({.max_rows = 4, .pages = 20});
  Adding listener;
  StepResult result;
  EXPECT_EQ(plan.add({generate_request(counting(1, 9), 20)}), 0);
  for (int added = 1; added <= 5; ++added) {
    device(plan.next_step(), result);
    plan.finish_step(result, listener);
    EXPECT_EQ(plan.add({generate_request(counting(1, 9 + added), 3)}), added);
  }
  while (!plan.idle()) {
    device(plan.next_step(), result);
    plan.finish_step(result, listener);
  }
  std::sort(listener.done.begin(), listener.done.end());
  EXPECT_THAT(listener.done, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(plan.pages_in_use(), 0);
}

}  // namespace
}  // namespace sizeup
