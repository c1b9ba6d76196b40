#include "backends/cpu/head.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sizeup::cpu {

Head::Head(const Step& step, int vocabulary, float cap, StepResult& result)
    : step_(step),
      vocabulary_(vocabulary),
      cap_(cap),
      padded_rows_(static_cast<size_t>(groups_of(static_cast<int>(step.wanted.size()))) * kLanes) {
  const size_t partials = padded_rows_ * static_cast<size_t>(chunks());
  greatest_.assign(partials, -std::numeric_limits<float>::infinity());
  best_.assign(partials, 0);
  sum_.assign(partials, 0.0F);

  target_begin_.push_back(0);
  int64_t place = 0;
  const bool any_logits = std::any_of(step.wanted.begin(), step.wanted.end(),
                                      [](const WantedRow& wanted) { return wanted.distribution; });
  if (any_logits) logits_place_.assign(padded_rows_, -1);
  for (size_t first = 0; first < padded_rows_; first += kLanes) {
    for (size_t row = first; row < std::min(first + kLanes, step.wanted.size()); ++row) {
      const WantedRow& wanted = step.wanted[row];
      for (int t = wanted.target_begin; t < wanted.target_begin + wanted.target_count; ++t) {
        targets_.push_back({.output = step.targets[static_cast<size_t>(t)],
                            .lane = static_cast<int32_t>(row - first),
                            .result = t});
      }
      if (!wanted.distribution) continue;
      logits_place_[row] = place;
      place += vocabulary;
    }
    std::sort(targets_.begin() + target_begin_.back(), targets_.end(),
              [](const HeadTarget& a, const HeadTarget& b) { return a.output < b.output; });
    target_begin_.push_back(static_cast<int32_t>(targets_.size()));
  }
  prepare_top();
  result.top.resize(top_begin_.empty() ? 0 : static_cast<size_t>(top_begin_.back()));
  result.best.resize(step.wanted.size());
  result.best_logprobs.resize(step.wanted.size());
  result.target_logprobs.resize(step.targets.size());
  result.distributions.resize(static_cast<size_t>(place));
  logits_ = result.distributions.data();
  target_logits_ = result.target_logprobs.data();
}

void Head::prepare_top() {
  const bool any = std::any_of(step_.wanted.begin(), step_.wanted.end(),
                               [](const WantedRow& wanted) { return wanted.top_count > 0; });
  if (!any) return;
  top_begin_.push_back(0);
  for (const WantedRow& wanted : step_.wanted) top_begin_.push_back(top_begin_.back() + wanted.top_count);
  const auto all = static_cast<size_t>(top_begin_.back());
  const auto chunk_count = static_cast<size_t>(chunks());
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  top_logits_.assign(chunk_count * all, -kInfinity);
  top_outputs_.assign(chunk_count * all, -1);
  top_.assign(chunk_count * padded_rows_, {});
  top_least_.assign(chunk_count * padded_rows_, kInfinity);
  for (size_t chunk = 0; chunk < chunk_count; ++chunk) {
    for (size_t row = 0; row < step_.wanted.size(); ++row) {
      const int32_t count = step_.wanted[row].top_count;
      const size_t begin = chunk * all + static_cast<size_t>(top_begin_[row]);
      top_[chunk * padded_rows_ + row] = {top_logits_.data() + begin, top_outputs_.data() + begin, count};
      if (count > 0) top_least_[chunk * padded_rows_ + row] = -kInfinity;
    }
  }
}

// The lists of the chunks as one. Chunks come in ascending order of outputs, so a stable merge keeps ties
// right.
void Head::finish_top(size_t row, float greatest, float log_sum, TopToken* out) const {
  std::vector<TopToken> all;
  for (size_t at = row; at < top_.size(); at += padded_rows_) {
    for (int32_t i = 0; i < top_[at].count; ++i) {
      if (top_[at].outputs[i] >= 0) all.push_back({top_[at].outputs[i], top_[at].logits[i]});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const TopToken& a, const TopToken& b) { return a.logprob > b.logprob; });
  // A model that gives NaN or nothing but -infinity fills fewer places; they stay token 0, impossible.
  const auto count = std::min(all.size(), static_cast<size_t>(step_.wanted[row].top_count));
  std::fill_n(out, step_.wanted[row].top_count, TopToken{0, -std::numeric_limits<float>::infinity()});
  for (size_t i = 0; i < count; ++i) out[i] = {all[i].token, (all[i].logprob - greatest) - log_sum};
}

HeadWork Head::chunk(int index) {
  const size_t begin = padded_rows_ * static_cast<size_t>(index);
  return {.cap = cap_,
          .greatest = greatest_.data() + begin,
          .best = best_.data() + begin,
          .sum = sum_.data() + begin,
          .target_begin = target_begin_,
          .targets = targets_,
          .target_logits = target_logits_,
          .top = top_.empty() ? std::span<const TopLogits>() : std::span(top_).subspan(begin, padded_rows_),
          .top_least = top_.empty() ? nullptr : top_least_.data() + begin,
          .logits_place = logits_place_,
          .logits = logits_};
}

void Head::finish(StepResult& result) const {
  for (size_t row = 0; row < step_.wanted.size(); ++row) {
    size_t best = row;
    for (size_t at = row; at < greatest_.size(); at += padded_rows_) {
      if (greatest_[at] > greatest_[best]) best = at;
    }
    const float greatest = greatest_[best];
    double sum = 0.0;
    for (size_t at = row; at < greatest_.size(); at += padded_rows_) {
      sum += static_cast<double>(sum_[at]) *
             std::exp(static_cast<double>(greatest_[at]) - static_cast<double>(greatest));
    }
    const auto log_sum = static_cast<float>(std::log(sum));
    const auto log_probability = [&](float logit) { return (logit - greatest) - log_sum; };
    const WantedRow& wanted = step_.wanted[row];
    result.best[row] = best_[best];
    result.best_logprobs[row] = log_probability(greatest);
    for (int t = wanted.target_begin; t < wanted.target_begin + wanted.target_count; ++t) {
      float& value = result.target_logprobs[static_cast<size_t>(t)];
      value = log_probability(value);
    }
    if (wanted.top_count > 0) finish_top(row, greatest, log_sum, result.top.data() + top_begin_[row]);
    if (!wanted.distribution) continue;
    const auto begin = result.distributions.begin() + logits_place_[row];
    std::transform(begin, begin + vocabulary_, begin, log_probability);
  }
}

}  // namespace sizeup::cpu
