#include <sys/event.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "core/errors/result.h"
#include "core/http/socket_events.h"

namespace sizeup {
namespace {

constexpr size_t kEventsAtOnce = 256;  // the rest comes with the next wait
constexpr int kWakeEvent = 0;          // the queue's events of users have numbers of their own

using Event = struct kevent;

// One change a call: the queue stops at the first that it refuses, such as taking away what isn't there.
bool change(int events, int what, int16_t filter, uint16_t action, uint32_t flags = 0) {
  Event event{};
  EV_SET(&event, static_cast<uintptr_t>(what), filter, action, flags, 0, nullptr);
  return kevent(events, &event, 1, nullptr, 0, nullptr) == 0;
}

}  // namespace

SocketEvents::SocketEvents() : events_(kqueue()), wake_(kWakeEvent) {
  require(events_ >= 0 && change(events_, wake_, EVFILT_USER, EV_ADD | EV_CLEAR),
          "there is a descriptor for kqueue");
}

SocketEvents::~SocketEvents() {
  close(events_);
}

void SocketEvents::watch(int socket, bool read, bool write) {
  change(events_, socket, EVFILT_READ, read ? EV_ADD : EV_DELETE);
  change(events_, socket, EVFILT_WRITE, write ? EV_ADD : EV_DELETE);
}

std::span<const SocketEvent> SocketEvents::wait(std::chrono::milliseconds patience) {
  std::array<Event, kEventsAtOnce> events;
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
  const std::chrono::nanoseconds timeout = std::clamp(patience, std::chrono::milliseconds(0), kLongest);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec longest{.tv_sec = static_cast<time_t>(seconds.count()),
                         .tv_nsec = static_cast<long>((timeout - seconds).count())};
  const int count = kevent(events_, nullptr, 0, events.data(), static_cast<int>(events.size()), &longest);
  happened_.clear();
  for (int i = 0; i < count; ++i) {
    const Event& event = events[static_cast<size_t>(i)];
    if (event.filter == EVFILT_USER) continue;
    const int socket = static_cast<int>(event.ident);
    // What can be read and written comes as two events.
    auto known = std::ranges::find(happened_, socket, &SocketEvent::socket);
    if (known == happened_.end()) known = happened_.insert(known, {.socket = socket});
    known->readable = known->readable || event.filter == EVFILT_READ;
    known->writable = known->writable || event.filter == EVFILT_WRITE;
    const bool broken = (event.flags & EV_EOF) != 0 && event.fflags != 0;  // the socket's error
    known->failed = known->failed || broken || (event.flags & EV_ERROR) != 0;
  }
  return happened_;
}

void SocketEvents::wake() {
  change(events_, wake_, EVFILT_USER, 0, NOTE_TRIGGER);
}

}  // namespace sizeup
