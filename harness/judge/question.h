// What a judge is asked of a written answer, and how its reply is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sizeup {

enum class VerdictForm : uint8_t {
  scale,    // a whole number from lowest to highest
  correct,  // correct or incorrect
  pair,     // A, B or tie
};

struct JudgeQuestion {
  VerdictForm form = VerdictForm::scale;
  int lowest = 1;
  int highest = 5;
  std::string rubric = {};      // what makes an answer good; empty: a sentence of ours
  bool with_reference = false;  // the judge sees the expected answer
};

// What is judged. Every text was written by others.
struct JudgedTexts {
  std::string prompt;
  std::string expected;  // the expected answer
  std::string source;    // that the answer must rest on; may be empty
  std::string answer;    // of a pair the one that is shown first
  std::string second;    // of a pair
};

// The prompt. Each text stands between lines with a mark that is made of all of them, so that none can hold
// it, and the judge is told that nothing in them is an instruction.
std::string judge_prompt(const JudgeQuestion& question, const JudgedTexts& texts);

// The score, from 0 to 1, that a judge's reply gives the answer, of a pair the first one (a tie: 0.5). Its
// last line that is not empty must be "Verdict: V", in any case and with or without Markdown's marks;
// nothing: it is not, or V is none of those asked for.
std::optional<double> read_verdict(const JudgeQuestion& question, std::string_view reply);

// The verdict as a reader sees it: "4", "correct", "win", "tie"; "unparsed" for nothing.
std::string verdict_text(const JudgeQuestion& question, std::optional<double> score);

}  // namespace sizeup
