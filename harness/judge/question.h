// What a judge is asked of a written answer.
#pragma once

#include <string>
#include <vector>

#include "tasks/verdict_form.h"

namespace sizeup {

struct JudgeQuestion {
  VerdictForm form = VerdictForm::scale;
  int lowest = 1;
  int highest = 5;
  std::string rubric = {};      // what makes an answer good; empty: a sentence of ours
  bool with_reference = false;  // the judge sees the expected answer
  bool as_json = false;         // the reply is an object with reasons and verdict, not text
};

// What is judged. Every text was written by others.
struct JudgedTexts {
  std::string prompt;
  std::string expected;  // the expected answer
  std::string source;    // that the answer must rest on; may be empty
  std::string answer;    // of a pair the one that is shown first
  std::string second;    // of a pair
  // Of a conversation the prompt holds what the user said, and these are the answers to all of it but the
  // last.
  std::vector<std::string> before = {};
  std::vector<std::string> second_before = {};
  std::vector<std::string> claims = {};  // parts of the answer, where each is judged
};

// The prompt. Each text stands between lines with a mark that is made of all of them, so that none can hold
// it, and the judge is told that nothing in them is an instruction. The answers of a conversation stand in
// their order, those of a pair one conversation after the other.
std::string judge_prompt(const JudgeQuestion& question, const JudgedTexts& texts);

// The JSON Schema of a reply: reasons first, so that the verdict follows from them.
std::string verdict_schema(const JudgeQuestion& question);

}  // namespace sizeup
