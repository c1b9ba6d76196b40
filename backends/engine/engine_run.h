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
    size_t answer_begin = 0;  // in the response's tokens: behind those of a scored prompt
    size_t first_scored = 0;  // 1 where a text's first token has nothing before it
    double first_ms = 0.0;

    std::span<const Token> answer() const { return std::span(response.tokens).subspan(answer_begin); }
  };
  // What a request of the plan belongs to.
  struct Part {
    int64_t active = 0;
    int offset = 0;
  };

  void answer_all(RequestSource& source);
  void answer_some(RequestSource& source);
  void start(std::vector<TakenRequest> taken);
  std::vector<Result<TokenisedRequest>> tokenise(std::vector<TakenRequest>& taken) const;
  void begin(TakenRequest taken, Result<TokenisedRequest> tokenised, std::vector<TokenRequest>& planned,
             std::vector<Part>& parts);
  void compute_step();

  void on_target(int64_t request, int index, float logprob, bool best, const NextToken& place) override;
  std::optional<Token> on_next(int64_t request, const NextToken& next) override;
  void on_done(int64_t request) override;
  void choose(Active& active, const NextToken& next) const;
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
  std::unordered_map<int64_t, Part> parts_;  // by the plan's request numbers
  std::unordered_map<int64_t, Active> active_;
  int64_t next_active_ = 0;
  int responded_ = 0;
};

}  // namespace sizeup
