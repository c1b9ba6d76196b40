#include "backends/engine/sampling.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/random/counter_random.h"

namespace sizeup {
namespace {

struct Candidate {
  Token token = 0;
  double weight = 0.0;  // probability up to a common factor
};

bool more_probable(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
}

Token most_probable(std::span<const float> logits) {
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return static_cast<Token>(best);
}

double total_weight(const std::vector<Candidate>& candidates) {
  double total = 0.0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  return total;
}

// A broken model's NaN is no candidate; comparisons below need numbers.
std::vector<Candidate> weigh(std::span<const float> logits, double temperature) {
  const auto maximum = static_cast<double>(logits[static_cast<size_t>(most_probable(logits))]);
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp((static_cast<double>(logits[i]) - maximum) / temperature);
    if (weight >= 0.0) candidates.push_back({static_cast<Token>(i), weight});
  }
  return candidates;
}

void keep_top_k(std::vector<Candidate>& candidates, int top_k) {
  const auto count = static_cast<size_t>(top_k);
  if (top_k <= 0 || candidates.size() <= count) return;
  std::nth_element(candidates.begin(), candidates.begin() + top_k, candidates.end(), more_probable);
  candidates.resize(count);
}

void keep_top_p(std::vector<Candidate>& candidates, double top_p) {
  if (top_p >= 1.0) return;
  std::sort(candidates.begin(), candidates.end(), more_probable);
  const double enough = top_p * total_weight(candidates);
  double sum = 0.0;
  size_t count = 0;
  while (count < candidates.size()) {
    sum += candidates[count++].weight;
    if (sum >= enough) break;
  }
  candidates.resize(count);
}

void keep_min_p(std::vector<Candidate>& candidates, double min_p) {
  if (min_p <= 0.0) return;
  double maximum = 0.0;
  for (const Candidate& candidate : candidates) maximum = std::max(maximum, candidate.weight);
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.weight < min_p * maximum; });
}

// From the weighed tokens, as the filters leave them; nothing if there are none.
std::optional<Token> choose(std::vector<Candidate> candidates, const Sampling& sampling, uint64_t position) {
  keep_top_k(candidates, sampling.top_k);
  keep_top_p(candidates, sampling.top_p);
  keep_min_p(candidates, sampling.min_p);
  if (candidates.empty()) return std::nullopt;

  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
  const double point = uniform(sampling.seed, sampling.stream, position) * total_weight(candidates);
  double sum = 0.0;
  for (const Candidate& candidate : candidates) {
    sum += candidate.weight;
    if (sum > point) return candidate.token;
  }
  return candidates.back().token;
}

}  // namespace

Token sample(std::span<const float> logits, const Sampling& sampling, uint64_t position) {
  if (!(sampling.temperature > 0.0)) return most_probable(logits);
  const std::optional<Token> chosen = choose(weigh(logits, sampling.temperature), sampling, position);
  return chosen ? *chosen : most_probable(logits);
}

bool top_is_enough(const Sampling& sampling) {
  return sampling.top_k > 0 && sampling.top_k <= kMostTop;
}

TopToken sample(std::span<const TopToken> top, const Sampling& sampling, uint64_t position) {
  const auto maximum = static_cast<double>(top.front().logprob);
  std::vector<Candidate> candidates;
  for (const TopToken& one : top) {
    const double weight = std::exp((static_cast<double>(one.logprob) - maximum) / sampling.temperature);
    if (weight >= 0.0) candidates.push_back({one.token, weight});
  }
  const std::optional<Token> chosen = choose(std::move(candidates), sampling, position);
  if (!chosen) return top.front();
  return *std::find_if(top.begin(), top.end(), [&](const TopToken& one) { return one.token == *chosen; });
}

}  // namespace sizeup
