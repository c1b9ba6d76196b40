// The results of an evaluation: every metric with its 95 % interval, overall and by slice, and the rates.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/store/records.h"
#include "tasks/task.h"

namespace sizeup {

// The names of the rates that every evaluation has beside its task's metrics, in the order of the reports.
inline constexpr const char* kNoAnswerRate = "no_answer_rate";   // the filters found nothing
inline constexpr const char* kInvalidRate = "invalid_rate";      // an answer that is no label
inline constexpr const char* kTruncatedRate = "truncated_rate";  // context or answer did not fit
inline constexpr const char* kErrorRate = "error_rate";          // the request failed

// Beside them where rows of the data were left out: how many, no rate; n is the samples that there are.
inline constexpr const char* kBadRows = "bad_rows";

// Takes answers one after the other and keeps what their metrics need: of most a number for each.
class Aggregator {
 public:
  explicit Aggregator(const Task& task);  // must outlive this

  // Failed samples count in error_rate only. `slices` and the hash of the document are the sample's.
  void add(const AnswerRow& answer, const std::map<std::string, std::string>& slices,
           const std::string& document_hash = {});

  // Means: Wilson for 0/1 values, else Student-t; where a document is there in several variants, which are
  // not as good as so many documents, Student-t over documents. Set metrics: percentile bootstrap with a
  // fixed seed; what is a share of some of the samples (recall of a class): Wilson over these, which are the
  // row's n. Means are summed in the order of the answers.
  std::vector<ResultRow> results() const;

 private:
  // All samples, or those of one slice.
  struct Set {
    std::vector<std::vector<double>> values;      // of each metric that is a mean
    std::vector<std::vector<int64_t>> documents;  // of these, where documents have variants
    std::vector<const Scored*> scored;            // for those that are not
  };
  struct Rate {
    int64_t hits = 0;
    int64_t of = 0;
  };
  struct ByDetails {
    bool operator()(const Scored& a, const Scored& b) const { return a.details < b.details; }
  };

  void add(const AnswerRow& answer, const Scored* scored, int64_t document, Set& set) const;
  void add_metrics(const std::string& field, const std::string& value, const Set& set,
                   std::vector<ResultRow>& rows) const;
  void add_rates(std::vector<ResultRow>& rows) const;

  const Task& task_;
  std::vector<MetricInfo> metrics_;
  bool has_set_metrics_;
  bool has_variants_;
  std::vector<std::string> fields_;
  std::set<Scored, ByDetails> scored_;  // where there are set metrics: samples with equal details are one
  Set all_;
  std::vector<std::map<std::string, Set>> slices_;  // of each field, by value
  Rate no_answer_, invalid_, truncated_, error_;
};

}  // namespace sizeup
