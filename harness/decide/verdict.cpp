#include "harness/decide/verdict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/errors/result.h"

namespace sizeup {
namespace {

struct Formatted {
  std::string margin;
  std::string difference;
  std::string lo;
  std::string hi;
};

Formatted format_numbers(const NonInferiority& result, ScoreUnit unit) {
  const PairedDifference& d = result.difference;
  if (unit == ScoreUnit::fraction) {
    const auto points = [](double x) { return fmt::format("{:+.2f}", 100 * x); };
    return {fmt::format("{:.2f} points", 100 * result.margin), points(d.difference), points(d.lo),
            points(d.hi)};
  }
  const auto plain = [](double x) { return fmt::format("{:+.4g}", x); };
  return {fmt::format("{:.4g}", result.margin), plain(d.difference), plain(d.lo), plain(d.hi)};
}

std::string evidence(const NonInferiority& result, const Formatted& text) {
  const PairedDifference& d = result.difference;
  if (d.n == 0) return "no paired samples";
  if (!d.has_interval()) {
    return fmt::format("difference {}, too few samples for an interval, n = {}", text.difference, d.n);
  }
  return fmt::format("difference {}, {:.4g} % interval {} to {}, n = {}", text.difference, 100 * d.confidence,
                     text.lo, text.hi, d.n);
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::yes:
      return "yes";
    case Verdict::no:
      return "no";
    case Verdict::not_enough_data:
      return "not enough data";
  }
  throw InternalError("an unknown verdict");
}

std::optional<int64_t> samples_to_decide(const PairedDifference& difference, double margin, double power) {
  require(margin > 0 && power > 0 && power < 1, "a margin is positive, a power between 0 and 1");
  const double distance = difference.difference + margin;
  if (difference.n == 0 || !(difference.variance >= 0) || distance == 0) return std::nullopt;
  const double z_alpha = normal_quantile(0.5 + difference.confidence / 2);
  const double z = z_alpha + normal_quantile(power);
  const double by_variance = z * z * difference.variance / (distance * distance);
  const double without_discordance = z_alpha * z_alpha * std::max(0.0, 1 - margin) / margin;
  const double samples = std::ceil(std::max(by_variance, without_discordance));
  constexpr double kBeyondUse = 1e15;  // no data set is this large, and it still fits an int64_t
  if (!(samples < kBeyondUse)) return std::nullopt;
  return static_cast<int64_t>(samples);
}

NonInferiority non_inferiority(const PairedDifference& difference, double margin, double power) {
  require(std::isfinite(margin) && margin > 0, "a margin is positive");
  NonInferiority result;
  result.margin = margin;
  result.difference = difference;
  if (difference.has_interval()) {
    if (difference.lo > -margin) result.verdict = Verdict::yes;
    if (difference.hi < -margin) result.verdict = Verdict::no;
    result.equivalent = difference.lo > -margin && difference.hi < margin;
  }
  if (result.verdict == Verdict::not_enough_data) {
    const std::optional<int64_t> samples = samples_to_decide(difference, margin, power);
    if (samples) result.more = std::max<int64_t>(1, *samples - difference.n);
  }
  return result;
}

std::string wording(const NonInferiority& result, ScoreUnit unit) {
  const Formatted text = format_numbers(result, unit);
  const std::string shown = evidence(result, text);
  switch (result.verdict) {
    case Verdict::yes:
      return fmt::format("yes: the candidate is at most {} worse ({})", text.margin, shown);
    case Verdict::no:
      return fmt::format("no: the candidate is more than {} worse ({})", text.margin, shown);
    case Verdict::not_enough_data:
      break;
  }
  std::string open = fmt::format("not enough data: whether the candidate is more than {} worse is open ({})",
                                 text.margin, shown);
  if (!result.more) return open;
  return fmt::format("{}; about {} more samples would decide", open, *result.more);
}

OverallVerdict overall_verdict(std::vector<TaskVerdict> tasks) {
  std::vector<double> p_values;
  p_values.reserve(tasks.size());
  for (const TaskVerdict& task : tasks) p_values.push_back(task.result.difference.p);
  const std::vector<double> adjusted = holm(p_values);
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i].holm_p = adjusted[i];

  OverallVerdict overall;
  bool all_say_how_many = true;
  for (const TaskVerdict& task : tasks) {
    if (task.result.verdict == Verdict::no) overall.failed.push_back(task.task);
    if (task.result.verdict != Verdict::not_enough_data) continue;
    overall.open.push_back(task.task);
    all_say_how_many = all_say_how_many && task.result.more.has_value();
    overall.more = std::max(overall.more, task.result.more);  // nothing orders before any number
  }
  if (!all_say_how_many) overall.more.reset();
  if (!overall.failed.empty()) {
    overall.verdict = Verdict::no;
  } else if (!tasks.empty() && overall.open.empty()) {
    overall.verdict = Verdict::yes;
  }
  overall.tasks = std::move(tasks);
  return overall;
}

std::string wording(const OverallVerdict& overall) {
  switch (overall.verdict) {
    case Verdict::yes:
      return fmt::format("yes: within the margin on all tasks ({})", overall.tasks.size());
    case Verdict::no:
      return fmt::format("no: worse by more than the margin on {}", fmt::join(overall.failed, ", "));
    case Verdict::not_enough_data:
      break;
  }
  if (overall.tasks.empty()) return "not enough data: no task was compared";
  std::string open = fmt::format("not enough data: open on {}", fmt::join(overall.open, ", "));
  if (!overall.more) return open;
  return fmt::format("{}; about {} more samples on each would decide", open, *overall.more);
}

}  // namespace sizeup
