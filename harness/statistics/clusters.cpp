#include "harness/statistics/clusters.h"

#include <algorithm>
#include <vector>

namespace sizeup {

bool has_repeats(std::span<const int64_t> clusters) {
  std::vector<int64_t> sorted(clusters.begin(), clusters.end());
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) != sorted.end();
}

Estimate estimate_over(std::span<const double> values, std::span<const int64_t> clusters) {
  return has_repeats(clusters) ? clustered_estimate(values, clusters) : mean_estimate(values);
}

}  // namespace sizeup
