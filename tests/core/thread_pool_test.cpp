#include "core/threads/thread_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "core/threads/processors.h"

namespace sizeup {
namespace {

TEST(ThreadPool, CallsTheBodyOnceForEachIndex) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> calls(count);
      pool.parallel_for(count, [&](size_t i) { calls[i].fetch_add(1); });
      for (const auto& call : calls) ASSERT_EQ(call.load(), 1);
    }
  }
}

TEST(ThreadPool, ManyShortLoopsNeitherLoseNorRepeatWork) {
  for (const int threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    std::atomic<long> sum{0};
    for (int loop = 0; loop < 2000; ++loop) {
      pool.parallel_for(7, [&](size_t i) { sum += static_cast<long>(i); });
    }
    EXPECT_EQ(sum.load(), 2000 * 21);
  }
}

TEST(ThreadPool, RunCallsTheBodyOnceOnEachThread) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<std::thread::id> first(static_cast<size_t>(threads));
    pool.run([&](int thread) { first[static_cast<size_t>(thread)] = std::this_thread::get_id(); });
    EXPECT_EQ(first[0], std::this_thread::get_id());
    EXPECT_EQ(std::set(first.begin(), first.end()).size(), static_cast<size_t>(threads));
    for (int call = 0; call < 200; ++call) {
      std::vector<std::thread::id> again(static_cast<size_t>(threads));
      pool.run([&](int thread) { again[static_cast<size_t>(thread)] = std::this_thread::get_id(); });
      ASSERT_EQ(again, first);
    }
  }
}

// What the threads wrote without any atomic is there when a call returns, and at the next call everywhere:
// each call adds what its neighbour wrote in the call before. A worker that takes part twice, or in an old
// job, shows.
TEST(ThreadPool, CallsOfBothKindsFollowEachOther) {
  for (const int threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    const auto size = static_cast<size_t>(threads);
    std::vector<long> values(size, 1);
    std::vector<long> expected(size, 1);
    for (int call = 0; call < 2000; ++call) {
      std::vector<long> next(size);
      const auto add = [&](size_t i) { next[i] += values[i] + values[(i + 1) % size] % 1000; };
      if (call % 3 == 0) {
        pool.parallel_for(size, add);
      } else {
        pool.run([&](int thread) { add(static_cast<size_t>(thread)); });
      }
      std::vector<long> next_expected(size);
      for (size_t i = 0; i < size; ++i) {
        next_expected[i] = expected[i] + expected[(i + 1) % size] % 1000;
      }
      values = next;
      expected = next_expected;
      ASSERT_EQ(values, expected) << "call " << call;
    }
  }
}

// The workers have given up looking and sleep when the next call comes.
TEST(ThreadPool, WakesWorkersThatSleep) {
  ThreadPool pool(2);
  for (int call = 0; call < 5; ++call) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::array<int, 2> calls{};
    pool.run([&](int thread) { ++calls[static_cast<size_t>(thread)]; });
    EXPECT_EQ(calls, (std::array{1, 1}));
  }
}

// The caller sleeps while the other thread is still at work.
TEST(ThreadPool, WaitsForTheLastWorker) {
  ThreadPool pool(2);
  for (int call = 0; call < 5; ++call) {
    std::atomic<bool> done{false};
    pool.run([&](int thread) {
      if (thread == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      done = true;
    });
    EXPECT_TRUE(done);
  }
}

TEST(ThreadPool, EndsWithoutEverHavingWorked) {
  for (int pool = 0; pool < 20; ++pool) {
    EXPECT_EQ(ThreadPool(3).size(), 3);
  }
}

TEST(ThreadPool, KnowsProcessorsWithinTheAffinityMask) {
  EXPECT_GE(ThreadPool::available_processors(), 1);
  EXPECT_LE(ThreadPool::available_processors(), allowed_processors());
}

}  // namespace
}  // namespace sizeup
