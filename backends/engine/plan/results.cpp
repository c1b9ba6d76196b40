// What a step found goes to the listener; what is finished gives its pages back.
#include <algorithm>

#include "backends/engine/plan/plan.h"

namespace sizeup {

void Plan::finish_step(const StepResult& result, PlanListener& listener) {
  const std::vector<WantedRow>& wanted = builder_.step().wanted;
  const auto askers =
      std::count_if(wanted.begin(), wanted.end(), [](const WantedRow& row) { return row.distribution; });
  const size_t vocabulary = askers == 0 ? 0 : result.distributions.size() / static_cast<size_t>(askers);
  size_t place = 0;
  size_t top_place = 0;
  for (size_t w = 0; w < wanted.size(); ++w) {
    NextToken next{
        .best = result.best[w], .best_logprob = result.best_logprobs[w], .top = {}, .distribution = {}};
    const auto top_count = static_cast<size_t>(wanted[w].top_count);
    next.top = std::span(result.top).subspan(top_place, top_count);
    top_place += top_count;
    if (wanted[w].distribution) {
      next.distribution = std::span(result.distributions).subspan(place, vocabulary);
      place += vocabulary;
    }
    finish_targets(result, w, next, listener);
    const WantedUse use = wanted_uses_[w];
    if (use.node >= 0) begin_answers(use.node, next, listener);
    if (use.generation >= 0) {
      continue_answer(generations_[static_cast<size_t>(use.generation)], wanted[w].row, next, listener);
    }
  }
  remove_finished_generations();
  finish_nodes();
}

void Plan::finish_targets(const StepResult& result, size_t wanted, const NextToken& place,
                          PlanListener& listener) {
  const Step& step = builder_.step();
  const WantedRow& row = step.wanted[wanted];
  for (int t = row.target_begin; t < row.target_begin + row.target_count; ++t) {
    const auto target = static_cast<size_t>(t);
    const TargetUse use = target_uses_[target];
    listener.on_target(first_request_ + use.request, use.index, result.target_logprobs[target],
                       step.targets[target] == place.best, place);
    if (--targets_left_[static_cast<size_t>(use.request)] == 0) finish_request(use.request, listener);
  }
}

void Plan::begin_answers(int index, const NextToken& next, PlanListener& listener) {
  Node& prompt = node(index);
  for (const int r : prompt.tree.generating) {
    const std::optional<Token> token = listener.on_next(first_request_ + r, next);
    ++counts_.tokens_generated;
    if (token && request(r).max_new_tokens > 1) {
      request(r).tokens.push_back(*token);
      generations_.push_back({.request = r, .node = index});
    } else {
      --prompt.unstarted;
      finish_request(r, listener);
    }
  }
}

void Plan::continue_answer(Generation& generation, int32_t row, const NextToken& next,
                           PlanListener& listener) {
  if (!reaches(generation, row)) return;
  TokenRequest& asked = request(generation.request);
  const int computed = static_cast<int>(asked.tokens.size());
  counts_.rows_accepted += computed - generation.next_row;
  generation.next_row = computed;
  const std::optional<Token> token = listener.on_next(first_request_ + generation.request, next);
  ++counts_.tokens_generated;
  const int generated = static_cast<int>(asked.tokens.size()) - node(generation.node).tree.end + 1;
  if (token && generated < asked.max_new_tokens) {
    generation.lookup.found(*token);
    asked.tokens.push_back(*token);
    return;
  }
  release(generation.memory);
  finish_request(generation.request, listener);
}

// Of those that run, the ones without pages.
void Plan::remove_finished_generations() {
  const auto end = generations_.begin() + static_cast<std::ptrdiff_t>(running_);
  const auto kept = std::remove_if(generations_.begin(), end,
                                   [](const Generation& generation) { return generation.memory.empty(); });
  running_ -= static_cast<size_t>(end - kept);
  generations_.erase(kept, end);
}

// Nodes whose last row has been computed and that nobody continues give their pages back.
void Plan::finish_nodes() {
  for (const int index : finished_nodes_) {
    if (node(index).unstarted == 0) release(node(index).memory);
  }
  finished_nodes_.clear();
  std::erase_if(holders_, [&](int index) { return node(index).memory.empty(); });
}

void Plan::finish_request(int index, PlanListener& listener) {
  // Whoever shares its tokens has computed them by now: they all lie on its own path.
  request(index).tokens = std::vector<Token>();
  request(index).targets = std::vector<Token>();
  listener.on_done(first_request_ + index);
}

}  // namespace sizeup
