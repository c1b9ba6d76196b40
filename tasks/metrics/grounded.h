// Answers from a given source: which of an answer's sentences does the source not support? The deterministic
// form: no model judges.
#pragma once

#include "tasks/metrics/metric.h"

namespace sizeup {

// Something in a sentence that the source must state.
struct ClaimItem {
  enum class Kind { number, date, quote, name };
  Kind kind = Kind::name;
  size_t begin = 0;  // byte offsets in the answer
  size_t end = 0;
  bool supported = false;
  size_t source_begin = 0;  // where the source states it
  size_t source_end = 0;
};

// One sentence of the answer. Supported if all its items occur in the source and at least 60 % of its content
// words do.
struct Claim {
  size_t begin = 0;
  size_t end = 0;
  std::vector<ClaimItem> items;
  double word_recall = 1.0;
  bool supported = false;
};

// Sentences that say nothing to check (no item, no content word) are no claims.
std::vector<Claim> check_claims(std::string_view answer, std::string_view source);

// Applies to samples with a source whose answer makes a claim and is no refusal. Details "claims",
// "claims_unsupported" and "evidence" (offsets of every claim and item, as JSON).
void score_unsupported(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
double aggregate_unsupported_rate(const ScoredSet& set);  // unsupported claims / claims

}  // namespace sizeup
