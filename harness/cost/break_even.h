// What a model costs by volume, and from which volume or month on it is cheaper than another.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/cost/crossing.h"
#include "harness/statistics/bootstrap.h"

namespace sizeup {

// What is paid beside requests; all in the currency of the prices.
struct RunningCosts {
  double one_time = 0.0;  // to put the model in place: fine-tuning, integration
  double monthly = 0.0;
  double retraining = 0.0;         // each time
  double retraining_months = 0.0;  // between times; 0: never
};

// What a request takes of one model, and what that costs.
struct ModelUse {
  // Of each sample: its price at an endpoint, or the seconds that a machine works on it. The same place is
  // the same sample for both models of a pair.
  std::vector<double> per_sample;
  std::vector<int64_t> counts;  // so many requests each of them stands for; empty: one
  double mean = 0.0;            // of all samples; per_sample may lack some
  // Machines that are always on, each answering for this share of the time; nothing: an endpoint.
  std::optional<double> machine_per_month;
  double utilisation = 1.0;
  RunningCosts running;
};

// Costs at a volume of requests a month.
class VolumeCost {
 public:
  VolumeCost(const ModelUse& use, double mean_of_requests);

  std::optional<double> capacity() const { return capacity_; }  // of one machine; nothing: an endpoint
  int64_t machines(double volume) const;  // whole ones, one at least: the next is bought when these are full
  double per_request() const;             // at full machines, without what is paid beside requests
  double requests_per_month(double volume) const;  // machines or tokens alone
  // With what is paid monthly, and retraining by the month; one-time costs are not in it.
  double per_month(double volume) const;
  StepLine by_volume() const;
  StepLine by_month(double volume) const;  // everything paid until a month, one-time costs and all

 private:
  RunningCosts running_;
  double per_request_ = 0.0;
  double machine_per_month_ = 0.0;
  std::optional<double> capacity_;
};

// The cheaper one for good, and the interval of the volume or month from which on it is. 0: at once;
// infinity: the interval includes that it never is. NaN ends: no interval.
//
// Percentile bootstrap over samples, the same rows for both models: the mean tokens or seconds of a request
// are what the samples leave uncertain. Prices, utilisation, the machine's speed in tokens a second and what
// is paid beside requests are taken as given. There are fewer resamples for more than 2,000 samples.
struct BreakEven {
  Crossing crossing;
  double lo = kNoNumber;
  double hi = kNoNumber;
};

BreakEven break_even_volume(const ModelUse& candidate, const ModelUse& baseline);

// Months until everything paid for one is less than for the other, at a volume of requests a month. A model
// that is trained again must have paid for that as well.
BreakEven break_even_month(const ModelUse& candidate, const ModelUse& baseline, double volume);

}  // namespace sizeup
