// What a judge may say of an answer, and how its reply is read.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/judge/question.h"

namespace sizeup {

// A verdict, and the score from 0 to 1 that it gives the answer, of a pair the first one.
struct VerdictWord {
  std::string_view word;
  double score;
};

// "not attempted" is a verdict of its own: its number tells it from the others and is in no mean.
inline constexpr double kNotAttempted = 0.5;

// All verdicts of the form; none for a scale, whose verdicts are numbers.
std::span<const VerdictWord> verdict_words(VerdictForm form);

// The score that a reply gives. Its last line that is not empty must be "Verdict: V", in any case and with or
// without Markdown's marks; a JSON reply must be an object whose verdict is V, and nothing else but a code
// fence around it. Nothing: it is not, or V is none of those asked for.
std::optional<double> read_verdict(const JudgeQuestion& question, std::string_view reply);

// The scores of so many claims, where each is judged: the last lines must be "Claim N: V", one for each in
// their order; of a JSON reply `verdicts` must list one for each. Nothing: a claim is missing, or one too
// many.
std::optional<std::vector<double>> read_claim_verdicts(const JudgeQuestion& question, size_t claims,
                                                       std::string_view reply);

// The verdict as a reader sees it: "4", "correct", "win", "tie"; "unparsed" for nothing.
std::string verdict_text(const JudgeQuestion& question, std::optional<double> score);

}  // namespace sizeup
