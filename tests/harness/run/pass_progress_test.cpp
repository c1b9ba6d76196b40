#include "harness/run/pass_progress.h"

#include <gtest/gtest.h>

#include "run_fixture.h"

namespace sizeup {
namespace {

TEST(PassProgress, CountsCommitsOfThisPassOnTopOfEarlierOnes) {
  SilentProgress sink;
  PassProgress progress(sink, 2);
  progress.begin("small", "offline", 10);
  progress.found_done(4);
  EXPECT_EQ(sink.seen.back().samples_done, 4);
  EXPECT_FALSE(sink.seen.back().seconds_left.has_value());
  progress.on_commit({.responses = 9, .answers = 3, .timings = 0});
  EXPECT_EQ(sink.seen.back().samples_done, 7);
  progress.found_done(1);
  EXPECT_EQ(sink.seen.back().samples_done, 8);
  progress.on_commit({.responses = 9, .answers = 4, .timings = 0});
  EXPECT_EQ(sink.seen.back().samples_done, 9);
  progress.begin("small", "single", 5);
  EXPECT_EQ(sink.seen.back().samples_done, 0);
  EXPECT_EQ(sink.seen.back().pass, 2);
  progress.on_commit({.responses = 9, .answers = 4, .timings = 2});
  EXPECT_EQ(sink.seen.back().samples_done, 2);
  EXPECT_EQ(sink.seen.back().samples_total, 5);
}

TEST(PassProgress, TimeLeftAndRateFollowFromWhatThisPassDid) {
  SilentProgress sink;
  PassProgress progress(sink, 1);
  PassUsage usage;
  const PassProgress::Clock::time_point start = PassProgress::Clock::now();
  progress.begin("small", "offline", 10);
  progress.found_done(4);
  progress.count(usage);
  usage.tokens = 3000;
  progress.on_commit({.responses = 3, .answers = 2, .timings = 0}, start + std::chrono::hours(1));
  // Two samples in an hour, four to go: two hours, whatever was done before.
  EXPECT_NEAR(sink.seen.back().seconds_left.value(), 7200, 1);
  EXPECT_NEAR(sink.seen.back().tokens_per_second, 3000.0 / 3600.0, 1e-3);
}

}  // namespace
}  // namespace sizeup
