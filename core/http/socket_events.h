// Which of many sockets can be read or written: a call costs what has happened, not what is waited for. By
// epoll on Linux, by kqueue on macOS.
#pragma once

#include <chrono>
#include <span>
#include <vector>

namespace sizeup {

struct SocketEvent {
  int socket = -1;
  bool readable = false;
  bool writable = false;
  bool failed = false;
};

class SocketEvents {
 public:
  SocketEvents();
  ~SocketEvents();
  SocketEvents(const SocketEvents&) = delete;
  SocketEvents& operator=(const SocketEvents&) = delete;

  // Replaces what was watched for that socket; neither: no more.
  void watch(int socket, bool read, bool write);
  // What has happened, or nothing at the latest after `patience`, or after a wake().
  std::span<const SocketEvent> wait(std::chrono::milliseconds patience);
  // Ends the wait that is at work, or else the next one. From any thread.
  void wake();

 private:
  int events_;  // the descriptor that is asked
  int wake_;    // what wake() raises there
  std::vector<SocketEvent> happened_;
};

}  // namespace sizeup
