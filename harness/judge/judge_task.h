// A judge's work as a task: its documents are stored answers, its score is what the judge says of them. So
// judging is a run like any other, with its store, its resume, its costs and its report.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/judge/question.h"
#include "tasks/task.h"

namespace sizeup {

// What the judge says of one document; of a pair the texts hold the candidate's answer first.
struct JudgedAnswer {
  std::string document_id;
  std::string document_hash;
  int64_t row = 0;
  JudgedTexts texts;
  std::map<std::string, std::string> slices;
};

struct JudgeTaskSpec {
  std::string name;
  std::string description;
  JudgeQuestion question;
  bool swapped = false;  // of a pair: the candidate's answer is shown second
  int repeats = 1;
  AskGenerate ask;
  std::vector<std::string> slice_fields;
  std::vector<JudgedAnswer> answers;
};

inline constexpr const char* kJudgeScore = "judge_score";          // of a document, the mean of its verdicts
inline constexpr const char* kJudgeWinRate = "judge_win_rate";     // the same of pairs
inline constexpr const char* kUnparsedRate = "unparsed_verdicts";  // share of replies without a verdict

std::unique_ptr<Task> make_judge_task(JudgeTaskSpec spec);

}  // namespace sizeup
