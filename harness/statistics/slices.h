// The worst of many slices, allowing for having looked at all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/statistics/interval.h"

namespace sizeup {

inline constexpr int64_t kFewestInSlice = 10;  // scores; a smaller slice says too little to be looked at

// Scores in one slice and outside of it, each of which counts for itself.
struct SliceScores {
  std::string field;
  std::string value;
  std::vector<double> inside;
  std::vector<double> outside;
};

// One-sided p of scores inside not being lower than those outside: Fisher's exact test where all are 0 or 1,
// else Mann and Whitney's of ranks by its normal approximation, with ties and continuity allowed for. NaN
// where it cannot be tested: one side is empty, or all scores are the same.
double p_of_lower(std::span<const double> inside, std::span<const double> outside);

struct WorstSlice {
  std::string field;
  std::string value;
  // At Bonferroni's confidence: the intervals of all slices that were looked at hold together with 95 %, so
  // this one may be named for being the lowest.
  Estimate score;
  double others = kNoNumber;  // the mean outside of it
  double holm_p = kNoNumber;  // of p_of_lower, over all slices that were looked at
  int64_t looked_at = 0;
  int64_t too_small = 0;  // slices that were not
};

// The slice with the lowest mean, the first of several. Nothing where fewer than two are large enough.
std::optional<WorstSlice> worst_slice(std::span<const SliceScores> slices, double confidence = kConfidence);

}  // namespace sizeup
