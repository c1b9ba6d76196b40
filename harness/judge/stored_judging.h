// A judging as its run holds it: verdicts by document, beside what people said of the same answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/judge/question.h"
#include "harness/statistics/judging.h"
#include "harness/store/records.h"
#include "harness/store/store.h"

namespace sizeup {

// One judge's part.
struct JudgeWork {
  std::string name;
  int64_t verdicts = 0;  // replies with one, or with one for each claim
  int64_t unparsed = 0;  // replies without
  int64_t failed = 0;    // documents (of pairs: orders of one) that got no reply
  std::string error;     // of the first of these
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  CostRow cost;  // total and its basis
};

// What people said of a document: of pairs 1 where they score the candidate higher, 0.5 alike, 0 lower.
struct HumanJudgement {
  size_t document = 0;         // index into Judging::documents
  std::vector<double> scores;  // one of each annotator
};

struct Judging {
  std::string run;
  std::string candidate;  // "run:model"
  std::string baseline;   // empty: none
  std::string task;
  JudgeQuestion question;
  int repeats = 1;
  std::vector<JudgeWork> judges;
  std::vector<JudgedDocument> documents;  // where claims are judged, one for each claim: "ID#1"
  std::vector<HumanJudgement> human;      // of claims and likelihoods none: labels are of answers
  // Documents without an answer to judge, or that the two models were asked otherwise, or of which a verdict
  // of this form can't be given (judgeable.h).
  int64_t left_out = 0;

  JudgedAs as() const { return baseline.empty() ? JudgedAs::alone : JudgedAs::pairs; }
};

// What a run's settings say of the judging that it is, in JSON: all but its name, verdicts and people.
std::string judging_settings(const Judging& judging);

// What a judge said of one document: for each repeat a score, of claims one for each, or nothing where it was
// unparsed.
using Verdicts = std::vector<std::optional<std::vector<double>>>;

// As Scored::details hold it.
inline constexpr const char* kVerdicts = "verdicts";
std::string verdicts_detail(const Verdicts& verdicts);
Verdicts verdicts_of(const std::map<std::string, std::string>& details);

int64_t unparsed_in(const Verdicts& verdicts);

// How many scores each verdict has: the claims of the answer, else 1. 1 if none was readable.
size_t parts_of(const Verdicts& verdicts);

// The judging with what a run holds of it: judges, documents, people.
Result<Judging> with_verdicts(const Store& store, const RunRow& run, Judging judging);

// The judging that a run is; nothing where it is none, or was made before its settings said so.
Result<std::optional<Judging>> find_judging(const Store& store, const RunRow& run);

}  // namespace sizeup
