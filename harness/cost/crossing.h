// Where one cost overtakes another, when costs grow in a line and in steps: machines that are bought one by
// one, a model that is trained again every few months.
#pragma once

#include <limits>
#include <optional>

namespace sizeup {

// fixed + slope x + step (floor(x / width) + 1): a step is due at 0 and at every whole width.
struct StepLine {
  double fixed = 0.0;
  double slope = 0.0;
  double step = 0.0;
  double width = std::numeric_limits<double>::infinity();
};

enum class Cheaper { candidate, baseline, neither };

// `above` is the cheaper one for good: at every x above `at`. Steps may let the two change places below it
// more than once; `below` is the cheaper one just below.
struct Crossing {
  Cheaper above = Cheaper::neither;  // neither: they cost the same, or change places without end
  Cheaper below = Cheaper::neither;
  std::optional<double> at;  // absent: there is no change at any x above 0
};

// Exact: it follows the steps down from the volume beyond which they cannot matter. Lines whose growth
// differs so little that this takes more than 10,000 steps count as without end.
Crossing last_crossing(const StepLine& candidate, const StepLine& baseline);

}  // namespace sizeup
