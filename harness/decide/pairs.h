// Two models' scores on the same samples, and the difference that follows from them: the one place that the
// report, `compare` and `gate` take it from, so that they cannot disagree.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/errors/result.h"
#include "harness/decide/verdict.h"
#include "harness/statistics/bootstrap.h"
#include "harness/store/records.h"

namespace sizeup {

inline constexpr double kDefaultMargin = 0.05;  // 5 percentage points, unless somebody says otherwise

// What the scores of one metric span.
struct ScoreRange {
  double lowest = kNoNumber;
  double highest = kNoNumber;

  void add(double score);  // passes over what is no number
};

// What a metric must be for differences to compare it, whatever its scores: a mean over samples, better when
// higher, and no perplexity.
bool can_be_compared(const MetricRow& metric);
bool is_share(const ScoreRange& range);  // within 0..1

// The metric that differences compare: the first that is a mean over samples, better when higher, with scores
// that all lie in 0..1. Empty where there is none. `range_of` is asked for one metric after the other, the
// last time for the one that is returned; its error ends the search.
using RangeOf = std::function<Result<ScoreRange>(const std::string& metric)>;
Result<std::string> comparable_metric(std::span<const MetricRow> metrics, const RangeOf& range_of);

// Whether the metric may lie in 0..1 and still be no share (perplexities).
bool is_unbounded(const std::string& metric);

// Numbers documents by what is in them. Samples of one document (a data file may repeat a row) depend on each
// other, whatever their names.
class DocumentNumbers {
 public:
  void expect(size_t documents) { numbers_.reserve(documents); }
  // A document without a hash is like no other.
  int64_t number_of(std::string_view document_hash);

 private:
  int64_t next_ = 0;
  // By 64 bits of the hash: of a million documents, two share them once in some ten million data sets.
  std::unordered_map<size_t, int64_t> numbers_;
};

// Scores on the samples that both models have one for.
struct Pairs {
  std::vector<double> candidate;
  std::vector<double> baseline;
  std::vector<int64_t> documents;  // the document that each pair is about

  void add(double candidate_score, double baseline_score, int64_t document);
  void append(const Pairs& other);  // of another task: its documents are others
  size_t size() const { return candidate.size(); }
  bool empty() const { return candidate.empty(); }
  bool has_repeats() const;  // several pairs are about one document
};

// Candidate minus baseline over some pairs.
struct Difference {
  double candidate = kNoNumber;  // mean over the pairs
  double baseline = kNoNumber;
  NonInferiority result;  // .difference holds counts, interval and p
  double holm_p = kNoNumber;
  Retention kept;  // candidate / baseline; only for whole tasks
  // The interval at the confidence that allows for all that was looked at: every slice of the task, or every
  // step of a quantisation ladder.
  Interval widened;
};

// The verdict of the widened interval alone.
Verdict widened_verdict(const Difference& difference, double margin);

// paired_difference, or its clustered form where documents repeat.
PairedDifference paired_difference(const Pairs& pairs, double confidence = kConfidence);
Difference difference_of(const Pairs& pairs, double margin);

// The same with an interval that may be looked at as often as one likes while samples come in (betting.h), in
// the order of the pairs, which must not depend on the scores. Repeats of one document count as one value,
// their mean. No p.
PairedDifference anytime_difference(const Pairs& pairs, double confidence = kConfidence);

// retention; where documents repeat, whole documents are resampled and there is no Fieller interval.
Retention retention(const Pairs& pairs);

// The pairs of one value of a slice field.
struct SlicePairs {
  std::string field;
  std::string value;
  Pairs pairs;
};

// The value of pair number `pair` in a field; nothing: it has none.
using SliceValue = std::function<std::optional<std::string>(size_t pair, const std::string& field)>;

// In the order of the fields and of the data. A field with a single value is the whole task again.
std::vector<SlicePairs> slices_of(const Pairs& pairs, const std::vector<std::string>& fields,
                                  const SliceValue& value);

// One difference a slice, widened by Bonferroni over the slices given: for the one that is picked because it
// is the lowest.
std::vector<Difference> slice_differences(std::span<const SlicePairs> slices, double margin);

}  // namespace sizeup
