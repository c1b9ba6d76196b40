// A fixed set of worker threads that share one loop at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sizeup {

class ThreadPool {
 public:
  // threads >= 1 counts the calling thread; ThreadPool(1) runs everything in place.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(i) once for each i in [0, count), on any thread, and returns when all are done.
  // body must not throw and must not call parallel_for of the same pool.
  void parallel_for(size_t count, const std::function<void(size_t)>& body);

  // Processors this process may use (affinity mask and cgroup quota respected), at least 1.
  static int available_processors();

 private:
  void work();
  void drain();

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  const std::function<void(size_t)>* body_ = nullptr;
  size_t count_ = 0;
  size_t next_ = 0;
  size_t running_ = 0;
  unsigned generation_ = 0;
  bool stopping_ = false;
};

}  // namespace sizeup
