// Runs a threadgroup of a Metal kernel on one thread of the host: its threads are fibers that take turns at
// barriers and wherever a simdgroup exchanges values, always in the same order.
//
// What a GPU leaves undefined is an error here: a barrier that not all threads reach, an exchange that not
// all threads of a simdgroup make, memory that no buffer has.
#pragma once

#include <ucontext.h>
#include <array>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sizeup::metal_shim {

class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Threads that are not ordered by barriers may run in any order: kernels are right if both give the same
// bits.
enum class Order { ascending, descending };

class Threadgroup {
  static constexpr int kLanes = 32;
  enum class State : uint8_t { ready, at_group, at_simdgroup, done };
  struct Thread {
    ucontext_t context = {};
    jmp_buf resume = {};
    std::unique_ptr<std::byte[]> stack;
    bool started = false;
    State state = State::ready;
    int line = 0;
    int64_t exchanges = 0;
    int64_t matrix_operations = 0;
    uint32_t given[2] = {};  // by turns: others may still read the last one
  };

 public:
  Threadgroup();
  ~Threadgroup();
  Threadgroup(const Threadgroup&) = delete;
  Threadgroup& operator=(const Threadgroup&) = delete;

  // body(thread) for every thread; their number is a multiple of the simdgroup's. Throws KernelError.
  void run(int threads, Order order, const std::function<void(int)>& body);

  // Whether threads may multiply matrices that a simdgroup holds; at first they may.
  void allow_matrices(bool allowed) { allows_matrices_ = allowed; }

  // What threads call, with the line of the kernel that does.
  void wait_for_group(int line);
  void wait_for_simdgroup(int line);
  // What thread `lane` of the simdgroup gave.
  uint32_t exchange(uint32_t own, uint32_t lane, int line);
  // An operation of a whole simdgroup on a matrix: its first thread does it, all must come by.
  bool leads_matrix_operation() {
    if (!allows_matrices_) throw KernelError("this GPU has no matrices of a simdgroup");
    ++now_->matrix_operations;
    return running_ % kLanes == 0;
  }
  uint32_t lane() const { return static_cast<uint32_t>(running_ % kLanes); }

  // Ends the running thread, from a signal's handler.
  [[noreturn]] void fail_from_signal();

  // The one that is running; only kernels ask.
  static Threadgroup& current() { return *current_; }
  static bool is_running() { return current_ != nullptr; }

 private:
  static inline thread_local Threadgroup* current_ = nullptr;

  static void enter();
  void prepare(int threads);
  void resume(int thread);
  void yield(State state, int line);
  bool release();
  void check_matrix_operations() const;
  std::string describe(int thread) const;
  void abandon();

  std::vector<std::unique_ptr<Thread>> threads_;
  int count_ = 0;
  int running_ = 0;
  Thread* now_ = nullptr;  // that one
  const std::function<void(int)>* body_ = nullptr;
  bool allows_matrices_ = true;
  std::exception_ptr failure_;
  jmp_buf scheduler_ = {};
};

// While it lives, kernels may touch memory that is not there: an error of theirs, not the program's end.
class FaultGuard {
 public:
  FaultGuard();
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

 private:
  static constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGILL};
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

}  // namespace sizeup::metal_shim
