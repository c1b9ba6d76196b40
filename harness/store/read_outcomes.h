// Outcomes of samples without their texts, for comparisons: reading a million takes no more memory than they
// need.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

using Slices = std::map<std::string, std::string>;  // value by field

// One sample of an evaluation and its score by one metric.
struct OutcomeRow {
  int64_t sample_id = 0;
  int64_t row = 0;  // in the task's data, from 0
  std::string document_id;
  std::string document_hash;
  std::string prompt_hash;
  std::shared_ptr<const Slices> slices;  // one for all samples that have the same ones; null: none
  bool no_answer = false;
  bool invalid = false;
  bool truncated = false;
  bool failed = false;
  double score = std::numeric_limits<double>::quiet_NaN();  // NaN: none

  const std::string* slice(const std::string& field) const;  // null: the sample has no such field
};

// The answered samples of an evaluation, in the order of the data.
Result<std::vector<OutcomeRow>> read_outcomes(const Store& store, int64_t evaluation_id,
                                              const std::string& metric);

// The defined scores of an evaluation by one metric, one after the other in the order of the samples' ids.
// `visit` must not use the store.
using ScoreVisitor =
    std::function<void(int64_t sample_id, int64_t row, const std::string& document_hash, double score)>;
Result<void> for_each_score(const Store& store, int64_t evaluation_id, const std::string& metric,
                            const ScoreVisitor& visit);

// What a model answered to a sample, and what was expected; empty where the store holds no such answer.
struct AnswerText {
  std::string answer;
  std::string target;
};
Result<AnswerText> read_answer_text(const Store& store, int64_t evaluation_id, int64_t sample_id);

}  // namespace sizeup
