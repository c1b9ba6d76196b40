#include "tests/metal/shim/threads.h"

#include <utility>

namespace sizeup::metal_shim {
namespace {

constexpr size_t kStackBytes = size_t{128} << 10;

// Of the scheduler's jump buffer: why a thread came back.
constexpr int kYielded = 1;
constexpr int kFaulted = 2;

// Outside of kernels the signal comes again, and ends the program as it would.
void on_fault(int signal) {
  if (Threadgroup::is_running()) Threadgroup::current().fail_from_signal();
  std::signal(signal, SIG_DFL);
}

}  // namespace

FaultGuard::FaultGuard() {
  struct sigaction handler = {};
  handler.sa_handler = on_fault;
  handler.sa_flags = SA_NODEFER;  // left by a jump
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &handler, &before_[i]);
}

FaultGuard::~FaultGuard() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

Threadgroup::Threadgroup() = default;
Threadgroup::~Threadgroup() = default;

void Threadgroup::run(int threads, Order order, const std::function<void(int)>& body) {
  if (threads <= 0 || threads % kLanes != 0)
    throw KernelError("a group of " + std::to_string(threads) + " threads is no number of simdgroups");
  current_ = this;
  prepare(threads);
  body_ = &body;
  do {
    for (int i = 0; i < count_ && !failure_; ++i) {
      const int thread = order == Order::ascending ? i : count_ - 1 - i;
      if (threads_[static_cast<size_t>(thread)]->state == State::ready) resume(thread);
    }
  } while (!failure_ && release());
  current_ = nullptr;
  if (!failure_) check_matrix_operations();
  if (!failure_) return;
  abandon();
  std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Threadgroup::prepare(int threads) {
  while (threads_.size() < static_cast<size_t>(threads)) {
    threads_.push_back(std::make_unique<Thread>());
    threads_.back()->stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  }
  count_ = threads;
  for (int i = 0; i < threads; ++i) {
    Thread& thread = *threads_[static_cast<size_t>(i)];
    thread.state = State::ready;
    thread.exchanges = 0;
    thread.matrix_operations = 0;
  }
}

// A thread that has run its body waits to run the next group's.
void Threadgroup::enter() {
  Threadgroup* group = current_;
  for (;;) {
    try {
      (*group->body_)(group->running_);
    } catch (...) {
      group->failure_ = std::current_exception();
    }
    group->yield(State::done, 0);
  }
}

void Threadgroup::resume(int index) {
  Thread& thread = *threads_[static_cast<size_t>(index)];
  running_ = index;
  now_ = &thread;
  const int why = _setjmp(scheduler_);
  if (why == kFaulted) {
    failure_ = std::make_exception_ptr(
        KernelError("thread " + std::to_string(running_) + " used memory outside its buffers or arrays"));
    return;
  }
  if (why == kYielded) return;
  if (thread.started) _longjmp(thread.resume, 1);
  thread.started = true;
  getcontext(&thread.context);
  thread.context.uc_stack.ss_sp = thread.stack.get();
  thread.context.uc_stack.ss_size = kStackBytes;
  thread.context.uc_link = nullptr;
  makecontext(&thread.context, enter, 0);
  setcontext(&thread.context);
}

void Threadgroup::fail_from_signal() {
  _longjmp(scheduler_, kFaulted);
}

void Threadgroup::yield(State state, int line) {
  Thread& thread = *now_;
  thread.state = state;
  thread.line = line;
  if (_setjmp(thread.resume) == 0) _longjmp(scheduler_, kYielded);
}

// Whether there is more to run: threads that have reached what they wait for together are ready.
bool Threadgroup::release() {
  const auto same = [&](int a, int b) {
    const Thread& one = *threads_[static_cast<size_t>(a)];
    const Thread& other = *threads_[static_cast<size_t>(b)];
    return one.state == other.state && one.line == other.line;
  };
  const auto together = [&](int first, int end, State state) {
    if (threads_[static_cast<size_t>(first)]->state != state) return false;
    for (int i = first + 1; i < end; ++i) {
      if (!same(first, i)) return false;
    }
    return true;
  };
  const auto set_ready = [&](int first, int end) {
    for (int i = first; i < end; ++i) threads_[static_cast<size_t>(i)]->state = State::ready;
  };
  bool any = false;
  for (int first = 0; first < count_; first += kLanes) {
    if (!together(first, first + kLanes, State::at_simdgroup)) continue;
    set_ready(first, first + kLanes);
    any = true;
  }
  if (any) return true;
  if (together(0, count_, State::at_group)) {
    set_ready(0, count_);
    return true;
  }
  if (together(0, count_, State::done)) return false;
  int other = 0;
  int waiting = 0;
  while (threads_[static_cast<size_t>(waiting)]->state == State::done) ++waiting;
  while (other == waiting || same(other, waiting)) ++other;
  failure_ = std::make_exception_ptr(
      KernelError("threads part at a barrier: " + describe(waiting) + ", " + describe(other)));
  return false;
}

void Threadgroup::check_matrix_operations() const {
  for (int i = 0; i < count_; ++i) {
    const auto operations = [&](int thread) {
      return threads_[static_cast<size_t>(thread)]->matrix_operations;
    };
    if (operations(i) == operations(i - i % kLanes)) continue;
    throw KernelError("thread " + std::to_string(i) + " did not take part in all its simdgroup's products");
  }
}

std::string Threadgroup::describe(int index) const {
  const Thread& thread = *threads_[static_cast<size_t>(index)];
  const std::string name = "thread " + std::to_string(index);
  if (thread.state == State::done) return name + " has ended";
  return name + " waits for its " + (thread.state == State::at_group ? "group" : "simdgroup") + " in line " +
         std::to_string(thread.line);
}

// What threads were doing when one failed is given up.
void Threadgroup::abandon() {
  for (const auto& thread : threads_) thread->started = false;
}

void Threadgroup::wait_for_group(int line) {
  yield(State::at_group, line);
}

void Threadgroup::wait_for_simdgroup(int line) {
  yield(State::at_simdgroup, line);
}

uint32_t Threadgroup::exchange(uint32_t own, uint32_t lane, int line) {
  Thread& thread = *now_;
  const int first = running_ - running_ % kLanes;
  const auto turn = static_cast<size_t>(thread.exchanges++ % 2);
  thread.given[turn] = own;
  yield(State::at_simdgroup, line);
  if (lane >= kLanes) throw KernelError("thread " + std::to_string(lane) + " of a simdgroup of 32");
  return threads_[static_cast<size_t>(first) + lane]->given[turn];
}

}  // namespace sizeup::metal_shim
