// What a server did otherwise than it was asked, and what it took to get all answers: counted over a run,
// said once at its end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/openai/reply.h"
#include "backends/openai/request_body.h"
#include "backends/request.h"

namespace sizeup {

class Observations {
 public:
  // `seen` is the system fingerprint that the probe saw.
  explicit Observations(std::string seen) : fingerprint_(std::move(seen)) {}

  void on_answer(const EndpointAnswer& answer, const Generate& asked, const Dialect& dialect, bool chat);
  void on_score(const EndpointAnswer& answer);
  void on_overload() { ++overloads_; }
  void on_broken() { ++broken_; }

  std::vector<std::string> sentences(int most_at_once) const;

 private:
  void on_any(const EndpointAnswer& answer);

  std::string fingerprint_;
  int64_t answers_ = 0;
  int64_t overloads_ = 0;
  int64_t broken_ = 0;
  int64_t without_usage_ = 0;
  int64_t without_logprobs_ = 0;
  int64_t too_long_ = 0;
  int64_t with_stop_ = 0;
  int64_t not_streamed_ = 0;
  int64_t continued_ = 0;
  int64_t many_stops_ = 0;
  int64_t other_fingerprint_ = 0;
  int64_t greedy_unknown_ = 0;
  int64_t no_json_ = 0;
};

}  // namespace sizeup
