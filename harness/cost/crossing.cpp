#include "harness/cost/crossing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-12;  // of the amounts that are compared: what rounding leaves of zero
constexpr int kMostSteps = 10'000;

Cheaper cheaper_by(double candidate_minus_baseline, double magnitude) {
  if (std::abs(candidate_minus_baseline) <= kTolerance * magnitude) return Cheaper::neither;
  return candidate_minus_baseline < 0 ? Cheaper::candidate : Cheaper::baseline;
}

// A line without steps has one, of no height, that never ends.
StepLine plain(StepLine line) {
  if (line.step != 0 && std::isfinite(line.width)) return line;
  return {line.fixed + line.step, line.slope, 0.0, std::numeric_limits<double>::infinity()};
}

double growth(const StepLine& line) {
  return line.slope + line.step / line.width;
}

// The steps of one line below a volume, from the last one down.
class StepsDown {
 public:
  StepsDown(const StepLine& line, double from)
      : line_(line), step_(line.step == 0 ? 0 : static_cast<int64_t>(std::ceil(from / line.width)) - 1) {}

  double begin() const { return step_ == 0 ? 0.0 : static_cast<double>(step_) * line_.width; }
  double cost() const { return line_.step * static_cast<double>(step_ + 1); }
  void leave(double begin_of_segment) {
    if (step_ > 0 && begin() >= begin_of_segment) --step_;
  }

 private:
  const StepLine& line_;
  int64_t step_;
};

class Descent {
 public:
  Descent(const StepLine& candidate, const StepLine& baseline) : candidate_(candidate), baseline_(baseline) {}

  // From `from`, where `above` is cheaper.
  Crossing last_change(double from, Cheaper above) const {
    StepsDown candidate_steps(candidate_, from);
    StepsDown baseline_steps(baseline_, from);
    double end = from;
    for (int i = 0; i < kMostSteps; ++i) {
      const double steps = candidate_steps.cost() - baseline_steps.cost();
      const double magnitude = candidate_steps.cost() + baseline_steps.cost();
      const Cheaper at_end = cheaper_at(end, steps, magnitude);
      if (i > 0 && at_end != above) return {above, at_end, end};
      const double begin = std::max(candidate_steps.begin(), baseline_steps.begin());
      const Cheaper at_begin = cheaper_at(begin, steps, magnitude);
      if (at_begin != above && at_begin != Cheaper::neither) {
        const double fixed = candidate_.fixed - baseline_.fixed + steps;
        const double slope = candidate_.slope - baseline_.slope;
        return {above, at_begin, slope == 0 ? end : std::clamp(-fixed / slope, begin, end)};
      }
      if (begin <= 0) return {above, above, std::nullopt};
      candidate_steps.leave(begin);
      baseline_steps.leave(begin);
      end = begin;
    }
    return {};
  }

 private:
  Cheaper cheaper_at(double x, double steps, double magnitude) const {
    return cheaper_by(candidate_.fixed - baseline_.fixed + (candidate_.slope - baseline_.slope) * x + steps,
                      magnitude + std::abs(candidate_.fixed) + std::abs(baseline_.fixed) +
                          (std::abs(candidate_.slope) + std::abs(baseline_.slope)) * x);
  }

  const StepLine& candidate_;
  const StepLine& baseline_;
};

// Of lines that grow alike: the steps move their difference by no more than their heights.
Crossing of_equal_growth(const StepLine& candidate, const StepLine& baseline) {
  const bool same_steps = candidate.step == baseline.step && candidate.width == baseline.width;
  const double fixed = candidate.fixed - baseline.fixed;
  const double magnitude =
      std::abs(candidate.fixed) + std::abs(baseline.fixed) + candidate.step + baseline.step;
  const Cheaper at_most = cheaper_by(fixed + (same_steps ? 0.0 : candidate.step), magnitude);
  const Cheaper at_least = cheaper_by(fixed - (same_steps ? 0.0 : baseline.step), magnitude);
  if (at_most == Cheaper::neither && at_least == Cheaper::neither) return {};
  if (at_most != Cheaper::baseline) return {Cheaper::candidate, Cheaper::candidate, std::nullopt};
  if (at_least != Cheaper::candidate) return {Cheaper::baseline, Cheaper::baseline, std::nullopt};
  return {};
}

}  // namespace

Crossing last_crossing(const StepLine& candidate_line, const StepLine& baseline_line) {
  const StepLine candidate = plain(candidate_line);
  const StepLine baseline = plain(baseline_line);
  const double faster = growth(candidate) - growth(baseline);
  const Cheaper above = cheaper_by(faster, growth(candidate) + growth(baseline));
  if (above == Cheaper::neither) return of_equal_growth(candidate, baseline);
  const double settled =
      (std::abs(candidate.fixed - baseline.fixed) + candidate.step + baseline.step) / std::abs(faster);
  if (settled <= 0) return {above, above, std::nullopt};
  return Descent(candidate, baseline).last_change(settled, above);
}

}  // namespace sizeup
