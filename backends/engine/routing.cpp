#include "backends/engine/routing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// The index of the greatest value that is not taken, ties to the lowest; a NaN is passed over if it can be.
int greatest(std::span<const float> values, std::span<const bool> taken) {
  int best = -1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (taken[i]) continue;
    const float known = best < 0 ? values[i] : values[static_cast<size_t>(best)];
    const bool better = values[i] > known || (std::isnan(known) && !std::isnan(values[i]));
    if (best < 0 || better) best = static_cast<int>(i);
  }
  return best;
}

// values become e^(value - greatest), divided by the sum.
void softmax(std::span<float> values) {
  const float highest = *std::max_element(values.begin(), values.end());
  float sum = 0.0F;
  for (float& value : values) {
    value = std::exp(value - highest);
    sum += value;
  }
  for (float& value : values) value /= sum;
}

}  // namespace

float sigmoid(float x) {
  return 1.0F / (1.0F + std::exp(-x));
}

Routing::Routing(const ExpertSpec& spec, std::vector<float> selection_bias, std::vector<float> expert_scale)
    : spec_(spec), selection_bias_(std::move(selection_bias)), expert_scale_(std::move(expert_scale)) {
  require(spec.count <= kMostExperts && spec.used <= spec.count / spec.groups * spec.groups_used,
          "a token finds as many experts as it uses");
}

void Routing::choose(std::span<const float> outputs, std::span<ChosenExpert> chosen) const {
  const auto count = static_cast<size_t>(spec_.count);
  std::array<float, kMostExperts> score_values;
  const auto scores = std::span(score_values).first(count);
  score(outputs, scores);
  std::array<float, kMostExperts> rank_values;  // what is compared to choose
  const auto ranks = std::span(rank_values).first(count);
  std::copy(scores.begin(), scores.end(), ranks.begin());
  for (size_t e = 0; e < selection_bias_.size(); ++e) ranks[e] += selection_bias_[e];

  std::array<bool, kMostExperts> taken_values{};
  const auto taken = std::span(taken_values).first(count);
  if (spec_.groups > 1) close_groups(ranks, taken);
  for (ChosenExpert& one : chosen) {
    one.expert = greatest(ranks, taken);
    taken[static_cast<size_t>(one.expert)] = true;
  }
  weigh(scores, chosen);
}

void Routing::score(std::span<const float> outputs, std::span<float> scores) const {
  std::copy_n(outputs.begin(), scores.size(), scores.begin());
  if (spec_.scoring == RouterScoring::softmax) softmax(scores);
  if (spec_.scoring == RouterScoring::sigmoid)
    std::transform(scores.begin(), scores.end(), scores.begin(), sigmoid);
}

void Routing::close_groups(std::span<const float> ranks, std::span<bool> closed) const {
  const auto groups = static_cast<size_t>(spec_.groups);
  const size_t size = ranks.size() / groups;
  const auto best = std::min(static_cast<size_t>(spec_.group_best), size);
  std::array<float, kMostExperts> sum_values{};
  const auto sums = std::span(sum_values).first(groups);
  for (size_t g = 0; g < groups; ++g) {
    const auto group = ranks.subspan(g * size, size);
    std::array<bool, kMostExperts> counted_values{};
    const auto counted = std::span(counted_values).first(size);
    for (size_t i = 0; i < best; ++i) {
      const auto next = static_cast<size_t>(greatest(group, counted));
      counted[next] = true;
      sums[g] += group[next];
    }
  }
  std::fill(closed.begin(), closed.end(), true);
  std::array<bool, kMostExperts> open_values{};
  const auto open = std::span(open_values).first(groups);
  for (int i = 0; i < spec_.groups_used; ++i) {
    const auto g = static_cast<size_t>(greatest(sums, open));
    open[g] = true;
    std::fill_n(closed.begin() + static_cast<std::ptrdiff_t>(g * size), size, false);
  }
}

void Routing::weigh(std::span<const float> scores, std::span<ChosenExpert> chosen) const {
  std::array<float, kMostExperts> weight_values;
  const auto weights = std::span(weight_values).first(chosen.size());
  for (size_t i = 0; i < chosen.size(); ++i) weights[i] = scores[static_cast<size_t>(chosen[i].expert)];
  if (spec_.scoring == RouterScoring::softmax_chosen) softmax(weights);
  if (spec_.normalised) {
    float sum = 0.0F;
    for (const float weight : weights) sum += weight;
    for (float& weight : weights) weight /= sum;
  }
  for (size_t i = 0; i < chosen.size(); ++i) {
    chosen[i].weight = weights[i] * spec_.scale;
    if (!expert_scale_.empty()) chosen[i].weight *= expert_scale_[static_cast<size_t>(chosen[i].expert)];
  }
}

}  // namespace sizeup
