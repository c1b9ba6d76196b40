#include "harness/statistics/variants.h"

#include <algorithm>
#include <cmath>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "harness/statistics/calibration.h"

namespace sizeup {
namespace {

// A second of shuffling.
constexpr int64_t kMostShuffled = 20'000'000;
constexpr int64_t kFewestShuffles = 199;  // p to a two-hundredth

double range_of(std::span<const double> values) {
  const auto [lowest, highest] = std::ranges::minmax(values);
  return highest - lowest;
}

// The scores of the documents where they differ, and the sums of the others, which no shuffle moves.
struct Shuffled {
  std::vector<std::vector<double>> documents;
  double fixed = 0.0;
};

Shuffled shuffled_documents(std::span<const std::vector<double>> scores) {
  Shuffled out;
  for (size_t d = 0; d < scores[0].size(); ++d) {
    std::vector<double> row;
    for (const std::vector<double>& way : scores) row.push_back(way[d]);
    if (range_of(row) > 0.0) {
      out.documents.push_back(std::move(row));
    } else {
      out.fixed += row[0];
    }
  }
  return out;
}

// Adds a row to the sums in an order that one uniform number picks: it is read as a number whose digits have
// the bases n, n - 1, ... 53 bits do for the 18 ways whose orders they can tell apart.
void add_in_drawn_order(std::vector<double>& row, double draw, std::vector<double>& sums) {
  for (size_t left = row.size(); left > 0; --left) {
    draw *= static_cast<double>(left);
    const size_t taken = std::min(left - 1, static_cast<size_t>(draw));
    draw -= static_cast<double>(taken);
    sums[left - 1] += row[taken];
    std::swap(row[taken], row[left - 1]);
  }
}

void compare_with_chance(std::span<const std::vector<double>> scores, const SpreadOptions& options,
                         VariantSpread& out) {
  Shuffled shuffled = shuffled_documents(scores);
  const auto count = static_cast<int64_t>(shuffled.documents.size());
  const int64_t affordable = count == 0 ? kMostShuffled : std::max(kFewestShuffles, kMostShuffled / count);
  const int64_t shuffles = std::min<int64_t>(options.shuffles, affordable);
  constexpr double kRounding = 1e-9;  // sums in another order
  double total = 0.0;
  int64_t as_large = 1;
  for (int64_t s = 0; s < shuffles; ++s) {
    std::vector<double> sums(scores.size(), shuffled.fixed);
    for (int64_t d = 0; d < count; ++d) {
      add_in_drawn_order(shuffled.documents[static_cast<size_t>(d)],
                         uniform(options.seed, static_cast<uint64_t>(s), static_cast<uint64_t>(d)), sums);
    }
    const double spread = range_of(sums) / static_cast<double>(out.documents);
    total += spread;
    as_large += spread >= out.spread - kRounding ? 1 : 0;
  }
  out.chance = total / static_cast<double>(shuffles);
  out.p = static_cast<double>(as_large) / static_cast<double>(shuffles + 1);
}

Interval largest_difference(std::span<const std::vector<double>> scores, double confidence) {
  const auto ways = static_cast<double>(scores.size());
  const double each = 1.0 - (1.0 - confidence) / (ways * (ways - 1.0) / 2.0);
  Interval out{0.0, 0.0};
  for (size_t a = 0; a < scores.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const PairedDifference pair = paired_difference(scores[a], scores[b], each);
      if (!pair.has_interval()) return {};
      out.lo = std::max({out.lo, pair.lo, -pair.hi});
      out.hi = std::max({out.hi, pair.hi, -pair.lo});
    }
  }
  return out;
}

void count_changes(std::span<const std::vector<double>> scores, double confidence, VariantSpread& out) {
  int64_t changed = 0;
  int64_t always = 0;
  for (size_t d = 0; d < scores[0].size(); ++d) {
    const auto right = std::ranges::count_if(scores, [d](const auto& way) { return way[d] >= kRightFrom; });
    always += right == std::ssize(scores) ? 1 : 0;
    changed += right > 0 && right < std::ssize(scores) ? 1 : 0;
  }
  const auto share = [&](int64_t count) {
    const auto [lo, hi] = wilson_interval(count, out.documents, confidence);
    return Estimate{static_cast<double>(count) / static_cast<double>(out.documents), lo, hi, out.documents};
  };
  out.changed = share(changed);
  out.always_right = share(always);
}

}  // namespace

VariantSpread variant_spread(std::span<const std::vector<double>> scores, const SpreadOptions& options) {
  require(scores.size() >= 2, "variants are two at least");
  VariantSpread out;
  out.documents = std::ssize(scores[0]);
  std::vector<double> means;
  std::vector<double> p_values;
  for (const std::vector<double>& way : scores) {
    require(way.size() == scores[0].size(), "every document is asked in every way");
    VariantResult result;
    result.score = mean_estimate(way, options.confidence);
    if (!out.variants.empty()) {
      result.difference = paired_difference(way, scores[0], options.confidence);
      p_values.push_back(result.difference.p);
    }
    means.push_back(result.score.value);
    out.variants.push_back(std::move(result));
  }
  if (out.documents == 0) return out;
  const std::vector<double> adjusted = holm(p_values);
  for (size_t v = 0; v < adjusted.size(); ++v) out.variants[v + 1].holm_p = adjusted[v];
  out.lowest = static_cast<size_t>(std::ranges::min_element(means) - means.begin());
  out.highest = static_cast<size_t>(std::ranges::max_element(means) - means.begin());
  out.spread = means[out.highest] - means[out.lowest];
  out.interval = largest_difference(scores, options.confidence);
  compare_with_chance(scores, options, out);
  count_changes(scores, options.confidence, out);
  return out;
}

}  // namespace sizeup
