#include "core/threads/spin_rule.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

using std::chrono::milliseconds;

// A thread that asks the rule at times of the test's choosing.
class SpinRuleTest : public testing::Test {
 protected:
  SpinRuleTest() { EXPECT_TRUE(may_spin()) << "nothing is known yet"; }

  bool may_spin() {
    return rule_.may_spin(now_, [this] {
      ++looks_;
      return delay_;
    });
  }
  void compute(std::chrono::microseconds time) { now_ += time; }
  // Time in which the thread would run, and another has the processor.
  void give_way(std::chrono::microseconds time) {
    now_ += time;
    delay_ += time;
  }

  SpinRule rule_;
  SpinRule::Clock::time_point now_{std::chrono::hours(1)};
  std::chrono::nanoseconds delay_{milliseconds(777)};  // of the thread's earlier life
  int looks_ = 0;
};

TEST_F(SpinRuleTest, ThreadSpinsOnAQuietProcessor) {
  for (int i = 0; i < 1000; ++i) {
    compute(milliseconds(2));
    give_way(std::chrono::microseconds(50));
    EXPECT_TRUE(may_spin());
  }
}

TEST_F(SpinRuleTest, LooksNowAndThenOnly) {
  for (int i = 0; i < 19; ++i) {
    compute(milliseconds(1));
    may_spin();
  }
  EXPECT_EQ(looks_, 1);
  compute(milliseconds(1));
  may_spin();
  EXPECT_EQ(looks_, 2);
}

TEST_F(SpinRuleTest, ThreadOnASharedProcessorSleepsForAWhile) {
  compute(milliseconds(12));
  give_way(milliseconds(8));
  EXPECT_FALSE(may_spin());
  compute(milliseconds(80));
  EXPECT_FALSE(may_spin());
  compute(milliseconds(20));
  EXPECT_TRUE(may_spin()) << "quiet since the last look";
}

TEST_F(SpinRuleTest, ThreadOnAProcessorThatStaysSharedNeverSpins) {
  for (int slice = 0; slice < 200; ++slice) {
    give_way(milliseconds(4));
    compute(milliseconds(4));
    const bool spins = may_spin();
    if (slice >= 2) {
      EXPECT_FALSE(spins) << slice;
    }
  }
}

}  // namespace
}  // namespace sizeup
