#include "harness/statistics/slices.h"

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/students_t.hpp>
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

double welch_lower(std::span<const double> inside, std::span<const double> outside) {
  const double a = standard_error(inside);
  const double b = standard_error(outside);
  const double error = a * a + b * b;
  if (!(error > 0.0)) return kNoNumber;
  const double degrees = error * error /
                         (std::pow(a, 4) / static_cast<double>(inside.size() - 1) +
                          std::pow(b, 4) / static_cast<double>(outside.size() - 1));
  return boost::math::cdf(boost::math::students_t(degrees),
                          (mean(inside) - mean(outside)) / std::sqrt(error));
}

}  // namespace

double p_of_lower(std::span<const double> inside, std::span<const double> outside) {
  if (inside.empty() || outside.empty()) return kNoNumber;
  return all_binary(inside) && all_binary(outside) ? fisher_lower(inside, outside)
                                                   : welch_lower(inside, outside);
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
  out.others = mean(worst.outside);
  out.holm_p = holm(p_values)[static_cast<size_t>(lowest - looked_at.begin())];
  return out;
}

}  // namespace sizeup
