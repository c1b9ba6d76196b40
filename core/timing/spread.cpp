#include "core/timing/spread.h"

#include <algorithm>

#include "core/errors/result.h"

namespace sizeup {

Spread spread_of(std::vector<double> values) {
  require(!values.empty(), "a spread is of at least one value");
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
  return {median, values.front(), values.back(), static_cast<int>(values.size())};
}

}  // namespace sizeup
