// One run of the engine: requests become token requests, steps are computed until all are answered, and what
// the plan finds becomes responses.
#pragma once

#include <chrono>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "backends/backend.h"
#include "backends/engine/decoder.h"
#include "backends/engine/plan/plan.h"
#include "backends/engine/request_feed.h"
#include "backends/engine/request_tokens.h"
#include "backends/engine/text_model.h"

namespace sizeup {

class EngineRun final : private PlanListener {
 public:
  EngineRun(Decoder& decoder, const TextModel& text, ResponseSink& sink, const RunOptions& options,
            std::stop_token stop);

  // Answers everything, or returns soon after a stop.
  RunCounts answer(RequestSource& source);

 private:
  // A request being answered.
  struct Active {
    Request request;  // without its text
    std::chrono::steady_clock::time_point start;
    Response response;
    size_t parts_left = 0;
    size_t first_scored = 0;  // 1 where a text's first token has nothing before it
    double first_ms = 0.0;
  };
  // What a request of the plan belongs to.
  struct Part {
    int active = 0;
    int offset = 0;
  };

  void answer_all(RequestSource& source);
  void answer_some(RequestSource& source);
  void start(std::vector<TakenRequest> taken);
  std::vector<Result<TokenisedRequest>> tokenise(std::vector<TakenRequest>& taken) const;
  void begin(TakenRequest taken, Result<TokenisedRequest> tokenised, std::vector<TokenRequest>& planned);
  void compute_step();

  void on_target(int request, int index, float logprob, bool best) override;
  std::optional<Token> on_next(int request, const NextToken& next) override;
  void on_done(int request) override;
  bool answer_is_complete(Active& active) const;
  void finish_answer(Active& active) const;
  void respond(Active& active);

  Decoder& decoder_;
  DeviceTraits device_;
  const TextModel& text_;
  ResponseSink& sink_;
  int threads_;
  int max_concurrent_;
  std::stop_token stop_;
  Plan plan_;
  StepResult result_;
  RunCounts counts_;
  std::vector<Part> parts_;  // by the plan's request numbers
  std::unordered_map<int, Active> active_;
  int next_active_ = 0;
  int responded_ = 0;
};

}  // namespace sizeup
