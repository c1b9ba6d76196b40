// Takes responses as they arrive: to the store at once, to the task when a sample's last reply is there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "backends/backend.h"
#include "harness/run/batch.h"
#include "harness/run/run_cost.h"
#include "harness/store/writer.h"

namespace sizeup {

// What a pass used, for rates and costs.
struct PassUsage {
  std::atomic<int64_t> tokens{0};            // prompt and answer tokens of responses that arrived
  std::atomic<int64_t> responses{0};         // arrived from the backend without an error
  std::vector<EvaluationUsage> evaluations;  // of an offline pass, by index into RunPlan::evaluations
};

// Scoring runs on threads of its own: running generated code takes seconds, and the backend must not wait for
// it.
class Collector : public ResponseSink {
 public:
  // `failed` is asked to stop when the store cannot be written any more. `tokenizer` is the backend's, if it
  // has one. What was used is added to `usage`.
  Collector(const RunPlan& plan, Batch& batch, StoreWriter& writer, std::stop_source failed, int scorers,
            const Tokenizer* tokenizer, PassUsage& usage);
  ~Collector() override;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // The responses that the store had, and the samples that cannot be asked. Call before the backend runs.
  void take_stored();

  void on_response(Response response) override;
  std::optional<AnswerFacts> facts_of(std::span<const Response> responses) override;

  // After the backend has returned. `complete`: it was to answer everything, so what is missing has failed.
  // Waits for the scorers; the error is the store's.
  Result<void> finish(bool complete);

 private:
  EvaluationUsage& usage_of(const PendingSample& sample);
  void store(ResponseRow row, const std::vector<AskOfSample>& uses);
  void give(const Reply& reply, const std::optional<Routed>& routed, const std::vector<AskOfSample>& uses);
  void queue(size_t sample);
  void score_queued(std::stop_token stop);
  void write(StoreWrite row);

  const RunPlan& plan_;
  Batch& batch_;
  StoreWriter& writer_;
  std::stop_source failed_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<size_t> queue_;
  int scoring_ = 0;
  std::optional<Error> error_;
  std::vector<bool> answered_;  // by request
  const Tokenizer* tokenizer_;
  PassUsage& usage_;
  std::vector<std::jthread> scorers_;
};

// The store's row of a response. Invalid UTF-8 becomes U+FFFD here, before scoring, so that a resumed run,
// which reads the text back, scores the same.
ResponseRow row_of(const Response& response, const PendingRequest& request, const Tokenizer* tokenizer);

}  // namespace sizeup
