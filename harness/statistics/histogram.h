// How often a time, or another positive number, came out how large.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sizeup {

struct HistogramBar {
  double from = 0.0;
  double to = 0.0;
  int64_t count = 0;
};

// Between powers of 2^(1/4), so that 1 ms and 1 minute fit on one axis of 64 bars; from the first bar that
// has a value to the last one. Values below 0.01 and above 10^9 are in the bars of these, what is no number
// in none.
std::vector<HistogramBar> log_histogram(std::span<const double> values);

// A line of eighths of blocks, the highest count full; a count above 0 is seen.
std::string bars_of(std::span<const int64_t> counts);
std::string bars_of(std::span<const HistogramBar> histogram);

}  // namespace sizeup
