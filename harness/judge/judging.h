// Judges asked about the answers that a store holds, as a run of its own.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "core/errors/result.h"
#include "harness/judge/stored_judging.h"
#include "harness/run/run.h"
#include "tasks/judge_rule.h"

namespace sizeup {

struct JudgingRequest {
  std::string candidate;  // as find_side takes it
  std::string baseline;   // empty: the candidate's answers are judged alone
  std::string task;       // empty: the only one that both have written answers to
  JudgeRule rule;         // what is left open is as the task's file says, then as JudgeTerms has it
  int64_t limit = 0;      // documents, from the first; 0: all
  RunSettings run;        // of the judges: models, store, seed and what else a run has; its tasks are ours
};

// What all judges are asked.
struct JudgeTerms {
  JudgeQuestion question;
  int repeats = 1;
  int max_tokens = 512;
  double temperature = 0.0;
};

// What is asked for, else what the task says. Of pairs the verdict is A, B or tie; closed book shows the
// expected answer.
JudgeTerms terms_of(const JudgeRule& asked, const JudgeRule& task, bool pairs);

struct JudgingDone {
  Judging judging;
  int64_t requests_sent = 0;
};

// Asks the judges and reads back what they said. A judging of the same answers that was interrupted is
// continued; what was asked before comes from the store. Errors: as find_side() and execute(); usage for a
// task whose answers are not written or not stored, and for repeats of a judge that draws nothing.
Result<JudgingDone> run_judging(const JudgingRequest& request, const RunEnvironment& environment,
                                ProgressSink& progress, const std::stop_token& stop);

}  // namespace sizeup
