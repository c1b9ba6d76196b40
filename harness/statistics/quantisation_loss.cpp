#include "harness/statistics/quantisation_loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/errors/result.h"
#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

int64_t count_distinct(std::span<const int64_t> values) {
  std::vector<int64_t> distinct(values.begin(), values.end());
  std::sort(distinct.begin(), distinct.end());
  return std::unique(distinct.begin(), distinct.end()) - distinct.begin();
}

// Windows are clusters. Not clustered_estimate(), which takes values that are all the same for scores in
// 0..1.
LossEstimate loss_estimate(std::span<const double> values, std::span<const int64_t> windows) {
  LossEstimate loss{t_estimate(values), standard_error(values), {}};
  const int64_t clusters = count_distinct(windows);
  if (clusters < 2) return loss;
  const double half = t_quantile(0.5 + kConfidence / 2, static_cast<double>(clusters - 1)) *
                      clustered_standard_error(values, windows);
  loss.by_window = {loss.estimate.value - half, loss.estimate.value + half};
  return loss;
}

LossEstimate share_estimate(std::span<const double> values, std::span<const int64_t> windows) {
  const Estimate clustered = clustered_estimate(values, windows);
  Interval by_window;
  if (clustered.has_interval()) by_window = {std::max(0.0, clustered.lo), std::min(1.0, clustered.hi)};
  return {mean_estimate(values), standard_error(values), by_window};
}

Estimate perplexity(const std::vector<double>& logprobs) {
  const Estimate log = t_estimate(logprobs);
  return {std::exp(-log.value), std::exp(-log.hi), std::exp(-log.lo), log.n};
}

template <class Value>
std::vector<double> each(std::span<const PositionLoss> positions, Value value) {
  std::vector<double> values(positions.size());
  std::transform(positions.begin(), positions.end(), values.begin(), value);
  return values;
}

double largest(const std::vector<double>& values) {
  return values.empty() ? kNoNumber : *std::max_element(values.begin(), values.end());
}

}  // namespace

PositionLoss position_loss(std::span<const float> base, std::span<const float> variant, size_t next) {
  require(base.size() == variant.size(), "both distributions are over one vocabulary");
  require(next < base.size(), "the text's token is in the vocabulary");
  // With the sums P and Q of exp(a) and exp(b): KL = sum exp(a) (a - b) / P - ln P + ln Q.
  double base_sum = 0.0;
  double variant_sum = 0.0;
  double weighted = 0.0;
  for (size_t i = 0; i < base.size(); ++i) {
    const double a = base[i];
    const double b = variant[i];
    const double p = std::exp(a);
    base_sum += p;
    variant_sum += std::exp(b);
    if (p > 0.0) weighted += p * (a - b);  // 0 ln 0 = 0
  }
  const double divergence = weighted / base_sum - std::log(base_sum) + std::log(variant_sum);
  const auto top = [](std::span<const float> row) {
    return std::max_element(row.begin(), row.end()) - row.begin();
  };
  return {.divergence = divergence < 0.0 ? 0.0 : divergence,  // below zero by rounding only
          .same_top = top(base) == top(variant),
          .base_logprob = base[next],
          .variant_logprob = variant[next]};
}

QuantisationLoss quantisation_loss(std::span<const PositionLoss> positions,
                                   std::span<const int64_t> windows) {
  require(positions.size() == windows.size(), "every position lies in a window");
  const auto divergence = each(positions, [](const PositionLoss& p) { return p.divergence; });
  const auto same = each(positions, [](const PositionLoss& p) { return p.same_top ? 1.0 : 0.0; });
  const auto base = each(positions, [](const PositionLoss& p) { return p.base_logprob; });
  const auto variant = each(positions, [](const PositionLoss& p) { return p.variant_logprob; });
  const auto lost = each(positions, [](const PositionLoss& p) { return p.base_logprob - p.variant_logprob; });
  const auto absolute =
      each(positions, [](const PositionLoss& p) { return std::fabs(p.base_logprob - p.variant_logprob); });
  return {.positions = static_cast<int64_t>(positions.size()),
          .windows = count_distinct(windows),
          .divergence = loss_estimate(divergence, windows),
          .divergence_median = percentile(divergence, 50),
          .divergence_p90 = percentile(divergence, 90),
          .divergence_p95 = percentile(divergence, 95),
          .divergence_p99 = percentile(divergence, 99),
          .divergence_maximum = largest(divergence),
          .same_top = share_estimate(same, windows),
          .base_perplexity = perplexity(base),
          .variant_perplexity = perplexity(variant),
          .log_ratio = loss_estimate(lost, windows),
          .absolute = loss_estimate(absolute, windows),
          .absolute_maximum = largest(absolute)};
}

}  // namespace sizeup
