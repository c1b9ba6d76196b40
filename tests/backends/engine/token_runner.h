// Runs token requests through a plan and something that computes steps, and keeps everything that comes back.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <vector>

#include "backends/engine/plan/plan.h"

namespace sizeup {

struct TokenOutcome {
  std::vector<float> logprobs;  // of the targets, or of the new tokens
  std::vector<bool> best;       // of the targets
  std::vector<Token> tokens;    // new ones
  int done = 0;                 // how often on_done came

  bool operator==(const TokenOutcome&) const = default;
};

class TokenRunner : public PlanListener {
 public:
  using Compute = std::function<void(const Step&, StepResult&)>;

  explicit TokenRunner(Compute compute, std::optional<Token> end = std::nullopt)
      : compute_(std::move(compute)), end_(end) {}

  // Called before each step is computed.
  std::function<void(const Step&)> on_step;

  std::vector<TokenOutcome> run(Plan& plan, std::vector<TokenRequest> requests) {
    outcomes_.clear();
    add(plan, std::move(requests));
    while (!plan.idle()) step(plan);
    return outcomes_;
  }

  // The same in pieces: all requests of the plan come through here.
  void add(Plan& plan, std::vector<TokenRequest> requests) {
    for (const TokenRequest& request : requests) {
      TokenOutcome& outcome = outcomes_.emplace_back();
      outcome.logprobs.assign(request.targets.size(), std::numeric_limits<float>::quiet_NaN());
      outcome.best.assign(request.targets.size(), false);
    }
    const size_t count = requests.size();
    first_ =
        plan.add(std::move(requests)) + static_cast<int64_t>(count) - static_cast<int64_t>(outcomes_.size());
  }

  void step(Plan& plan) {
    const Step& next = plan.next_step();
    if (on_step) on_step(next);
    compute_(next, result_);
    plan.finish_step(result_, *this);
  }

  const std::vector<TokenOutcome>& outcomes() const { return outcomes_; }

  void on_target(int64_t request, int index, float logprob, bool best, const NextToken&) override {
    TokenOutcome& outcome = at(request);
    EXPECT_TRUE(std::isnan(outcome.logprobs[static_cast<size_t>(index)])) << "a target was found twice";
    outcome.logprobs[static_cast<size_t>(index)] = logprob;
    outcome.best[static_cast<size_t>(index)] = best;
  }

  std::optional<Token> on_next(int64_t request, const NextToken& next) override {
    TokenOutcome& outcome = at(request);
    outcome.tokens.push_back(next.best);
    outcome.logprobs.push_back(next.best_logprob);
    if (end_ && next.best == *end_) return std::nullopt;
    return next.best;
  }

  void on_done(int64_t request) override { ++at(request).done; }

 private:
  TokenOutcome& at(int64_t request) { return outcomes_[static_cast<size_t>(request - first_)]; }

  Compute compute_;
  std::optional<Token> end_;
  StepResult result_;
  int64_t first_ = 0;
  std::vector<TokenOutcome> outcomes_;
};

// Scores tokens[context...] after tokens[...context].
inline TokenRequest score_request(const std::vector<Token>& all, int context) {
  TokenRequest request;
  request.tokens.assign(all.begin(), all.end() - 1);
  request.targets.assign(all.begin() + context, all.end());
  request.first_target = context - 1;
  return request;
}

inline TokenRequest generate_request(std::vector<Token> prompt, int max_new_tokens) {
  TokenRequest request;
  request.tokens = std::move(prompt);
  request.max_new_tokens = max_new_tokens;
  request.greedy = true;
  return request;
}

}  // namespace sizeup
