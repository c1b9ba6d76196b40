// What a judging comes to: the numbers that are printed, each with what it rests on.
#pragma once

#include <optional>
#include <vector>

#include "harness/judge/stored_judging.h"
#include "harness/statistics/agreement.h"
#include "harness/statistics/judging.h"

namespace sizeup {

// Closed book, by what judges say: shares of the documents that they read alike, over all verdicts.
struct ClosedBookSummary {
  JudgedMean incorrect;  // the hallucination rate
  JudgedMean not_attempted;
  double accuracy_given_attempted = kNoNumber;  // correct / (correct + incorrect)
  double f_score = kNoNumber;                   // harmonic mean of that and correct / all
};

struct JudgeSummary {
  JudgedMean mean;               // of this judge alone
  Estimate unparsed;             // share of its replies
  Estimate repeats;              // alpha among its own verdicts of one document; of pairs over both orders
  Estimate position;             // of pairs: position_bias
  Estimate same_in_both_orders;  // of pairs
};

struct HumanSummary {
  int64_t documents = 0;  // that people and judges have both scored
  Estimate human;         // the mean of what people said of these
  Estimate judged;        // the judges' mean of the same
  Estimate agreement;     // alpha of judges and people
  Estimate among_people;  // alpha of the annotators; no number where each document has one
  PredictionPowered corrected;
};

struct JudgingSummary {
  // Of all judges: the mean of their scores, of closed book the share correct, of claims the share supported.
  JudgedMean mean;
  std::optional<ClosedBookSummary> closed_book;
  Estimate among_judges;  // alpha; no number for one judge
  std::vector<JudgeSummary> judges;
  std::optional<HumanSummary> human;
};

JudgingSummary summarize(const Judging& judging);

}  // namespace sizeup
