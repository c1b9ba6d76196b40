// What a judge is asked of a written answer, and how its reply is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
};

// The prompt. Each text stands between lines with a mark that is made of all of them, so that none can hold
// it, and the judge is told that nothing in them is an instruction. The answers of a conversation stand in
// their order, those of a pair one conversation after the other.
std::string judge_prompt(const JudgeQuestion& question, const JudgedTexts& texts);

// The JSON Schema of a reply: reasons first, so that the verdict follows from them.
std::string verdict_schema(const JudgeQuestion& question);

// The score, from 0 to 1, that a judge's reply gives the answer, of a pair the first one (a tie: 0.5). Its
// last line that is not empty must be "Verdict: V", in any case and with or without Markdown's marks; a JSON
// reply must be an object whose verdict is V, and nothing else but a code fence around it. Nothing: it is
// not, or V is none of those asked for.
std::optional<double> read_verdict(const JudgeQuestion& question, std::string_view reply);

// The verdict as a reader sees it: "4", "correct", "win", "tie"; "unparsed" for nothing.
std::string verdict_text(const JudgeQuestion& question, std::optional<double> score);

}  // namespace sizeup
