#include "harness/load/clock.h"

namespace sizeup {

double SteadyClock::now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
}

bool SteadyClock::wait_until(double time) {
  const auto due = start_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                std::chrono::duration<double, std::milli>(time));
  std::unique_lock lock(mutex_);
  return !changed_.wait_until(lock, due, [this] { return interrupted_; });
}

void SteadyClock::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  changed_.notify_all();
}

}  // namespace sizeup
