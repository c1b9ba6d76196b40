// What a judging comes to, in fixed wordings.
#pragma once

#include <string>
#include <vector>

#include "harness/judge/summary.h"

namespace sizeup {

// "run:small against run:large on replies, judged 3 times in each order"
std::string judging_title(const Judging& judging);

// A row for each judge.
std::vector<std::string> judging_columns(const Judging& judging);
std::vector<std::vector<std::string>> judging_rows(const Judging& judging, const JudgingSummary& summary);

// The mean of all judges, and what it rests on. Without full stops.
std::vector<std::string> judging_sentences(const Judging& judging, const JudgingSummary& summary);

}  // namespace sizeup
