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

// Between the filters candidates are in the order of indices: sums are taken in that order, so that they are
// the same whichever tokens were left out before, and a whole vocabulary is never sorted.
using Candidates = std::vector<Candidate>;

bool more_probable(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
}

// Keeps the first ones, which are in another order.
void keep_first(Candidates& candidates, size_t count) {
  candidates.resize(count);
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
}

Token most_probable(std::span<const float> logits) {
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return static_cast<Token>(best);
}

double total_weight(const Candidates& candidates) {
  double total = 0.0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  return total;
}

// A broken model's NaN is no candidate; comparisons below need numbers.
Candidates weigh(std::span<const float> logits, double temperature) {
  const auto maximum = static_cast<double>(logits[static_cast<size_t>(most_probable(logits))]);
  Candidates candidates;
  candidates.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp((static_cast<double>(logits[i]) - maximum) / temperature);
    if (weight >= 0.0) candidates.push_back({static_cast<Token>(i), weight});
  }
  return candidates;
}

void keep_top_k(Candidates& candidates, int top_k) {
  const auto count = static_cast<size_t>(top_k);
  if (top_k <= 0 || candidates.size() <= count) return;
  std::nth_element(candidates.begin(), candidates.begin() + top_k, candidates.end(), more_probable);
  keep_first(candidates, count);
}

// Puts the most probable ones of `begin` and later into [begin, end), sorted. A heap finds a few of them in
// one pass over the others, but many only slowly.
void sort_up_to(Candidates& candidates, size_t begin, size_t end) {
  constexpr size_t kFewForHeap = 256;
  const auto at = [&](size_t index) { return candidates.begin() + static_cast<std::ptrdiff_t>(index); };
  if (end - begin <= kFewForHeap) {
    std::partial_sort(at(begin), at(end), candidates.end(), more_probable);
    return;
  }
  if (end < candidates.size()) std::nth_element(at(begin), at(end), candidates.end(), more_probable);
  std::sort(at(begin), at(end), more_probable);
}

void keep_top_p(Candidates& candidates, double top_p) {
  if (top_p >= 1.0) return;
  // Sorted as far as needed: usually that is a few dozen tokens.
  constexpr size_t kFirstSorted = 256;
  constexpr size_t kGrowth = 16;
  const double enough = top_p * total_weight(candidates);
  double sum = 0.0;
  size_t sorted = 0;
  size_t count = 0;
  while (count < candidates.size()) {
    if (count == sorted) {
      sorted = std::min(candidates.size(), std::max(kFirstSorted, kGrowth * sorted));
      sort_up_to(candidates, count, sorted);
    }
    sum += candidates[count++].weight;
    if (sum >= enough) break;
  }
  keep_first(candidates, count);
}

void keep_min_p(Candidates& candidates, double min_p) {
  if (min_p <= 0.0) return;
  double maximum = 0.0;
  for (const Candidate& candidate : candidates) maximum = std::max(maximum, candidate.weight);
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.weight < min_p * maximum; });
}

// From the weighed tokens, as the filters leave them; nothing if there are none.
std::optional<Token> choose(Candidates candidates, const Sampling& sampling, uint64_t position) {
  keep_top_k(candidates, sampling.top_k);
  keep_top_p(candidates, sampling.top_p);
  keep_min_p(candidates, sampling.min_p);
  if (candidates.empty()) return std::nullopt;

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
  Candidates candidates;
  for (const TopToken& one : top) {
    const double weight = std::exp((static_cast<double>(one.logprob) - maximum) / sampling.temperature);
    if (weight >= 0.0) candidates.push_back({one.token, weight});
  }
  keep_first(candidates, candidates.size());
  const std::optional<Token> chosen = choose(std::move(candidates), sampling, position);
  if (!chosen) return top.front();
  return *std::find_if(top.begin(), top.end(), [&](const TopToken& one) { return one.token == *chosen; });
}

}  // namespace sizeup
