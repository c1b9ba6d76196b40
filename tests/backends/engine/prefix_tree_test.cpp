#include "backends/engine/plan/prefix_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/engine/token_runner.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

TEST(PrefixTree, SplitsWhereRequestsDiffer) {
  const std::vector<TokenRequest> requests = {score_request({1, 2, 3, 4, 9}, 2),
                                              score_request({1, 2, 5, 9}, 3), generate_request({1, 2}, 4)};
  const auto tree = build_prefix_tree(requests, true);
  ASSERT_EQ(tree.size(), 3u);
  EXPECT_EQ(tree[0].begin, 0);
  EXPECT_EQ(tree[0].end, 2);
  EXPECT_EQ(tree[0].parent, -1);
  EXPECT_EQ(tree[0].children, 2);
  EXPECT_EQ(tree[1].parent, 0);
  EXPECT_EQ(tree[2].parent, 0);
  EXPECT_THAT(tree[0].generating, ElementsAre(2));
  EXPECT_THAT(tree[0].scored, ElementsAre(0));  // its first target comes after the second token
  EXPECT_EQ(tree[1].begin, 2);
  EXPECT_EQ(tree[1].end, 4);
  EXPECT_THAT(tree[1].scored, ElementsAre(0));
  EXPECT_EQ(tree[2].end, 3);
  EXPECT_THAT(tree[2].scored, ElementsAre(1));
}

TEST(PrefixTree, KeepsParentsBeforeChildrenInTheOrderOfRequests) {
  const std::vector<TokenRequest> requests = {generate_request({1, 1}, 1), generate_request({2}, 1),
                                              generate_request({1, 2}, 1), generate_request({1, 1, 3}, 1)};
  const auto tree = build_prefix_tree(requests, true);
  ASSERT_EQ(tree.size(), 5u);
  for (size_t i = 0; i < tree.size(); ++i) EXPECT_LT(tree[i].parent, static_cast<int>(i));
  EXPECT_THAT(tree[1].generating, ElementsAre(0));  // {1} -> {1} -> {3}, then {1} -> {2}, then {2}
  EXPECT_THAT(tree[2].generating, ElementsAre(3));
  EXPECT_THAT(tree[3].generating, ElementsAre(2));
  EXPECT_THAT(tree[4].generating, ElementsAre(1));
}

TEST(PrefixTree, SharesNothingWhenToldSo) {
  const std::vector<TokenRequest> requests(3, generate_request({1, 2, 3}, 1));
  const auto tree = build_prefix_tree(requests, false);
  ASSERT_EQ(tree.size(), 3u);
  for (const PrefixNode& node : tree) {
    EXPECT_EQ(node.parent, -1);
    EXPECT_EQ(node.children, 0);
  }
}

TEST(PrefixTree, IsAsDeepAsItMustBe) {
  // Every prefix of one text is a request: a recursive walk would overflow the stack.
  std::vector<TokenRequest> requests;
  std::vector<Token> text;
  for (int i = 0; i < 3000; ++i) {
    text.push_back(i % 7);
    requests.push_back(generate_request(text, 1));
  }
  const auto tree = build_prefix_tree(requests, true);
  ASSERT_EQ(tree.size(), 3000u);
  EXPECT_EQ(tree.back().end, 3000);
}

}  // namespace
}  // namespace sizeup
