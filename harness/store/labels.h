// What people said of documents or of answers, beside what was scored: `sizeup db import-labels`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

struct LabelRow {
  std::string place;  // "labels.csv:12", for errors
  std::string task;
  std::string document_id;
  std::string model;  // empty: whichever model's answer
  std::string run;    // empty: in whichever run
  std::string annotator;
  std::optional<std::string> label;  // what the answer ought to be, or
  std::optional<double> score;       // how right it is, from 0 to 1
};

struct LabelReport {
  int64_t imported = 0;
  int64_t replaced = 0;        // of them: the annotator had said something of the same before
  std::vector<Error> refused;  // rows about a document, model or run that the store does not have
};

// All rows but the refused ones, in one transaction.
Result<LabelReport> store_labels(Store& store, std::span<const LabelRow> labels);

// What one annotator says of one answer.
struct HumanScore {
  std::string document_id;
  std::string annotator;
  double score = 0.0;  // from 0 to 1; of a label: 1 where the answer is the label
};
// Of all answers of an evaluation that somebody has said something of.
Result<std::vector<HumanScore>> read_human_scores(const Store& store, int64_t evaluation_id);

}  // namespace sizeup
