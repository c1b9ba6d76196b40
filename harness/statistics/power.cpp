#include "harness/statistics/power.h"

#include <cmath>
#include <limits>

namespace sizeup {

// sqrt(n) d = z_a sqrt(p) + z_b sqrt(p - d^2), solved for d: with s = sqrt(n) d - z_a sqrt(p),
// s^2 = z_b^2 (p - d^2), a quadratic in d whose larger root has s >= 0.
double detectable_difference(int64_t n, double discordance, double confidence, double power) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (n < 1 || !(discordance > 0.0)) return kNone;
  const double z_a = normal_quantile(0.5 + confidence / 2.0);
  const double z_b = normal_quantile(power);
  const double count = static_cast<double>(n);
  const double a = count + z_b * z_b;
  const double b = z_a * std::sqrt(count * discordance);
  const double c = (z_a * z_a - z_b * z_b) * discordance;
  const double difference = (b + std::sqrt(b * b - a * c)) / a;
  return difference <= discordance ? difference : kNone;
}

}  // namespace sizeup
