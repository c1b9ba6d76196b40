// The written answers of a store that a judge is to see.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/judge/judge_task.h"
#include "harness/judge/judging.h"
#include "harness/store/store.h"

namespace sizeup {

// Whose answers they are.
struct JudgedSide {
  std::string run;
  std::string model;  // empty: there is no such side
  int64_t evaluation = 0;

  std::string label() const { return run + ":" + model; }
};

struct AnswersToJudge {
  std::string task;
  JudgedSide candidate;
  JudgedSide baseline;
  JudgeRule rule;  // that the task's file had when the candidate's run was made
  std::vector<std::string> slice_fields;
  std::vector<JudgedAnswer> answers;  // in the order of the data
  int64_t left_out = 0;               // see Judging
};

// What the request names. Usage errors say which tasks there are.
Result<AnswersToJudge> read_answers_to_judge(const Store& store, const JudgingRequest& request);

}  // namespace sizeup
