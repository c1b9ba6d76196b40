#include "core/http/socket_events.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/errors/result.h"

namespace sizeup {
namespace {

constexpr size_t kEventsAtOnce = 256;  // the rest comes with the next wait

}  // namespace

SocketEvents::SocketEvents()
    : events_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  require(events_ >= 0 && wake_ >= 0, "there are descriptors for epoll");
  watch(wake_, true, false);
}

SocketEvents::~SocketEvents() {
  close(wake_);
  close(events_);
}

void SocketEvents::watch(int socket, bool read, bool write) {
  epoll_event event{};
  event.data.fd = socket;
  if (read) event.events |= EPOLLIN;
  if (write) event.events |= EPOLLOUT;
  if (!read && !write) {
    epoll_ctl(events_, EPOLL_CTL_DEL, socket, &event);  // a closed socket has left by itself
  } else if (epoll_ctl(events_, EPOLL_CTL_MOD, socket, &event) != 0) {
    epoll_ctl(events_, EPOLL_CTL_ADD, socket, &event);
  }
}

std::span<const SocketEvent> SocketEvents::wait(std::chrono::milliseconds patience) {
  std::array<epoll_event, kEventsAtOnce> events;
  const auto longest = static_cast<int64_t>(std::numeric_limits<int>::max());
  const int timeout = static_cast<int>(std::clamp<int64_t>(patience.count(), 0, longest));
  const int count = epoll_wait(events_, events.data(), static_cast<int>(events.size()), timeout);
  happened_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd != wake_) {
      happened_.push_back({event.data.fd, (event.events & (EPOLLIN | EPOLLHUP)) != 0,
                           (event.events & EPOLLOUT) != 0, (event.events & EPOLLERR) != 0});
      continue;
    }
    uint64_t calls = 0;
    while (read(wake_, &calls, sizeof calls) == static_cast<ssize_t>(sizeof calls)) {
    }
  }
  return happened_;
}

void SocketEvents::wake() {
  const uint64_t one = 1;
  // A full counter means that the wait has not seen earlier calls yet.
  static_cast<void>(!write(wake_, &one, sizeof one));
}

}  // namespace sizeup
