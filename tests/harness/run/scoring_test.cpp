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

}  // namespace
}  // namespace sizeup
