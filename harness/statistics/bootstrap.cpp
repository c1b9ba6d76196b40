#include "harness/statistics/bootstrap.h"

#include <algorithm>
#include <bit>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

// More undefined resamples than this could hide where a 2.5 % tail ends.
constexpr double kMaxUndefinedShare = 0.01;

// Fills `rows` with draws from 0..n-1. Multiply-and-shift instead of rejection: its bias is n / 2^32.
void draw_rows(uint64_t seed, uint32_t resample, int64_t n, std::vector<int64_t>& rows) {
  const std::array<uint32_t, 2> key{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (size_t i = 0; i < rows.size(); i += 4) {
    const auto block = static_cast<uint64_t>(i / 4);
    const auto words =
        philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), resample, 0}, key);
    for (size_t j = 0; j < 4 && i + j < rows.size(); ++j) {
      rows[i + j] = static_cast<int64_t>((uint64_t{words[j]} * static_cast<uint64_t>(n)) >> 32);
    }
  }
}

// From so many rows to each distinct one on, drawing a binomial is the quicker way; the number fixes draws.
constexpr int64_t kRowsPerBinomial = 500;

// The smallest k with P(X <= k) >= u, X ~ Binomial(n, p), p < 1: the distribution function is computed
// once, where Cornish and Fisher's expansion puts k, and summed up from there.
int64_t draw_binomial(int64_t n, double p, double u) {
  if (u <= 0.0 || p <= 0.0) return 0;
  // In double: a draw needs no more digits, and long double takes three times as long.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  const auto count = static_cast<double>(n);
  const boost::math::binomial_distribution<double, Policy> distribution(count, p);
  const double z = normal_quantile(u);
  const double skewed = (1.0 - 2.0 * p) * (z * z - 1.0) / 6.0;
  double k = std::clamp(std::floor(count * p + z * std::sqrt(count * p * (1.0 - p)) + skewed), 0.0, count);
  double mass = boost::math::pdf(distribution, k);
  double below = boost::math::cdf(distribution, k);  // P(X <= k)
  const double odds = p / (1.0 - p);
  while (below < u && k < count) {
    mass *= (count - k) / (k + 1.0) * odds;
    below += mass;
    k += 1.0;
  }
  while (k > 0.0 && below - mass >= u) {
    below -= mass;
    mass *= k / (count - k + 1.0) / odds;
    k -= 1.0;
  }
  return static_cast<int64_t>(k);
}

// How often each distinct row occurs in a resample: multinomial with the shares of `counts`.
class CountDraws {
 public:
  CountDraws(std::span<const int64_t> counts, uint64_t seed)
      : counts_(counts), n_(std::accumulate(counts.begin(), counts.end(), int64_t{0})), seed_(seed) {
    if (few()) return;
    for (size_t i = 0; i < counts.size(); ++i) {
      row_of_.insert(row_of_.end(), static_cast<size_t>(counts[i]), static_cast<uint32_t>(i));
    }
    drawn_.resize(static_cast<size_t>(n_));
  }

  int64_t n() const { return n_; }
  // Few distinct rows: a resample is drawn as one number for each of them.
  bool few() const { return static_cast<int64_t>(counts_.size()) * kRowsPerBinomial < n_; }

  void draw(uint32_t resample, std::vector<int64_t>& out) {
    out.assign(counts_.size(), 0);
    if (few()) {
      draw_binomials(resample, out);
      return;
    }
    draw_rows(seed_, resample, n_, drawn_);
    for (const int64_t row : drawn_) ++out[row_of_[static_cast<size_t>(row)]];
  }

 private:
  // Row after row, each given what those before it have left.
  void draw_binomials(uint32_t resample, std::vector<int64_t>& out) const {
    int64_t left = n_;
    int64_t to_draw = n_;
    for (size_t i = 0; i < counts_.size() && to_draw > 0; ++i) {
      const double share = static_cast<double>(counts_[i]) / static_cast<double>(left);
      out[i] = share >= 1.0 ? to_draw : draw_binomial(to_draw, share, uniform(seed_, resample, i));
      left -= counts_[i];
      to_draw -= out[i];
    }
  }

