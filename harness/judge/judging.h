// Judges asked about the answers that a store holds: a run of its own, read back as verdicts by document.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/judge/question.h"
#include "harness/run/run.h"
#include "harness/statistics/judging.h"
#include "harness/store/records.h"

namespace sizeup {

struct JudgingRequest {
  std::string candidate;  // as find_side takes it
  std::string baseline;   // empty: the candidate's answers are judged alone
  std::string task;       // empty: the only one that both have written answers to
  JudgeQuestion question;
  int repeats = 1;
  int max_tokens = 512;
  double temperature = 0.0;
  int64_t limit = 0;  // documents, from the first; 0: all
  RunSettings run;    // of the judges: models, store, seed and what else a run has; its tasks are ours
};

// One judge's part.
struct JudgeWork {
  std::string name;
  int64_t verdicts = 0;  // replies with one
  int64_t unparsed = 0;  // replies without
  int64_t failed = 0;    // documents (of pairs: orders of one) that got no reply
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
  std::vector<JudgedDocument> documents;
  std::vector<HumanJudgement> human;
  int64_t left_out =
      0;  // documents that lack an answer to judge, or that the two models were asked otherwise
  int64_t requests_sent = 0;

  JudgedAs as() const { return baseline.empty() ? JudgedAs::alone : JudgedAs::pairs; }
};

// Asks the judges and reads back what they said. A judging of the same answers that was interrupted is
// continued; what was asked before comes from the store. Errors: as find_side() and execute(); usage for a
// task whose answers are not written or not stored, and for repeats of a judge that draws nothing.
Result<Judging> run_judging(const JudgingRequest& request, const RunEnvironment& environment,
                            ProgressSink& progress, const std::stop_token& stop);

}  // namespace sizeup
