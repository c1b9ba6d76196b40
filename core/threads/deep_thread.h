// A thread with as much stack as a program's first one. Others get half a megabyte on macOS, and a hostile
// template takes up to one and a half before it is refused.
#pragma once

#include <pthread.h>

#include <functional>

namespace sizeup {

class DeepThread {
 public:
  // `body` must not throw.
  explicit DeepThread(std::function<void()> body);
  ~DeepThread() { join(); }
  DeepThread(const DeepThread&) = delete;
  DeepThread& operator=(const DeepThread&) = delete;

  // Returns when the body has; again at once.
  void join();

 private:
  std::function<void()> body_;
  pthread_t thread_{};
  bool joined_ = false;
};

}  // namespace sizeup
