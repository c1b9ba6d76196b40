#include "harness/run/scoring.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

std::string said(const std::string& text, const std::string& think_end) {
  ResponseRow row;
  row.text = text;
  return reply_of(row, think_end).text;
}

// As lm-evaluation-harness: text.split(end)[-1].lstrip(), and the whole text where there is no end.
TEST(Reply, ThoughtsAreNotTheAnswer) {
  EXPECT_EQ(said("Let me see.</think>\n\nParis\n", "</think>"), "Paris\n");
  EXPECT_EQ(said("a</think>b</think> c", "</think>"), "c");
  EXPECT_EQ(said("Let me see", "</think>"), "Let me see");
  EXPECT_EQ(said("a</think>b", ""), "a</think>b");
  EXPECT_EQ(said("only thoughts</think>", "</think>"), "");
}

TEST(Reply, FirstTokensOfAThoughtAreNotTheAnswers) {
  ResponseRow row;
  row.first_tokens = {{"A", -0.1}};
  row.text = "A customer asks.</think>B";
  EXPECT_TRUE(reply_of(row, "</think>").first_tokens.empty());
  EXPECT_EQ(reply_of(row, "").first_tokens.size(), 1u);
}

}  // namespace
}  // namespace sizeup
