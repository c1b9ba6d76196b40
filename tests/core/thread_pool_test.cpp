#include "core/threads/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

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
  ThreadPool pool(3);
  std::atomic<long> sum{0};
  for (int loop = 0; loop < 2000; ++loop) {
    pool.parallel_for(7, [&](size_t i) { sum += static_cast<long>(i); });
  }
  EXPECT_EQ(sum.load(), 2000 * 21);
}

TEST(ThreadPool, KnowsAtLeastOneProcessor) {
  EXPECT_GE(ThreadPool::available_processors(), 1);
}

}  // namespace
}  // namespace sizeup
