#include "core/threads/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>

#include "core/threads/processors.h"

namespace sizeup {
namespace {

// A generated token of a small model makes some 200 calls within 5-10 ms, one in 25-50 us: waiting this long
// sees nearly all of them. Sleeping and being woken costs 30-100 us on a virtual machine, less on others, so
// that a wait in vain at most about doubles the cost.
constexpr std::chrono::microseconds kSpinTime{50};
constexpr int kPausesPerLook = 8;  // between two looks at the clock: 0.1 to 0.4 us

constexpr uint64_t kJob = uint64_t{1} << 32;
constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kMembers = kOpen - 1;

uint32_t job_number(uint64_t state) {
  return static_cast<uint32_t>(state / kJob);
}

// Whether a job is open that the thread whose last one was `seen` has not taken part in.
bool is_new_job(uint64_t state, uint32_t seen) {
  return (state & kOpen) != 0 && job_number(state) != seen;
}

// Tells the processor that this is a loop that waits: it saves power, and lets a sibling thread go first.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// For how long the calling thread has been ready to run without a processor, since it started. 0 where the
// system doesn't say, so that it counts as undisturbed.
std::chrono::nanoseconds run_delay() {
  std::ifstream file("/proc/thread-self/schedstat");  // time on a processor, time ready without one, slices
  int64_t computed = 0;
  int64_t delay = 0;
  file >> computed >> delay;
  return std::chrono::nanoseconds(delay);
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : may_spin_(threads > 1 && threads <= available_processors() && !processor_quota().has_value()) {
  for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  opened_.fetch_add(1);
  opened_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::parallel_for(size_t count, FunctionRef<void(size_t)> body) {
  if (workers_.empty() || count <= 1) {
    for (size_t i = 0; i < count; ++i) body(i);
    return;
  }
  next_.store(0, std::memory_order_relaxed);
  const auto take_indices = [&](int) {
    for (size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) body(i);
  };
  hand_out({.each = take_indices, .everyone = false});
}

void ThreadPool::run(FunctionRef<void(int)> body) {
  if (workers_.empty()) {
    body(0);
    return;
  }
  hand_out({.each = body, .everyone = true});
}

// Each store and load of state_ below is a release or an acquire: what the caller wrote before opening is
// seen by those who enter, and what they wrote before leaving is seen by the caller.
void ThreadPool::hand_out(const Job& job) {
  job_ = &job;
  // In a job for everyone each worker counts as inside from the start, so that the caller waits for those too
  // who have not come yet.
  const uint64_t expected = job.everyone ? workers_.size() : 0;
  state_.fetch_add(kJob + kOpen + expected, std::memory_order_release);
  opened_.fetch_add(1);
  opened_.notify_all();
  job.each(0);
  if (!job.everyone) state_.fetch_and(~kOpen, std::memory_order_relaxed);
  wait(caller_rule_, left_, [this] { return (state_.load(std::memory_order_acquire) & kMembers) == 0; });
  if (job.everyone) state_.fetch_and(~kOpen, std::memory_order_relaxed);
}

void ThreadPool::work(int thread) {
  SpinRule rule;
  uint32_t seen = 0;  // the number of the last job this thread took part in
  while (true) {
    wait(rule, opened_, [&] {
      return is_new_job(state_.load(std::memory_order_relaxed), seen) ||
             stopping_.load(std::memory_order_relaxed);
    });
    if (stopping_.load(std::memory_order_relaxed)) return;
    uint64_t members = 1;  // as which this thread leaves: itself, and the one that was expected
    const uint64_t entered = state_.fetch_add(1, std::memory_order_acquire);
    if (is_new_job(entered, seen)) {
      seen = job_number(entered);
      job_->each(thread);
      if (job_->everyone) ++members;
    }
    leave(members);
  }
}

void ThreadPool::leave(uint64_t members) {
  const uint64_t before = state_.fetch_sub(members, std::memory_order_release);
  if ((before & kMembers) != members) return;
  left_.fetch_add(1);
  left_.notify_one();
}

// Returns when ready() holds: looks for a moment if that is sensible, then sleeps until `signal` changes.
template <class Ready>
void ThreadPool::wait(SpinRule& rule, std::atomic<uint32_t>& signal, Ready ready) {
  if (ready()) return;
  if (may_spin_) {
    const auto start = SpinRule::Clock::now();
    if (rule.may_spin(start, [] { return run_delay(); })) {
      do {
        for (int i = 0; i < kPausesPerLook; ++i) {
          pause();
          if (ready()) return;
        }
      } while (SpinRule::Clock::now() < start + kSpinTime);
    }
  }
  while (true) {
    const uint32_t before = signal.load(std::memory_order_acquire);
    if (ready()) return;
    signal.wait(before, std::memory_order_relaxed);
  }
}

int ThreadPool::available_processors() {
  const int allowed = allowed_processors();
  const std::optional<double> quota = processor_quota();
  // Rounded down: a thread more than the quota feeds makes all of them stand still in each period.
  return quota ? std::clamp(static_cast<int>(*quota), 1, allowed) : allowed;
}

}  // namespace sizeup
