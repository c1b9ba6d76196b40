// Budgets, the number of requests at once, pauses and the choice among addresses, on clocks of the tests.
#include "backends/openai/limits.h"

#include <gmock/gmock.h>

#include "backends/openai/address_pool.h"
#include "backends/openai/retry.h"

namespace sizeup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = std::chrono::steady_clock::time_point;

const Time kStart = Time() + std::chrono::hours(1);

TEST(TokenBucket, GivesTenSecondsAtOnceAndThenByTheMinute) {
  TokenBucket bucket(60, kStart);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(bucket.ready_at(1, kStart), kStart);
    bucket.use(1, kStart);
  }
  EXPECT_EQ(bucket.ready_at(1, kStart), kStart + seconds(1));
  EXPECT_EQ(bucket.ready_at(1, kStart + milliseconds(400)), kStart + seconds(1));
  EXPECT_EQ(bucket.ready_at(1, kStart + seconds(1)), kStart + seconds(1));
  bucket.correct(1, 5);
  EXPECT_EQ(bucket.ready_at(1, kStart), kStart - seconds(0)) << "less was used than was guessed";
}

TEST(TokenBucket, WhatNeverFitsWaitsForAFullBucket) {
  TokenBucket bucket(60, kStart);
  EXPECT_EQ(bucket.ready_at(1000, kStart), kStart);
  bucket.use(1000, kStart);
  EXPECT_EQ(bucket.ready_at(1, kStart), kStart + seconds(991));
  EXPECT_EQ(TokenBucket(0, kStart).ready_at(1e9, kStart), kStart) << "no limit";
}

// A server whose rate grows with the requests on their way up to `best` of them.
int limit_after(ConcurrencyLimit& limit, int best, int answers, Time& now) {
  for (int i = 0; i < answers; ++i) {
    now += std::chrono::microseconds(1'000'000 / std::min(limit.now(), best));
    limit.answered(limit.now(), now);
  }
  return limit.now();
}

TEST(ConcurrencyLimit, GrowsWhileTheRateGrows) {
  Time now = kStart;
  ConcurrencyLimit limit(0, now);
  EXPECT_EQ(limit.now(), 8);
  const int found = limit_after(limit, 64, 2000, now);
  EXPECT_GE(found, 64);
  EXPECT_LE(limit.highest(), 128) << "one step too far shows that the rate has stopped growing";
}

TEST(ConcurrencyLimit, HalvesOnceForOneWaveOfRefusals) {
  Time now = kStart;
  ConcurrencyLimit limit(0, now);
  limit_after(limit, 64, 2000, now);
  const int before = limit.now();
  for (int i = 0; i < before; ++i) limit.overloaded(now);
  EXPECT_EQ(limit.now(), before / 2);
  for (int i = 0; i < 1000; ++i) limit.overloaded(now);
  EXPECT_EQ(limit.now(), 1) << "and again for each further wave";
}

TEST(ConcurrencyLimit, StaysWhereTooLittleIsAskedToTell) {
  Time now = kStart;
  ConcurrencyLimit limit(0, now);
  for (int i = 0; i < 500; ++i) limit.answered(2, now += milliseconds(1));
  EXPECT_EQ(limit.now(), 8);
}

TEST(ConcurrencyLimit, AFixedOneNeverMoves) {
  Time now = kStart;
  ConcurrencyLimit limit(5, now);
  limit_after(limit, 64, 500, now);
  limit.overloaded(now);
  EXPECT_EQ(limit.now(), 5);
}

TEST(AddressPool, TakesTheLeastLoadedHealthyOne) {
  AddressPool pool(3);
  EXPECT_EQ(pool.choose(kStart), 0U);
  EXPECT_EQ(pool.choose(kStart), 1U);
  EXPECT_EQ(pool.choose(kStart), 2U);
  pool.answered(1);
  EXPECT_EQ(pool.choose(kStart), 1U);
  pool.failed(2, kStart);
  EXPECT_EQ(pool.choose(kStart), 0U) << "2 has less to do, and rests";
  EXPECT_EQ(pool.choose(kStart + seconds(2)), 2U) << "rested";
}

TEST(AddressPool, NobodyIsAskedBeforeAPauseIsOver) {
  AddressPool pool(2);
  pool.pause(0, kStart + seconds(9));
  EXPECT_EQ(pool.choose(kStart), 1U);
  EXPECT_EQ(pool.choose(kStart), 1U);
  pool.pause(1, kStart + seconds(5));
  EXPECT_EQ(pool.choose(kStart), std::nullopt);
  EXPECT_EQ(pool.next_at(), kStart + seconds(5));
  EXPECT_EQ(pool.choose(kStart + seconds(5)), 1U);
}

TEST(AddressPool, ARestingOneIsAskedWhereThereIsNoOther) {
  AddressPool pool(1);
  ASSERT_EQ(pool.choose(kStart), 0U);
  pool.failed(0, kStart);
  EXPECT_EQ(pool.choose(kStart), 0U);
}

TEST(RetryPause, IsARandomPartOfADoubledBound) {
  EXPECT_EQ(pause_after(1, milliseconds(500), 0.0), milliseconds(0));
  EXPECT_EQ(pause_after(1, milliseconds(500), 0.5), milliseconds(250));
  EXPECT_EQ(pause_after(4, milliseconds(500), 0.5), milliseconds(2000));
  EXPECT_EQ(pause_after(1000, milliseconds(500), 0.5), milliseconds(30'000)) << "a minute at most";
}

}  // namespace
}  // namespace sizeup
