#include "harness/cost/traffic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/errors/result.h"
#include "harness/cost/own_machine.h"
#include "harness/cost/price_date.h"

namespace sizeup {
namespace {

constexpr double kSecondsPerDay = 86'400;
constexpr double kDaysPerMonth = kHoursPerMonth / 24;
constexpr size_t kDateLength = 10;  // 2026-03-01

// Two digits at the beginning, which are taken off.
std::optional<int> take_two(std::string_view& text, int most) {
  int value = 0;
  if (text.size() < 2 || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value);
  if (error != std::errc() || end != text.data() + 2 || value > most) return std::nullopt;
  text.remove_prefix(2);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// hh:mm, with or without the colon.
std::optional<double> take_offset(std::string_view& text) {
  const auto hours = take_two(text, 23);
  take(text, ':');
  const auto minutes = take_two(text, 59);
  if (!hours || !minutes) return std::nullopt;
  return 60.0 * (60.0 * *hours + *minutes);
}

// hh:mm, hh:mm:ss or hh:mm:ss.fraction.
std::optional<double> take_clock(std::string_view& text) {
  const auto hours = take_two(text, 23);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_two(text, 59);
  if (!minutes) return std::nullopt;
  double seconds = 60.0 * (60.0 * *hours + *minutes);
  if (!take(text, ':')) return seconds;
  const auto whole = take_two(text, 60);
  if (!whole) return std::nullopt;
  seconds += *whole;
  if (!take(text, '.')) return seconds;
  double place = 0.1;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), place /= 10)
    seconds += place * (text.front() - '0');
  return seconds;
}

std::pair<double, double> first_and_last(const std::vector<TrafficRow>& rows) {
  double first = std::numeric_limits<double>::infinity();
  double last = -first;
  for (const TrafficRow& row : rows) {
    if (!row.time) return {0.0, 0.0};
    first = std::min(first, *row.time);
    last = std::max(last, *row.time);
  }
  return {first, last};
}

int64_t whole_days(const std::vector<TrafficRow>& rows) {
  const auto [first, last] = first_and_last(rows);
  return last > first ? static_cast<int64_t>(std::floor((last - first) / kSecondsPerDay)) : 0;
}

}  // namespace

int64_t Traffic::requests() const {
  int64_t sum = 0;
  for (const TrafficRow& row : rows) sum += row.count;
  return sum;
}

std::optional<double> seconds_of(std::string_view text) {
  const auto days = days_between("1970-01-01", text);
  if (!days) return std::nullopt;
  double seconds = static_cast<double>(*days) * kSecondsPerDay;
  text.remove_prefix(kDateLength);
  if (text.empty()) return seconds;
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  seconds += *clock;
  if (text.empty() || text == "Z") return seconds;
  const bool ahead = text.front() == '+';
  if (!ahead && text.front() != '-') return std::nullopt;
  text.remove_prefix(1);
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return ahead ? seconds - *offset : seconds + *offset;
}

std::optional<double> requests_per_month(const std::vector<TrafficRow>& rows) {
  const auto [first, last] = first_and_last(rows);
  if (!(last > first)) return std::nullopt;
  double before = 0;
  for (const TrafficRow& row : rows) before += *row.time < last ? static_cast<double>(row.count) : 0.0;
  return before / (last - first) * kSecondsPerDay * kDaysPerMonth;
}

bool covers_days(const std::vector<TrafficRow>& rows) {
  return whole_days(rows) >= kDaysForInterval;
}

Estimate month_of(const ModelUse& use, const Estimate& mean_use, double volume) {
  Estimate month{VolumeCost(use, mean_use.value).per_month(volume), kNoNumber, kNoNumber, mean_use.n};
  if (!mean_use.has_interval() || (use.machine_per_month && !(mean_use.lo > 0))) return month;
  month.lo = VolumeCost(use, mean_use.lo).per_month(volume);
  month.hi = VolumeCost(use, mean_use.hi).per_month(volume);
  return month;
}

Estimate month_by_days(const ModelUse& use, const std::vector<TrafficRow>& rows, double volume) {
  require(use.per_sample.size() == rows.size(), "every row has its use");
  const auto days = static_cast<size_t>(whole_days(rows));
  const double first = first_and_last(rows).first;
  std::vector<double> requests(days, 0.0);
  std::vector<double> taken(days, 0.0);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto day = static_cast<size_t>((*rows[i].time - first) / kSecondsPerDay);
    if (day >= days) continue;  // the last day is not whole
    requests[day] += static_cast<double>(rows[i].count);
    taken[day] += static_cast<double>(rows[i].count) * use.per_sample[i];
  }
  const auto month = [&](std::span<const int64_t> drawn) {
    double all_requests = 0;
    double all_taken = 0;
    for (const int64_t day : drawn) {
      all_requests += requests[static_cast<size_t>(day)];
      all_taken += taken[static_cast<size_t>(day)];
    }
    if (!(all_requests > 0) || (use.machine_per_month && !(all_taken > 0))) return kNoNumber;
    const double a_month = all_requests / static_cast<double>(drawn.size()) * kDaysPerMonth;
    return VolumeCost(use, all_taken / all_requests).per_month(a_month);
  };
  Estimate estimate = percentile_bootstrap(static_cast<int64_t>(days), month);
  estimate.value = VolumeCost(use, use.mean).per_month(volume);
  return estimate;
}

Estimate counted_estimate(const std::vector<double>& values, const std::vector<int64_t>& counts) {
  require(values.size() == counts.size(), "every value has its count");
  double n = 0;
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    n += static_cast<double>(counts[i]);
    sum += static_cast<double>(counts[i]) * values[i];
  }
  Estimate estimate{sum / n, kNoNumber, kNoNumber, static_cast<int64_t>(n)};
  if (n < 2) return estimate;
  double squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double off = values[i] - estimate.value;
    squares += static_cast<double>(counts[i]) * off * off;
  }
  const double half = t_quantile(0.5 * (1 + kConfidence), n - 1) * std::sqrt(squares / (n - 1) / n);
  estimate.lo = estimate.value - half;
  estimate.hi = estimate.value + half;
  return estimate;
}

}  // namespace sizeup
