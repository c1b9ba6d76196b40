#include "backends/engine/request_feed.h"

#include <utility>

namespace sizeup {

RequestFeed::RequestFeed(RequestSource& source, int max_in_flight, std::stop_token stop,
                         std::function<void()> on_news)
    : source_(source),
      max_in_flight_(max_in_flight),
      stop_(std::move(stop)),
      on_news_(std::move(on_news)),
      thread_([this](const std::stop_token& end) { pull(end); }) {}

std::vector<TakenRequest> RequestFeed::take(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait(lock, stop_, [this] { return !taken_.empty() || exhausted_; });
  return std::exchange(taken_, {});
}

bool RequestFeed::exhausted() {
  const std::lock_guard lock(mutex_);
  return exhausted_;
}

void RequestFeed::finished(int count) {
  {
    const std::lock_guard lock(mutex_);
    in_flight_ -= count;
  }
  changed_.notify_all();
}

void RequestFeed::pull(const std::stop_token& stop) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return in_flight_ < max_in_flight_; })) return;
    }
    std::optional<Request> request = source_.next();
    const auto now = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(mutex_);
      if (request) {
        taken_.push_back({std::move(*request), now});
        ++in_flight_;
      } else {
        exhausted_ = true;
      }
    }
    changed_.notify_all();
    on_news_();
    if (!request) return;
  }
}

}  // namespace sizeup
