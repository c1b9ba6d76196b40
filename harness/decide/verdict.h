// Is the candidate good enough? Non-inferiority against a margin, for one task and over several.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics/paired.h"
#include "harness/statistics/power.h"

namespace sizeup {

enum class Verdict { yes, no, not_enough_data };

std::string_view verdict_name(Verdict verdict);  // "yes", "no", "not enough data"

// What the samples say about candidate - baseline > -margin.
struct NonInferiority {
  Verdict verdict = Verdict::not_enough_data;
  bool equivalent = false;  // the whole interval lies within -margin .. margin (two one-sided tests)
  double margin = 0.0;
  PairedDifference difference;
  // With not_enough_data: about how many more samples would decide; nothing when no number can be given (no
  // samples yet, or a difference exactly at the margin).
  std::optional<int64_t> more;
};

// yes: lower end of the interval > -margin. no: upper end < -margin. Otherwise not enough data. With the 95 %
// two-sided interval each answer is a one-sided test at 0.025. `difference` is candidate - baseline of a
// score where higher is better; margin > 0, in the score's unit (0.02 = 2 percentage points).
NonInferiority non_inferiority(const PairedDifference& difference, double margin, double power = kPower);

// The number of pairs in all at which a difference that stays as it is would be decided:
// (z_{1-alpha} + z_power)^2 * variance / (difference + margin)^2, alpha = (1 - confidence) / 2, and at least
// z^2 (1 - margin) / margin, below which even samples without any discordance leave the interval wider than
// the margin. Nothing when difference = -margin or no variance is known.
std::optional<int64_t> samples_to_decide(const PairedDifference& difference, double margin,
                                         double power = kPower);

// How a score is written: a fraction in percentage points, anything else as it stands.
enum class ScoreUnit { fraction, plain };

// "yes: the candidate is at most 2.00 points worse (difference -0.40, 95 % interval -1.20 to +0.40, n =
// 1000)". One sentence in fixed wording; the same wherever a verdict is shown.
std::string wording(const NonInferiority& result, ScoreUnit unit = ScoreUnit::fraction);

// One task of a comparison.
struct TaskVerdict {
  std::string task;
  NonInferiority result;
  double holm_p = kNoNumber;  // two-sided p of "no difference", adjusted over all tasks of the comparison
};

// The answer over all tasks: yes only if every task says yes, no as soon as one says no, else open.
// Asking for yes on all tasks needs no correction for their number (intersection-union test, Berger 1982).
struct OverallVerdict {
  Verdict verdict = Verdict::not_enough_data;
  std::vector<TaskVerdict> tasks;
  std::vector<std::string> failed;  // tasks that say no
  std::vector<std::string> open;    // tasks with not enough data
  std::optional<int64_t> more;      // the most that any open task needs; nothing if one of them cannot say
};

// Fills holm_p of every task and draws the overall verdict. No tasks: not enough data.
OverallVerdict overall_verdict(std::vector<TaskVerdict> tasks);

// One sentence: "no: worse by more than the margin on helpdesk, invoices".
std::string wording(const OverallVerdict& overall);

}  // namespace sizeup
