#include "harness/serve/request_queue.h"

#include <utility>

namespace sizeup {

std::vector<Answers::Event> Answers::take(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return !events_.empty(); });
  return std::exchange(events_, {});
}

void Answers::add(Event event) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = events_.empty();
    events_.push_back(std::move(event));
  }
  if (first) changed_.notify_one();
}

RequestQueue::Admission RequestQueue::submit(std::vector<Request> requests,
                                             const std::shared_ptr<Answers>& answers) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Admission::closed;
    if (asked_.size() + requests.size() > most_) return Admission::full;
    for (size_t place = 0; place < requests.size(); ++place) {
      Request& request = requests[place];
      request.id = next_id_++;
      request.cancelled = answers->cancelled();
      asked_.emplace(request.id, Asked{answers, place});
      waiting_.push_back(std::move(request));
    }
  }
  changed_.notify_all();
  return Admission::admitted;
}

void RequestQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

void RequestQueue::fail(const Error& error) {
  close();
  std::unordered_map<uint64_t, Asked> asked;
  {
    const std::lock_guard lock(mutex_);
    asked.swap(asked_);
    waiting_.clear();
  }
  for (const auto& [id, one] : asked) {
    Response response;
    response.id = id;
    response.error = error;
    one.answers->add({.request = one.place, .response = std::move(response)});
  }
}

RequestQueue::Load RequestQueue::load() const {
  const std::lock_guard lock(mutex_);
  return {.running = asked_.size() - waiting_.size(), .waiting = waiting_.size()};
}

std::optional<Request> RequestQueue::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  Request request = std::move(waiting_.front());
  waiting_.pop_front();
  return request;
}

void RequestQueue::on_response(Response response) {
  Asked asked;
  {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(response.id);
    if (found == asked_.end()) return;
    asked = std::move(found->second);
    asked_.erase(found);
  }
  asked.answers->add({.request = asked.place, .response = std::move(response)});
}

void RequestQueue::on_token(uint64_t request_id, int32_t token, double) {
  Asked asked;
  {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(request_id);
    if (found == asked_.end() || !found->second.answers->streams()) return;
    asked = found->second;
  }
  asked.answers->add({.request = asked.place, .token = token, .response = std::nullopt});
}

}  // namespace sizeup
