#include "cli/interrupt.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace sizeup::cli {

Interrupt::Interrupt(const char* message) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &previous_);
  watcher_ = std::jthread([this, signals, message](const std::stop_token& finished) {
    while (true) {
      int signal = 0;
      sigwait(&signals, &signal);
      if (finished.stop_requested()) return;
      if (stop_.stop_requested()) std::_Exit(128 + signal);
      fmt::print(stderr, "\n{}\n", message);
      stop_.request_stop();
    }
  });
}

Interrupt::~Interrupt() {
  watcher_.request_stop();
  pthread_kill(watcher_.native_handle(), SIGTERM);  // macOS has no wait for a signal that ends by itself
  watcher_.join();
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

}  // namespace sizeup::cli
