#include "harness/store/group_commit.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

using std::chrono::milliseconds;

TEST(GroupCommit, IsDueAfterTheStatedNumberOfWrites) {
  GroupCommit group({.writes = 3, .delay = milliseconds(100)});
  const GroupCommit::Clock::time_point start;
  EXPECT_FALSE(group.due(start));
  group.add(start);
  group.add(start);
  EXPECT_FALSE(group.due(start));
  group.add(start);
  EXPECT_TRUE(group.due(start));
  group.taken();
  EXPECT_EQ(group.waiting(), 0U);
  EXPECT_FALSE(group.due(start));
}

TEST(GroupCommit, IsDueWhenTheOldestWriteHasWaitedLongEnough) {
  GroupCommit group({.writes = 256, .delay = milliseconds(100)});
  const GroupCommit::Clock::time_point start;
  group.add(start);
  group.add(start + milliseconds(90));  // a later write does not move the deadline
  EXPECT_FALSE(group.due(start + milliseconds(99)));
  EXPECT_TRUE(group.due(start + milliseconds(100)));
  EXPECT_EQ(group.deadline(), start + milliseconds(100));
}

TEST(GroupCommit, CountsTheDelayFromTheFirstWriteAfterACommit) {
  GroupCommit group({.writes = 256, .delay = milliseconds(100)});
  const GroupCommit::Clock::time_point start;
  group.add(start);
  group.taken();
  EXPECT_FALSE(group.due(start + milliseconds(500)));  // nothing waits
  group.add(start + milliseconds(500));
  EXPECT_FALSE(group.due(start + milliseconds(599)));
  EXPECT_TRUE(group.due(start + milliseconds(600)));
}

TEST(GroupCommit, DefaultsAreThePromiseOfTheStore) {
  EXPECT_EQ(GroupLimits{}.writes, 256U);
  EXPECT_EQ(GroupLimits{}.delay, milliseconds(100));
}

}  // namespace
}  // namespace sizeup
