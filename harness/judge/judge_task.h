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

// Metrics, of a document means over its verdicts.
inline constexpr const char* kJudgeScore = "judge_score";
inline constexpr const char* kJudgeWinRate = "judge_win_rate";                  // of pairs
inline constexpr const char* kJudgeUnsupported = "judge_unsupported_rate";      // of claims
inline constexpr const char* kJudgeCorrect = "judge_correct";                   // of closed book, with ...
inline constexpr const char* kJudgeHallucination = "judge_hallucination_rate";  // ... answers that are wrong
inline constexpr const char* kJudgeAttempted = "judge_attempted";               // ... and that do not decline
inline constexpr const char* kUnparsedRate = "unparsed_verdicts";  // share of replies without a verdict

std::unique_ptr<Task> make_judge_task(JudgeTaskSpec spec);

}  // namespace sizeup
