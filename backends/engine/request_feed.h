// Takes requests from a source while the engine computes, never more than a number of them in flight.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "backends/backend.h"

namespace sizeup {

struct TakenRequest {
  Request request;
  std::chrono::steady_clock::time_point at;  // when the source gave it: its times count from here
};

// A source may block (arrivals at stated times), so a thread of its own waits for it. The destructor abandons
// the source and waits for its last answer.
class RequestFeed {
 public:
  // `on_news` is called, from the thread, whenever take() or exhausted() has something new to say.
  RequestFeed(
      RequestSource& source, int max_in_flight, std::stop_token stop, std::function<void()> on_news = [] {});
  ~RequestFeed() { source_.abandon(); }
  RequestFeed(const RequestFeed&) = delete;
  RequestFeed& operator=(const RequestFeed&) = delete;

  // What was taken since the last call; if `wait`, at least one unless the source is exhausted or a stop
  // came.
  std::vector<TakenRequest> take(bool wait);
  // The source has no more: what it gave is with take().
  bool exhausted();
  // This many have been answered.
  void finished(int count);

 private:
  void pull(const std::stop_token& stop);

  RequestSource& source_;
  int max_in_flight_;
  std::stop_token stop_;
  std::function<void()> on_news_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<TakenRequest> taken_;
  int in_flight_ = 0;
  bool exhausted_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace sizeup
