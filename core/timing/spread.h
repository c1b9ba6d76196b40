// The values of one measurement's repetitions in three numbers.
#pragma once

#include <vector>

namespace sizeup {

struct Spread {
  double median = 0.0;
  double least = 0.0;
  double most = 0.0;
  int count = 0;
};

// Of at least one value, in any order.
Spread spread_of(std::vector<double> values);

}  // namespace sizeup
