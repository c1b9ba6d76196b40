// Which answers a verdict of some form can be given of.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/judge/judge_task.h"

namespace sizeup {

// Drops the other answers and returns how many they were.
//   closed_book  answers to questions without a source whose expected answer is one, not a refusal
//   claims       answers from a source that do not decline; their claims are found by the rule of the metric
//                `unsupported_rate`, so that both count the same
//   likelihood   answers from a source that stands in the prompt
//   any other    all of them
int64_t keep_judgeable(VerdictForm form, std::vector<JudgedAnswer>& answers);

}  // namespace sizeup
