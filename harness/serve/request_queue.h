// Between a server's connections and the engine: requests wait here for the engine, answers for those who
// asked.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "backends/backend.h"

namespace sizeup {

// What comes back for the requests of one body. Any thread.
class Answers {
 public:
  struct Event {
    size_t request = 0;                // its place among the body's
    int32_t token = 0;                 // of an answer that is not finished
    std::optional<Response> response;  // instead: the end
  };

  // `streams`: whether each token is told.
  explicit Answers(bool streams) : streams_(streams) {}

  bool streams() const { return streams_; }
  // What came since the last call; waits for it, at most so long.
  std::vector<Event> take(std::chrono::milliseconds wait);
  void add(Event event);

  // Nobody wants them any more: the engine gives the requests up.
  void cancel() { cancelled_.request_stop(); }
  std::stop_token cancelled() const { return cancelled_.get_token(); }

 private:
  const bool streams_;
  std::stop_source cancelled_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
};

class RequestQueue : public RequestSource, public ResponseSink {
 public:
  enum class Admission { admitted, full, closed };

  // So many requests may be with the engine and in line for it together.
  explicit RequestQueue(size_t most) : most_(most) {}

  size_t most() const { return most_; }
  // All of a body's requests, or none of them; their ids are given here.
  Admission submit(std::vector<Request> requests, const std::shared_ptr<Answers>& answers);
  // Nothing more is admitted. The engine's run ends when everything has been answered.
  void close();
  // The engine is broken: everybody is told so.
  void fail(const Error& error);

  struct Load {
    size_t running = 0;  // with the engine
    size_t waiting = 0;
  };
  Load load() const;

  // For the engine.
  std::optional<Request> next() override;
  void abandon() override { close(); }
  void on_response(Response response) override;
  void on_token(uint64_t request_id, int32_t token, double elapsed_ms) override;

 private:
  struct Asked {
    std::shared_ptr<Answers> answers;
    size_t place = 0;
  };

  const size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  std::unordered_map<uint64_t, Asked> asked_;  // by id: waiting or with the engine
  uint64_t next_id_ = 0;
  bool closed_ = false;
};

}  // namespace sizeup
