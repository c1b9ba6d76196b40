#include "harness/statistics/slices.h"

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "harness/statistics/paired.h"

namespace sizeup {
namespace {

// P(X <= right inside) where the right ones of all fall into the slice by chance.
double fisher_lower(std::span<const double> inside, std::span<const double> outside) {
  const auto right_inside = static_cast<uint64_t>(std::ranges::count(inside, 1.0));
  const auto right = right_inside + static_cast<uint64_t>(std::ranges::count(outside, 1.0));
  const boost::math::hypergeometric by_chance(right, inside.size(), inside.size() + outside.size());
  return std::min(1.0, boost::math::cdf(by_chance, right_inside));
}

// From the sum of the ranks inside: of equal scores, each has the mean of their ranks.
double mann_whitney_lower(std::span<const double> inside, std::span<const double> outside) {
  struct Place {
    double score = 0.0;
    bool is_inside = false;
  };
  std::vector<Place> places;
  for (const double score : inside) places.push_back({score, true});
  for (const double score : outside) places.push_back({score, false});
  std::ranges::sort(places, {}, &Place::score);
  double ranks = 0.0;
  double ties = 0.0;  // sum of t^3 - t over the groups of t equal scores
  for (size_t first = 0; first < places.size();) {
    size_t next = first;
    double own = 0.0;
    for (; next < places.size() && places[next].score == places[first].score; ++next) {
      own += places[next].is_inside ? 1.0 : 0.0;
    }
    const auto equal = static_cast<double>(next - first);
    ranks += own * (static_cast<double>(first + next + 1) / 2.0);
    ties += equal * equal * equal - equal;
    first = next;
  }
  const auto m = static_cast<double>(inside.size());
  const auto n = static_cast<double>(outside.size());
  const double u = ranks - m * (m + 1.0) / 2.0;
  const double variance = m * n / 12.0 * (m + n + 1.0 - ties / ((m + n) * (m + n - 1.0)));
  if (!(variance > 0.0)) return kNoNumber;
  return boost::math::cdf(boost::math::normal(), (u - m * n / 2.0 + 0.5) / std::sqrt(variance));
}

bool all_shares(std::span<const double> scores) {
  return std::ranges::all_of(scores, [](double score) { return score >= 0.0 && score <= 1.0; });
}

}  // namespace

double p_of_lower(std::span<const double> inside, std::span<const double> outside) {
  if (inside.empty() || outside.empty()) return kNoNumber;
  return all_binary(inside) && all_binary(outside) ? fisher_lower(inside, outside)
                                                   : mann_whitney_lower(inside, outside);
}

std::optional<WorstSlice> worst_slice(std::span<const SliceScores> slices, double confidence) {
  std::vector<const SliceScores*> looked_at;
  std::vector<double> p_values;
  for (const SliceScores& slice : slices) {
    if (std::ssize(slice.inside) < kFewestInSlice) continue;
    looked_at.push_back(&slice);
    p_values.push_back(p_of_lower(slice.inside, slice.outside));
  }
  if (looked_at.size() < 2) return std::nullopt;
  const auto lowest =
      std::ranges::min_element(looked_at, {}, [](const SliceScores* slice) { return mean(slice->inside); });
  const SliceScores& worst = **lowest;
  WorstSlice out;
  out.field = worst.field;
  out.value = worst.value;
  out.looked_at = std::ssize(looked_at);
  out.too_small = std::ssize(slices) - out.looked_at;
  out.score = mean_estimate(worst.inside, 1.0 - (1.0 - confidence) / static_cast<double>(out.looked_at));
  if (all_shares(worst.inside)) {  // an interval of t may reach beyond
    out.score.lo = std::max(out.score.lo, 0.0);
    out.score.hi = std::min(out.score.hi, 1.0);
  }
  out.others = mean(worst.outside);
  out.holm_p = holm(p_values)[static_cast<size_t>(lowest - looked_at.begin())];
  return out;
}

}  // namespace sizeup
