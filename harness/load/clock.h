// The time by which load is offered and measured.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sizeup {

// Milliseconds since its beginning. Used from several threads.
class LoadClock {
 public:
  virtual ~LoadClock() = default;
  virtual double now() = 0;
  // False: interrupted before that time.
  virtual bool wait_until(double time) = 0;
  // Every wait, present and future, returns at once.
  virtual void interrupt() = 0;
};

class SteadyClock : public LoadClock {
 public:
  double now() override;
  bool wait_until(double time) override;
  void interrupt() override;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
};

}  // namespace sizeup
