// The requests that a service gets, to be priced in place of an evaluation's samples.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cost/break_even.h"

namespace sizeup {

// Requests that are alike.
struct TrafficRow {
  int64_t count = 1;
  std::optional<double> time;  // when, in seconds since 1970; every row has one, or none
};

// Of a row, as one model counts.
struct TrafficTokens {
  double input = 0.0;
  double cached_input = 0.0;     // of input
  std::optional<double> output;  // nothing: as many as in the evaluation, on the average
};

struct Traffic {
  std::string name;  // of the file
  std::vector<TrafficRow> rows;
  std::map<std::string, std::vector<TrafficTokens>> tokens;  // by model name, each with one for every row

  int64_t requests() const;
};

// Seconds since 1970 of "2026-03-01T10:00:00Z", with or without seconds and their fraction, an offset
// (+02:00) or none (UTC); of a date: when it begins. Nothing for what is no time.
std::optional<double> seconds_of(std::string_view text);

// How many requests a month (730 hours) come at this rate: those before the last row, over the time until it.
// Nothing without times, or where they are all the same.
std::optional<double> requests_per_month(const std::vector<TrafficRow>& rows);

// Fewer days than a week say little of how days differ.
inline constexpr int64_t kDaysForInterval = 7;

// What a month costs at a volume, and how far the rows leave that uncertain (95 %): by the mean use of a
// request, or where the volume is the rows' own and they cover a week or more, by days of 24 hours drawn
// again and again, which leaves both the number of requests and what they take uncertain. `use` has a place
// in per_sample for every row.
Estimate month_of(const ModelUse& use, const Estimate& mean_use, double volume);
Estimate month_by_days(const ModelUse& use, const std::vector<TrafficRow>& rows, double volume);

// Whether month_by_days has its days.
bool covers_days(const std::vector<TrafficRow>& rows);

// Mean with Student's t of values that stand for so many requests each.
Estimate counted_estimate(const std::vector<double>& values, const std::vector<int64_t>& counts);

}  // namespace sizeup
