// Ctrl-C and SIGTERM as a stop token: a run stops between two steps and can be resumed.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace sizeup::cli {

// While it lives, SIGINT and SIGTERM request a stop instead of ending the program; a second one ends it.
// Create it before any other thread, so that they inherit the blocked signals.
class Interrupt {
 public:
  // `message`: said at the first signal.
  explicit Interrupt(const char* message = "Stopping after this step; once more to stop at once.");
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  sigset_t previous_{};
  std::jthread watcher_;
};

}  // namespace sizeup::cli