  std::span<const int64_t> counts_;
  int64_t n_;
  uint64_t seed_;
  std::vector<uint32_t> row_of_;  // of each of the n rows; empty where binomials are drawn
  std::vector<int64_t> drawn_;
};

// The defined ones of the resampled statistics, sorted; empty when too many are undefined.
std::vector<double> resampled(const BootstrapOptions& options,
                              const std::function<double(uint32_t resample)>& statistic) {
  require(options.resamples > 0, "a bootstrap needs resamples");
  std::vector<double> values;
  values.reserve(static_cast<size_t>(options.resamples));
  for (int resample = 0; resample < options.resamples; ++resample) {
    const double value = statistic(static_cast<uint32_t>(resample));
    if (std::isfinite(value)) values.push_back(value);
  }
  const double undefined = 1 - static_cast<double>(values.size()) / options.resamples;
  if (undefined > kMaxUndefinedShare) values.clear();
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<double> resampled(int64_t n, const RowStatistic& statistic, const BootstrapOptions& options) {
  require(n < int64_t{1} << 32, "a bootstrap draws from fewer than 2^32 rows");
  std::vector<int64_t> rows(static_cast<size_t>(n));
  return resampled(options, [&](uint32_t resample) {
    draw_rows(options.seed, resample, n, rows);
    return statistic(rows);
  });
}

std::vector<int64_t> all_rows(int64_t n) {
  std::vector<int64_t> rows(static_cast<size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

double sum_of(std::span<const double> values, std::span<const int64_t> counts) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += static_cast<double>(counts[i]) * values[i];
  return sum;
}

// Skewness of the jackknife values over 6: sum d^3 / (6 (sum d^2)^(3/2)), d = mean - value without row i, of
// which there are counts[i].
double acceleration(std::span<const double> left_out, std::span<const int64_t> counts) {
  const auto n = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const double centre = sum_of(left_out, counts) / n;
  double squares = 0;
  double cubes = 0;
  for (size_t i = 0; i < left_out.size(); ++i) {
    const double d = centre - left_out[i];
    squares += static_cast<double>(counts[i]) * d * d;
    cubes += static_cast<double>(counts[i]) * d * d * d;
  }
  return squares == 0 ? 0 : cubes / (6 * std::pow(squares, 1.5));
}

// The statistic without each row in turn.
std::vector<double> jackknife(int64_t n, const RowStatistic& statistic) {
  std::vector<double> left_out(static_cast<size_t>(n));
  std::vector<int64_t> rows = all_rows(n);
  rows.pop_back();  // 0..n-2: all but the last
  for (int64_t out = n - 1; out >= 0; --out) {
    left_out[static_cast<size_t>(out)] = statistic(rows);
    if (out > 0) rows[static_cast<size_t>(out - 1)] = out;  // now out - 1 is the one missing
  }
  return left_out;
}

double normal_cdf(double x) {
  return boost::math::cdf(boost::math::normal(), x);
}

// Normal score of the value's place among the resamples, ties counted half; kept finite.
double bias_correction(std::span<const double> sorted, double value) {
  const auto less = std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin();
  const auto not_more = std::upper_bound(sorted.begin(), sorted.end(), value) - sorted.begin();
  const auto count = static_cast<double>(sorted.size());
  const double place = static_cast<double>(less + not_more) / (2 * count);
  return normal_quantile(std::clamp(place, 0.5 / count, 1 - 0.5 / count));
}

// The estimate with its ends (Efron 1987): percentiles of the resampled values, moved by bias and
// acceleration.
Estimate bca_interval(Estimate estimate, double skew, std::span<const double> sorted, double confidence) {
  if (sorted.empty() || !std::isfinite(skew)) return estimate;
  const double bias = bias_correction(sorted, estimate.value);
  const auto end = [&](double tail) {
    const double shifted = bias + normal_quantile(tail);
    return percentile(sorted, 100 * normal_cdf(bias + shifted / (1 - skew * shifted)));
  };
  estimate.lo = end((1 - confidence) / 2);
  estimate.hi = end((1 + confidence) / 2);
  return estimate;
}

// Rows of which two sums are taken, equal ones put together: row i occurs counts[i] times.
struct PairRows {
  std::vector<double> top;
  std::vector<double> bottom;
  std::vector<int64_t> counts;
};

PairRows distinct_pairs(std::span<const double> top, std::span<const double> bottom) {
  using Bits = std::pair<uint64_t, uint64_t>;
  std::vector<Bits> pairs(top.size());
  for (size_t i = 0; i < top.size(); ++i) {
    pairs[i] = {std::bit_cast<uint64_t>(top[i]), std::bit_cast<uint64_t>(bottom[i])};
  }
  std::sort(pairs.begin(), pairs.end());
  PairRows rows;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0 && pairs[i] == pairs[i - 1]) {
      ++rows.counts.back();
      continue;
    }
    rows.top.push_back(std::bit_cast<double>(pairs[i].first));
    rows.bottom.push_back(std::bit_cast<double>(pairs[i].second));
    rows.counts.push_back(1);
  }
  return rows;
}

