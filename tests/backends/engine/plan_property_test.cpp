// The plan over random requests and limits: outcomes never change, and the counts add up.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "backends/engine/plan/plan.h"
#include "tests/backends/engine/fake_device.h"
#include "tests/backends/engine/random_requests.h"
#include "tests/backends/engine/token_runner.h"

namespace sizeup {
namespace {

constexpr Token kEnd = 7;  // ends an answer: one token in fifty
constexpr int kAmple = 100000;

std::vector<TokenOutcome> expected_outcomes(const std::vector<TokenRequest>& requests) {
  std::vector<TokenOutcome> outcomes;
  for (const TokenRequest& request : requests) outcomes.push_back(expected_outcome(request, kEnd));
  return outcomes;
}

// Every token of an answer but its last is fed back.
int64_t fed_back(const std::vector<TokenOutcome>& outcomes) {
  int64_t rows = 0;
  for (const TokenOutcome& outcome : outcomes) {
    if (!outcome.tokens.empty()) rows += static_cast<int64_t>(outcome.tokens.size()) - 1;
  }
  return rows;
}

int64_t distinct_prefixes(const std::vector<TokenRequest>& requests) {
  std::set<std::vector<Token>> prefixes;
  for (const TokenRequest& request : requests) {
    for (size_t length = 1; length <= request.tokens.size(); ++length) {
      prefixes.emplace(request.tokens.begin(), request.tokens.begin() + static_cast<std::ptrdiff_t>(length));
    }
  }
  return static_cast<int64_t>(prefixes.size());
}

// Of models with and without recurrent layers.
class PlanProperty : public testing::TestWithParam<bool> {
 protected:
  static bool recurrent() { return GetParam(); }
  // A state weighs as much as one page or as many; 0: there are none.
  static int state_pages(Random& random) { return recurrent() ? random.one_of({1, 2, 13}) : 0; }
};

TEST_P(PlanProperty, OutcomesAreTheSameUnderEveryLimit) {
  Random random(11);
  PlanCounts all;
  for (int round = 0; round < 40; ++round) {
    const std::vector<TokenRequest> requests = random_requests(random, 1 + 2 * round);
    const std::vector<TokenOutcome> expected = expected_outcomes(requests);
    const int most = most_pages(requests);
    for (const int rows : {1, 7, 64, 1000, 8192}) {
      for (const int pages : {1, most + random.below(8), 3 * most, kAmple}) {
        const bool share = random.below(4) > 0;
        FakeDevice device(recurrent());
        const int weight_rows = random.one_of({0, 1, 8, 1000});
        const int weight = state_pages(random);
        Plan plan({.max_rows = rows,
                   .pages = pages,
                   .share_prefixes = share,
                   .weight_rows = weight_rows,
                   .state_pages = weight,
                   .earlier_tokens = 2});
        TokenRunner runner(std::ref(device), kEnd);
        runner.on_step = [&](const Step& step) {
          ASSERT_GT(step.rows(), 0);
          ASSERT_LE(step.rows(), rows);
          const int limit = std::max(pages, most + 1 + 2 * weight);
          ASSERT_LE(plan.pages_in_use(), limit);
          ASSERT_LE(step.page_count, limit);
          ASSERT_LE(step.state_count * weight, limit);
        };
        const auto outcomes = runner.run(plan, requests);
        ASSERT_EQ(outcomes, expected) << round << ", rows " << rows << ", pages " << pages << ", share "
                                      << share << ", weight rows " << weight_rows;
        ASSERT_EQ(plan.pages_in_use(), 0);
        const PlanCounts& counts = plan.counts();
        ASSERT_EQ(counts.rows_computed, device.rows());
        ASSERT_EQ(counts.rows_computed, counts.rows_unique + fed_back(outcomes) + counts.rows_recomputed +
                                            counts.rows_drafted - counts.rows_accepted);
        if (pages == kAmple) {
          ASSERT_EQ(counts.rows_recomputed, 0);
        }
        if (weight_rows == 0 || recurrent()) {
          ASSERT_EQ(counts.rows_drafted, 0);
        }
        all.rows_recomputed += counts.rows_recomputed;
        all.rows_drafted += counts.rows_drafted;
        all.rows_accepted += counts.rows_accepted;
      }
    }
  }
  EXPECT_GT(all.rows_recomputed, 0);
  if (recurrent()) return;
  EXPECT_GT(all.rows_accepted, 1000);
  EXPECT_GT(all.rows_drafted - all.rows_accepted, 1000);
}

TEST_P(PlanProperty, OutcomesDoNotDependOnTheOrderOfRequests) {
  Random random(12);
  for (int round = 0; round < 20; ++round) {
    const std::vector<TokenRequest> requests = random_requests(random, 40);
    const std::vector<TokenOutcome> expected = expected_outcomes(requests);
    std::vector<size_t> order(requests.size());
    std::iota(order.begin(), order.end(), 0);
    random.shuffle(order);
    std::vector<TokenRequest> shuffled;
    for (const size_t r : order) shuffled.push_back(requests[r]);
    FakeDevice device(recurrent());
    Plan plan({.max_rows = random.one_of({5, 100}),
               .pages = random.one_of({1, 10, kAmple}),
               .weight_rows = random.one_of({0, 8, 1000}),
               .state_pages = state_pages(random)});
    const auto outcomes = TokenRunner(std::ref(device), kEnd).run(plan, shuffled);
    for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(outcomes[i], expected[order[i]]) << round;
    ASSERT_EQ(plan.counts().rows_unique, distinct_prefixes(requests));
  }
}

TEST_P(PlanProperty, RequestsMayComeWhileOthersRun) {
  Random random(13);
  for (int round = 0; round < 40; ++round) {
    FakeDevice device(recurrent());
    Plan plan({.max_rows = random.one_of({1, 9, 100}),
               .pages = random.one_of({1, 8, 20, kAmple}),
               .weight_rows = random.one_of({0, 8, 1000}),
               .state_pages = state_pages(random)});
    TokenRunner runner(std::ref(device), kEnd);
    std::vector<TokenRequest> all;
    while (all.size() < 60 || !plan.idle()) {
      if (all.size() < 60 && (plan.idle() || random.below(6) == 0)) {
        const std::vector<TokenRequest> some = random_requests(random, 1 + random.below(8));
        all.insert(all.end(), some.begin(), some.end());
        runner.add(plan, some);
      } else {
        runner.step(plan);
      }
    }
    ASSERT_EQ(runner.outcomes(), expected_outcomes(all)) << round;
    ASSERT_EQ(plan.pages_in_use(), 0);
  }
}

// A server's plan is never idle for long and never ends.
TEST_P(PlanProperty, WhatWasAnsweredIsForgotten) {
  Random random(15);
  FakeDevice device(recurrent());
  Plan plan({.max_rows = 100, .pages = 40, .weight_rows = 8, .state_pages = state_pages(random)});
  TokenRunner runner(std::ref(device), kEnd);
  std::vector<TokenRequest> all;
  size_t most = 0;
  while (all.size() < 2000) {
    const std::vector<TokenRequest> some = random_requests(random, 1 + random.below(8));
    all.insert(all.end(), some.begin(), some.end());
    runner.add(plan, some);
    for (int step = 0; step < 40 && !plan.idle(); ++step) runner.step(plan);
    most = std::max(most, plan.remembered());
  }
  EXPECT_LT(most, 400u);
  while (!plan.idle()) runner.step(plan);
  ASSERT_EQ(runner.outcomes(), expected_outcomes(all));
  EXPECT_EQ(plan.pages_in_use(), 0);
}

TEST_P(PlanProperty, RowsAreThoseOfDistinctPrefixes) {
  Random random(14);
  for (int round = 0; round < 20; ++round) {
    const std::vector<TokenRequest> requests = random_requests(random, 3 * round + 1);
    int64_t tokens = 0;
    for (const TokenRequest& request : requests) tokens += static_cast<int64_t>(request.tokens.size());
    FakeDevice device(recurrent());
    const int weight = state_pages(random);
    Plan shared({.max_rows = 50, .pages = kAmple, .state_pages = weight});
    const auto outcomes = TokenRunner(std::ref(device), kEnd).run(shared, requests);
    ASSERT_EQ(shared.counts().rows_unique, distinct_prefixes(requests));
    ASSERT_EQ(shared.counts().rows_computed, distinct_prefixes(requests) + fed_back(outcomes));
    Plan apart({.max_rows = 50, .pages = kAmple, .share_prefixes = false, .state_pages = weight});
    TokenRunner(std::ref(device), kEnd).run(apart, requests);
    ASSERT_EQ(apart.counts().rows_unique, tokens);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, PlanProperty, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "Recurrent" : "Attention"; });

}  // namespace
}  // namespace sizeup
