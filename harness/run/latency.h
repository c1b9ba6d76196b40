// The sink of a pass that measures latencies: only the timings are kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "harness/run/batch.h"
#include "harness/run/collector.h"
#include "harness/store/writer.h"

namespace sizeup {

// A sample's timing is written when its last request is there: total_ms sums its requests, ttft_ms is the
// first one's, and it was due when the first of them was. A sample with a failed request, or a recorded
// answer without a time, has no timing.
class LatencySink : public ResponseSink {
 public:
  // `failed` is asked to stop when the store cannot be written any more; the writer has the error.
  LatencySink(const Batch& batch, StoreWriter& writer, std::stop_source failed, std::string think_end);

  void on_response(Response response) override;
  std::optional<AnswerFacts> facts_of(std::span<const Response> responses) override;

  const PassUsage& usage() const { return usage_; }
  int64_t failed_requests() const { return failed_requests_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Measured {
    TimingRow row;
    size_t missing = 0;
    bool failed = false;
  };

  const Clock::time_point began_ = Clock::now();
  const Batch& batch_;
  StoreWriter& writer_;
  std::stop_source failed_;
  std::string think_end_;
  std::vector<Measured> measured_;  // by sample of the batch
  PassUsage usage_;
  int64_t failed_requests_ = 0;
};

}  // namespace sizeup