// BCa interval of sum(top) / sum(bottom).
Estimate ratio_bootstrap(std::span<const double> top, std::span<const double> bottom,
                         BootstrapOptions options) {
  const auto n = static_cast<int64_t>(top.size());
  const PairRows rows = distinct_pairs(top, bottom);
  const double whole_top = sum_of(rows.top, rows.counts);
  const double whole_bottom = sum_of(rows.bottom, rows.counts);
  Estimate estimate{whole_top / whole_bottom, kNoNumber, kNoNumber, n};  // NaN for n = 0
  if (n < 2 || !std::isfinite(estimate.value)) return estimate;
  std::vector<double> left_out(rows.counts.size());
  for (size_t i = 0; i < left_out.size(); ++i) {
    left_out[i] = (whole_top - rows.top[i]) / (whole_bottom - rows.bottom[i]);
  }
  CountDraws draws(rows.counts, options.seed);
  if (!draws.few()) options = affordable(options, n);
  std::vector<int64_t> drawn;
  const std::vector<double> sorted = resampled(options, [&](uint32_t resample) {
    draws.draw(resample, drawn);
    return sum_of(rows.top, drawn) / sum_of(rows.bottom, drawn);
  });
  return bca_interval(estimate, acceleration(left_out, rows.counts), sorted, options.confidence);
}

// Fieller's interval for mean(y) / mean(x): the ratios r for which mean(y - r x) is within t standard errors
// of 0, the roots of a r^2 - 2 b r + c.
Interval fieller_interval(std::span<const double> y, std::span<const double> x, double confidence) {
  const auto n = static_cast<double>(x.size());
  if (x.size() < 2) return {};
  const double mean_x = mean(x);
  const double mean_y = mean(y);
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double t = t_quantile(0.5 + confidence / 2, n - 1);
  const double scale = t * t / (n - 1) / n;
  const double a = mean_x * mean_x - scale * xx;
  const double b = mean_x * mean_y - scale * xy;
  const double c = mean_y * mean_y - scale * yy;
  if (a <= 0) return {};
  const double root = std::sqrt(std::max(0.0, b * b - a * c));
  return {(b - root) / a, (b + root) / a};
}

// The bootstrap over clusters: a drawn cluster stands for all of its rows.
Estimate over_clusters(std::span<const int64_t> clusters, const RowStatistic& statistic,
                       const BootstrapOptions& options,
                       Estimate (*bootstrap)(int64_t, const RowStatistic&, const BootstrapOptions&)) {
  std::map<int64_t, std::vector<int64_t>> members;
  for (size_t row = 0; row < clusters.size(); ++row) {
    members[clusters[row]].push_back(static_cast<int64_t>(row));
  }
  std::vector<const std::vector<int64_t>*> lists;
  lists.reserve(members.size());
  for (const auto& [cluster, rows] : members) lists.push_back(&rows);
  std::vector<int64_t> rows;
  const RowStatistic of_clusters = [&](std::span<const int64_t> drawn) {
    rows.clear();
    for (const int64_t cluster : drawn) {
      const std::vector<int64_t>& list = *lists[static_cast<size_t>(cluster)];
      rows.insert(rows.end(), list.begin(), list.end());
    }
    return statistic(rows);
  };
  Estimate estimate = bootstrap(static_cast<int64_t>(lists.size()), of_clusters, options);
  estimate.n = static_cast<int64_t>(clusters.size());
  return estimate;
}

}  // namespace

