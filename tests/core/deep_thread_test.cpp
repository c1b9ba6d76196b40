#include "core/threads/deep_thread.h"

#include <gtest/gtest.h>

#include <array>

namespace sizeup {
namespace {

// Each call keeps four kilobytes.
int descend(int calls) {
  std::array<volatile char, 4096> kept;
  kept[0] = static_cast<char>(calls);
  const int below = calls > 1 ? descend(calls - 1) : 0;
  return below + (kept[0] == static_cast<char>(calls) ? 1 : 0);
}

// Four megabytes: a thread without more than others would crash on macOS, and on Linux under `ulimit -s 512`.
TEST(DeepThread, HasRoomForDeepRecursion) {
  constexpr int kCalls = 1000;
  int calls = 0;
  DeepThread thread([&calls] { calls = descend(kCalls); });
  thread.join();
  EXPECT_EQ(calls, kCalls);
}

TEST(DeepThread, IsOverWhenItIsDestroyed) {
  bool done = false;
  {
    const DeepThread thread([&done] { done = true; });
  }
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace sizeup
