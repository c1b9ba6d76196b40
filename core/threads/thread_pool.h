// A fixed set of threads that share one piece of work at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/threads/function_ref.h"
#include "core/threads/spin_rule.h"

namespace sizeup {

// Made for work of microseconds: handing over costs no allocation, no lock and, while calls follow each other
// closely, no system call, because a thread that waits looks for about 50 us before it sleeps. It sleeps at
// once where that would take time from others: if the pool has more threads than available_processors(),
// under a CPU quota (which spinning uses up), and while other programs share its processor (SpinRule).
//
// One thread at a time may call parallel_for or run, and not from inside a body. A body must not throw.
class ThreadPool {
 public:
  // threads >= 1 counts the calling thread; ThreadPool(1) runs everything in place.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(i) once for each i in [0, count), on any thread, and returns when all are done. A thread that
  // comes late finds less to do, or nothing, and is not waited for.
  void parallel_for(size_t count, FunctionRef<void(size_t index)> body);

  // Calls body(t) once on each thread t of [0, size()), 0 being the caller, and returns when all are done:
  // for work that is split in equal parts, and for what each thread has of its own (its scratch, its share of
  // a cache).
  void run(FunctionRef<void(int thread)> body);

  // Processors this process may use (affinity mask and cgroup quotas respected), at least 1.
  static int available_processors();

 private:
  // What the threads are to do: both kinds of call, so that workers know one. `each` is called once on each
  // thread that takes part.
  struct Job {
    FunctionRef<void(int thread)> each;
    bool everyone;  // whether each thread must take part
  };

  void hand_out(const Job& job);
  void work(int thread);
  void leave(uint64_t members);
  template <class Ready>
  void wait(SpinRule& rule, std::atomic<uint32_t>& signal, Ready ready);

  static constexpr size_t kLine = 64;  // bytes: what processors pass to each other

  std::vector<std::thread> workers_;
  bool may_spin_ = false;
  SpinRule caller_rule_;  // its delays are those of the calling thread: another one misleads it for one look

  // Who is at what: the number of the job in the high half, below it whether it is open, below that how many
  // workers are inside. One word, so that entering and seeing what one has entered can't come apart. A worker
  // may touch job_ only between entering an open job and leaving; the caller may only before opening it and
  // after the last one left.
  alignas(kLine) std::atomic<uint64_t> state_{0};
  const Job* job_ = nullptr;
  std::atomic<bool> stopping_{false};
  // What threads sleep on: changes when there is something new in state_ or stopping_, and when the last
  // worker left.
  std::atomic<uint32_t> opened_{0};
  alignas(kLine) std::atomic<uint32_t> left_{0};
  alignas(kLine) std::atomic<size_t> next_{0};  // the next index of parallel_for
};

}  // namespace sizeup