BootstrapOptions affordable(BootstrapOptions options, int64_t n) {
  constexpr int64_t kMostDraws = 500'000'000;
  constexpr int64_t kFewestResamples = 500;
  options.resamples = static_cast<int>(
      std::min<int64_t>(options.resamples, std::max(kFewestResamples, kMostDraws / std::max<int64_t>(n, 1))));
  return options;
}

Estimate bca_bootstrap(int64_t n, const RowStatistic& statistic, const BootstrapOptions& options) {
  Estimate estimate{n > 0 ? statistic(all_rows(n)) : kNoNumber, kNoNumber, kNoNumber, n};
  if (n < 2 || !std::isfinite(estimate.value)) return estimate;
  const std::vector<int64_t> once(static_cast<size_t>(n), 1);
  const double skew = acceleration(jackknife(n, statistic), once);
  return bca_interval(estimate, skew, resampled(n, statistic, options), options.confidence);
}

Estimate percentile_bootstrap(int64_t n, const RowStatistic& statistic, const BootstrapOptions& options) {
  Estimate estimate{n > 0 ? statistic(all_rows(n)) : kNoNumber, kNoNumber, kNoNumber, n};
  if (n < 2) return estimate;
  const std::vector<double> sorted = resampled(n, statistic, options);
  estimate.lo = percentile(sorted, 50 * (1 - options.confidence));
  estimate.hi = percentile(sorted, 50 * (1 + options.confidence));
  return estimate;
}

Estimate percentile_bootstrap(std::span<const int64_t> counts, const CountStatistic& statistic,
                              const BootstrapOptions& options) {
  CountDraws draws(counts, options.seed);
  Estimate estimate{draws.n() > 0 ? statistic(counts) : kNoNumber, kNoNumber, kNoNumber, draws.n()};
  if (draws.n() < 2) return estimate;
  require(draws.n() < int64_t{1} << 32, "a bootstrap draws from fewer than 2^32 rows");
  std::vector<int64_t> drawn;
  const std::vector<double> sorted = resampled(options, [&](uint32_t resample) {
    draws.draw(resample, drawn);
    return statistic(drawn);
  });
  estimate.lo = percentile(sorted, 50 * (1 - options.confidence));
  estimate.hi = percentile(sorted, 50 * (1 + options.confidence));
  return estimate;
}

Estimate clustered_bca_bootstrap(std::span<const int64_t> clusters, const RowStatistic& statistic,
                                 const BootstrapOptions& options) {
  return over_clusters(clusters, statistic, options, bca_bootstrap);
}

Estimate clustered_percentile_bootstrap(std::span<const int64_t> clusters, const RowStatistic& statistic,
                                        const BootstrapOptions& options) {
  return over_clusters(clusters, statistic, options, percentile_bootstrap);
}

Estimate paired_bootstrap(std::span<const double> a, std::span<const double> b,
                          const BootstrapOptions& options) {
  require(a.size() == b.size(), "paired scores have the same length");
  std::vector<double> difference(a.size());
  std::transform(a.begin(), a.end(), b.begin(), difference.begin(), std::minus<>());
  const std::vector<double> ones(a.size(), 1.0);
  return ratio_bootstrap(difference, ones, options);
}

Retention retention(std::span<const double> small, std::span<const double> large,
                    const BootstrapOptions& options) {
  require(small.size() == large.size(), "paired scores have the same length");
  const Estimate estimate = ratio_bootstrap(small, large, options);
  Retention result;
  result.n = estimate.n;
  result.value = std::isfinite(estimate.value) ? estimate.value : kNoNumber;
  result.bootstrap = {estimate.lo, estimate.hi};
  result.fieller = fieller_interval(small, large, options.confidence);
  return result;
}

}  // namespace sizeup
