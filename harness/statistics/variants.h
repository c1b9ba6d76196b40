// The same documents asked in several ways: how far the scores lie apart, and how far they would by chance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/statistics/paired.h"

namespace sizeup {

// One way of asking, over all documents.
struct VariantResult {
  Estimate score;
  PairedDifference difference;  // minus the first way, on the same documents; of the first one: none
  double holm_p = kNoNumber;    // of no difference, over all ways but the first
};

struct VariantSpread {
  int64_t documents = 0;
  std::vector<VariantResult> variants;  // in the order given
  size_t lowest = 0;                    // by score; the first of several
  size_t highest = 0;
  // Highest minus lowest. Of several equally good ways one is the highest by luck and another the lowest, so
  // this is too large on average, and zero only where no answer changes: it stands beside `chance`.
  double spread = kNoNumber;
  // Holds the largest difference between two ways: that of the true scores lies between the highest lower and
  // the highest upper end of the intervals of all pairs, at Bonferroni's confidence.
  Interval interval;
  // Were all ways alike, which of a document's scores belongs to which way would be luck: the mean spread of
  // scores shuffled within each document, and the share of shuffles with a spread at least as large (the
  // observed one counts as one of them).
  double chance = kNoNumber;
  double p = kNoNumber;
  Estimate changed;       // documents that are right (0.5 or more) in some ways and not in others
  Estimate always_right;  // documents that are right in all ways
};

struct SpreadOptions {
  int shuffles = 2000;  // fewer above 10,000 documents whose scores differ
  uint64_t seed = 1;    // fixed, so that a report printed twice is the same
  double confidence = kConfidence;
};

// scores[v][d]: of document d asked in way v; two ways or more of as many documents. No number without
// documents.
VariantSpread variant_spread(std::span<const std::vector<double>> scores, const SpreadOptions& options = {});

}  // namespace sizeup
