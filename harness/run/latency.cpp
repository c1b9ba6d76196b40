#include "harness/run/latency.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/run/answer_check.h"

namespace sizeup {

LatencySink::LatencySink(const Batch& batch, StoreWriter& writer, std::stop_source failed,
                         std::string think_end)
    : batch_(batch), writer_(writer), failed_(std::move(failed)), think_end_(std::move(think_end)) {
  for (const PendingSample& sample : batch.samples) {
    Measured measured;
    measured.row.evaluation_id = sample.evaluation->row.id;
    measured.row.sample_id = sample.sample_id;
    measured.missing = sample.missing;
    measured_.push_back(measured);
  }
}

std::optional<AnswerFacts> LatencySink::facts_of(std::span<const Response> responses) {
  return facts_of_answer(batch_, responses, think_end_);
}

void LatencySink::on_response(Response response) {
  require(response.id < batch_.requests.size(), "a response belongs to a request");
  const AskOfSample& use = batch_.requests[response.id].uses.front();
  Measured& measured = measured_[use.sample];
  require(measured.missing > 0, "a request is answered once");
  --measured.missing;
  if (response.error || std::isnan(response.timing.total_ms)) {
    measured.failed = true;
    ++failed_requests_;
    return;
  }
  TimingRow& row = measured.row;
  if (use.ask == 0) row.ttft_ms = response.timing.ttft_ms;
  row.total_ms += response.timing.total_ms;
  const double now = std::chrono::duration<double, std::milli>(Clock::now() - began_).count();
  // Counted from when it was due, as its time is. fmin takes the number where the other one is none.
  row.due_ms = std::fmin(row.due_ms, std::max(0.0, now - response.timing.total_ms));
  row.prompt_tokens += response.prompt_tokens;
  row.completion_tokens += response.completion_tokens;
  usage_.tokens += response.prompt_tokens + response.completion_tokens;
  ++usage_.responses;
  if (measured.missing > 0 || measured.failed) return;
  if (!writer_.write(row)) failed_.request_stop();
}

}  // namespace sizeup
