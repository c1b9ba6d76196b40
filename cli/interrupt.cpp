#include "cli/interrupt.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace sizeup::cli {

Interrupt::Interrupt(const char* message) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &previous_);
  watcher_ = std::jthread([this, signals, message](const std::stop_token& finished) {
    const timespec tick{.tv_sec = 0, .tv_nsec = 100'000'000};  // how long the end of a command may lag
    while (!finished.stop_requested()) {
      const int signal = sigtimedwait(&signals, nullptr, &tick);
      if (signal < 0) continue;
      if (stop_.stop_requested()) std::_Exit(128 + signal);
      fmt::print(stderr, "\n{}\n", message);
      stop_.request_stop();
    }
  });
}

Interrupt::~Interrupt() {
  watcher_.request_stop();
  watcher_.join();
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

}  // namespace sizeup::cli
