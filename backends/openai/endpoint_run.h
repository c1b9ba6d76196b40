// One run over an endpoint: requests as they come, so many at once as limits allow, each attempt read whole
// or made again.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/engine/request_feed.h"
#include "backends/openai/address_pool.h"
#include "backends/openai/endpoint_options.h"
#include "backends/openai/limits.h"
#include "backends/openai/observations.h"
#include "backends/openai/reply.h"
#include "backends/openai/request_body.h"
#include "core/http/transfers.h"

namespace sizeup {

class EndpointRun final : private TransferListener {
 public:
  EndpointRun(const EndpointOptions& options, const Dialect& dialect, const std::string& system_fingerprint,
              ResponseSink& sink, const RunOptions& run_options, std::stop_token stop);

  // Answers everything, or returns soon after a stop. An error: the key is refused, or no address answers any
  // more.
  Result<RunCounts> answer(RequestSource& source);

 private:
  using Clock = std::chrono::steady_clock;

  // A request that has no answer yet.
  struct Asked {
    TakenRequest taken;
    double tokens = 0;        // of the budget, guessed
    int attempts = 0;         // that were begun
    Clock::time_point since;  // of the first attempt
  };
  // One attempt on its way.
  struct Attempt {
    Asked asked;
    EndpointCall call;
    size_t address = 0;
    uint64_t serial = 0;
    ReplyReader reader;
    std::string error_body;
    double first_ms = -1.0;  // since the source gave the request; negative: no text yet
    double last_ms = 0.0;
  };
  struct Deadline {
    Clock::time_point at;
    int transfer;
    uint64_t serial;
  };

  void take_new(RequestFeed& feed);
  void start_some();
  std::unique_ptr<Asked> next_due(Clock::time_point now);
  // When the budgets allow it.
  Clock::time_point allowed_at(const Asked& asked, Clock::time_point now) const;
  void start(std::unique_ptr<Asked> asked, size_t address, Clock::time_point now);
  Clock::time_point next_event() const;
  void give_up_slow_ones();

  bool on_bytes(int transfer, int status, std::string_view content_type, std::string_view bytes) override;
  void on_end(int transfer, const TransferEnd& end) override;
  void end_attempt(Attempt attempt, const TransferEnd& end);
  void on_status(Attempt attempt, const TransferEnd& end);
  void succeed(Attempt attempt);
  void respond_failed(Asked& asked, Error error);
  struct Setback {
    Error error;
    bool may_pass = false;
    bool overload = false;        // asks for less at once, or looks like it
    bool asked_for_less = false;  // said so, by a status
    bool unreachable = false;     // no answer of any kind
    std::optional<std::chrono::seconds> retry_after;
  };
  void set_back(Attempt attempt, Setback setback);
  void respond(Response response);
  double milliseconds_of(const Asked& asked) const;
  Error error_of(const Attempt& attempt, const std::string& message, const std::string& hint = {}) const;

  const EndpointOptions& options_;
  const Dialect& dialect_;
  ResponseSink& sink_;
  int most_;  // requests at once, as the scenario has it; 0: no limit of its own
  std::stop_token stop_;
  HttpTransfers transfers_;
  AddressPool addresses_;
  ConcurrencyLimit concurrency_;
  TokenBucket requests_budget_;
  TokenBucket tokens_budget_;
  Observations observations_;
  RunCounts counts_;
  std::deque<std::unique_ptr<Asked>> waiting_;
  std::multimap<Clock::time_point, std::unique_ptr<Asked>> delayed_;  // repetitions, by when they are due
  std::vector<std::unique_ptr<Attempt>> attempts_;                    // by transfer
  std::deque<Deadline> first_tokens_;                                 // in the order of starts
  int active_ = 0;
  int highest_active_ = 0;
  int responded_ = 0;
  uint64_t serial_ = 0;
  Clock::time_point blocked_until_ = {};  // by budgets or pauses
  Clock::time_point last_answer_ = {};
  std::optional<Error> broken_;
};

}  // namespace sizeup
