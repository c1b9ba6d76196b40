#include "harness/load/arrivals.h"

#include <boost/math/distributions/gamma.hpp>

#include "core/random/counter_random.h"

namespace sizeup {

std::vector<double> arrival_times(size_t count, double qps, double burstiness, uint64_t seed) {
  constexpr uint64_t kStream = 0x6172726976616c73;  // "arrivals": apart from the streams of sampling
  const boost::math::gamma_distribution<> gap(burstiness, 1000.0 / (qps * burstiness));
  std::vector<double> times;
  times.reserve(count);
  double now = 0.0;
  for (size_t i = 0; i < count; ++i)
    times.push_back(now += boost::math::quantile(gap, uniform(seed, kStream, i)));
  return times;
}

}  // namespace sizeup
