// Requests of one model over its tasks, a portion at a time: what the store knows already, and what is still
// to be asked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/request.h"
#include "core/errors/result.h"
#include "harness/run/plan_run.h"
#include "harness/store/store.h"

namespace sizeup {

// A sample on its way: its replies arrive in any order.
struct PendingSample {
  const PlannedEvaluation* evaluation = nullptr;
  const LoadedTask* task = nullptr;
  const Sample* sample = nullptr;  // held by the task's samples
  int64_t sample_id = 0;
  bool written_choice = false;  // one written answer stands for all choices, see protocol.h
  std::vector<Reply> replies;
  std::string sent_on;  // of a router, for each ask: '1' went on, '0' did not, '?' is not known
  char fitted = '?';    // likewise: '1' where its policy was made from this document
  size_t asked = 0;     // of its asks; a conversation's next one waits for the answers to those before it
  size_t missing = 0;   // replies to what was asked
  std::optional<std::string> error;  // the prompt could not be made: nothing is asked
  bool sent = false;                 // at least one of its requests goes to the backend

  // A conversation that has come to its next turn.
  bool goes_on() const { return !error && asked < replies.size(); }
};

struct AskOfSample {
  size_t sample = 0;  // index into Batch::samples
  int ask = 0;
};

// One distinct request and everybody who wants its response: equal requests are asked once.
struct PendingRequest {
  Request request;         // moved to the backend when the pass begins
  bool generates = false;  // what request asks
  std::string key;
  std::string key_json;
  std::shared_ptr<const std::string> prompt;  // as rendered by the backend
  std::vector<AskOfSample> uses;
};

struct StoredResponse {
  ResponseRow response;
  std::optional<Routed> routed;
  std::vector<AskOfSample> uses;
};

struct Batch {
  std::vector<PendingSample> samples;
  std::vector<PendingRequest> requests;  // request.id is the index
  std::vector<StoredResponse> stored;
  int64_t samples_done = 0;     // answered before, not in `samples`
  int64_t systems_dropped = 0;  // conversations whose template refuses a system message
};

enum class Cache {
  use,     // responses that the store has are taken from there
  ignore,  // everything is asked: timings are never cached
};

// The samples [first, last) of an evaluation, by their place in PlannedEvaluation::samples.
struct EvaluationPart {
  const PlannedEvaluation* evaluation = nullptr;
  size_t first = 0;
  size_t last = 0;
};

// All samples of these evaluations, in portions of at most `most`: what a batch holds of a sample is several
// times its text.
std::vector<std::vector<EvaluationPart>> portions_of(const std::vector<const PlannedEvaluation*>& evaluations,
                                                     size_t most);

// The batch of these parts of one model's evaluations, whose tasks hold their samples. A sample with an
// answer but no error is done (Cache::use), or one with a timing (Cache::ignore). An error here is the
// store's.
Result<Batch> make_batch(const RunPlan& plan, const std::vector<EvaluationPart>& parts, const Store& store,
                         Cache cache);

// The next turns of the conversations in a batch that has been answered; empty when all are over.
Result<Batch> next_turns(const RunPlan& plan, Batch& answered, const Store& store);

}  // namespace sizeup
