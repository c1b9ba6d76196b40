#include "backends/engine/plan/prompt_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Token> guess(const std::vector<Token>& text) {
  PromptLookup lookup;
  const auto guessed = lookup.guess(text);
  return {guessed.begin(), guessed.end()};
}

TEST(PromptLookup, WhatFollowedTheSameTokensFollowsAgain) {
  EXPECT_THAT(guess({5, 1, 2, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1, 2}),
              ElementsAre(11, 12, 13, 14, 15, 16, 17, 18));
}

TEST(PromptLookup, NothingFollowsWhatIsNew) {
  EXPECT_THAT(guess({}), IsEmpty());
  EXPECT_THAT(guess({1}), IsEmpty());
  EXPECT_THAT(guess({1, 1}), IsEmpty());
  EXPECT_THAT(guess({1, 2, 3, 4}), IsEmpty());
  EXPECT_THAT(guess({1, 2, 3, 2}), IsEmpty()) << "one token is not enough";
}

TEST(PromptLookup, TheLongestMatchCounts) {
  // After 7 8 9 came 1; later, after 8 9 alone, 2.
  EXPECT_EQ(guess({7, 8, 9, 1, 4, 8, 9, 2, 7, 8, 9}).front(), 1);
  // Five tokens are no better than four: the later place counts.
  EXPECT_EQ(guess({5, 6, 7, 8, 9, 1, 0, 6, 7, 8, 9, 2, 5, 6, 7, 8, 9}).front(), 2);
}

TEST(PromptLookup, OfEqualMatchesTheLastCounts) {
  EXPECT_EQ(guess({8, 9, 1, 8, 9, 2, 8, 9, 3, 4, 8, 9}).front(), 3);
}

TEST(PromptLookup, ATextThatRepeatsItselfGoesOnRepeating) {
  EXPECT_THAT(guess({4, 1, 2, 3, 1, 2, 3}), ElementsAre(1, 2, 3, 1, 2, 3, 1, 2));
  EXPECT_THAT(guess({6, 6, 6}), ElementsAre(6, 6, 6, 6, 6, 6, 6, 6));
}

TEST(PromptLookup, TheBeginningOfTheTextCountsToo) {
  EXPECT_EQ(guess({1, 2, 3, 1, 2}).front(), 3);
  std::vector<Token> text(30000);
  std::iota(text.begin(), text.end(), 0);
  text.push_back(0);
  text.push_back(1);
  EXPECT_EQ(guess(text).front(), 2);
}

TEST(PromptLookup, LearnsFromHitsAndMisses) {
  PromptLookup lookup;
  const double unknown = lookup.hit_rate();
  EXPECT_DOUBLE_EQ(unknown, 0.3);
  lookup.guess(std::vector<Token>{1, 2, 3, 4, 1, 2});  // 3 4 1 2 ...
  lookup.found(3);
  lookup.found(4);
  const double good = lookup.hit_rate();
  EXPECT_GT(good, unknown);
  lookup.found(9);
  const double missed = lookup.hit_rate();
  EXPECT_LT(missed, good);
  // After a miss the rest of the guess is worth nothing.
  lookup.found(2);
  EXPECT_EQ(lookup.hit_rate(), missed);
  // Without a guess there is nothing to learn.
  lookup.guess(std::vector<Token>{1, 2, 3});
  lookup.found(4);
  EXPECT_EQ(lookup.hit_rate(), missed);
  // Many misses end it, many hits bring it back.
  const auto repeat = [&](Token next) {
    for (int i = 0; i < 40; ++i) {
      lookup.guess(std::vector<Token>{1, 2, 3, 1, 2});
      lookup.found(next);
    }
    return lookup.hit_rate();
  };
  EXPECT_LT(repeat(9), 0.02);
  EXPECT_GT(repeat(3), 0.98);
  EXPECT_LT(lookup.hit_rate(), 1.0);
}

}  // namespace
}  // namespace sizeup
