#include "harness/statistics/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sizeup {
namespace {

constexpr double kLeast = 0.01;
constexpr double kGreatest = 1e9;
constexpr double kBarsPerDoubling = 4.0;

int bar_at(double value) {
  return static_cast<int>(std::floor(kBarsPerDoubling * std::log2(std::clamp(value, kLeast, kGreatest))));
}

}  // namespace

std::vector<HistogramBar> log_histogram(std::span<const double> values) {
  int first = std::numeric_limits<int>::max();
  int last = std::numeric_limits<int>::min();
  for (const double value : values) {
    if (std::isnan(value)) continue;
    first = std::min(first, bar_at(value));
    last = std::max(last, bar_at(value));
  }
  std::vector<HistogramBar> bars;
  for (int bar = first; bar <= last; ++bar)
    bars.push_back({std::exp2(bar / kBarsPerDoubling), std::exp2((bar + 1) / kBarsPerDoubling), 0});
  for (const double value : values) {
    if (!std::isnan(value)) ++bars[static_cast<size_t>(bar_at(value) - first)].count;
  }
  return bars;
}

std::string bars_of(std::span<const int64_t> counts) {
  constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const int64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  std::string out;
  for (const int64_t count : counts) {
    const int64_t eighths = most == 0 ? 0 : (8 * count + most - 1) / most;
    out += kEighths[eighths];
  }
  return out;
}

std::string bars_of(std::span<const HistogramBar> histogram) {
  std::vector<int64_t> counts;
  for (const HistogramBar& bar : histogram) counts.push_back(bar.count);
  return bars_of(counts);
}

}  // namespace sizeup
