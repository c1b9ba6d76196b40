// What a server counts, in the text form that Prometheus reads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "harness/serve/request_queue.h"

namespace sizeup {

// Any thread.
class ServeMetrics {
 public:
  void add_reply(const std::string& route, int status);
  void add_tokens(int64_t prompt, int64_t completion);
  void add_cancelled();
  // Of a body's answers, from its arrival on: until the first token (or score), and until the last.
  void add_latency(double first_seconds, double total_seconds);

  std::string text(const RequestQueue::Load& load) const;

 private:
  // Seconds. From the fastest first token of a model of a million weights to an answer of minutes.
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                         0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0, 300.0};
  struct Histogram {
    std::array<int64_t, kBounds.size()> counts{};  // at most each bound
    int64_t count = 0;
    double sum = 0.0;
    void add(double seconds);
    std::string text(const std::string& name, const std::string& help) const;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, int64_t> replies_;  // by route and status
  int64_t prompt_tokens_ = 0;
  int64_t completion_tokens_ = 0;
  int64_t cancelled_ = 0;
  Histogram first_;
  Histogram total_;
};

}  // namespace sizeup
