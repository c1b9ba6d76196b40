// What judges made of written answers: a mean with an interval that holds the judges' own noise, how much of
// the interval is that noise, and whether a judge of pairs prefers a place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/statistics/agreement.h"

namespace sizeup {

// What one judge said of one document in one order, repeat by repeat. Scores are from 0 to 1; of a pair they
// are the candidate's: 1 it won, 0.5 a tie, 0 it lost.
struct JudgedCell {
  size_t judge = 0;
  bool swapped = false;  // of a pair: the candidate's answer was shown second
  std::vector<double> scores;
  int64_t unparsed = 0;  // replies without a verdict: they are in no score
};

struct JudgedDocument {
  std::string id;
  int64_t cluster = 0;  // documents of one cluster depend on each other
  std::vector<JudgedCell> cells;
};

// Whether documents were judged alone or as pairs in both orders.
enum class JudgedAs { alone, pairs };

// A document's score: the mean over its judges, of each judge's mean over its repeats; of pairs each order
// counts half, whatever was unparsed in it. NaN where no judge gave what that needs.
double document_score(const JudgedDocument& document, JudgedAs as);

struct JudgedMean {
  // Over the documents that have a score. Documents vary and verdicts on each vary: the scores of documents
  // hold both, so the interval over them does.
  Estimate mean;
  // Of the variance of the mean, the part that repeats show to be the judges' own noise, which more repeats
  // would make less; NaN where no document was judged twice alike.
  double noise_share = kNoNumber;
  int64_t without_score = 0;  // documents
};
JudgedMean judged_mean(std::span<const JudgedDocument> documents, JudgedAs as);

// How much more often one judge's verdicts went to the answer that was shown first than to the one shown
// second: 0 for a fair judge, whichever model is better, because each pair is judged in both orders; 1 for
// one that always names the first. Over the documents that it decided in both orders.
Estimate position_bias(std::span<const JudgedDocument> documents, size_t judge);

// Of those documents, the share where both orders favour the same model or neither does.
Estimate same_in_both_orders(std::span<const JudgedDocument> documents, size_t judge);

// Verdicts of the documents as ratings: of one judge (its repeats), or of all of them, one rating each. Of
// pairs every order is a rating, so a preference for a place is disagreement.
std::vector<UnitRatings> repeated_ratings(std::span<const JudgedDocument> documents, size_t judge);
std::vector<UnitRatings> judges_ratings(std::span<const JudgedDocument> documents, size_t judges,
                                        JudgedAs as);

}  // namespace sizeup
