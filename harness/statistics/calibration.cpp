#include "harness/statistics/calibration.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// From here on a bootstrap would take longer than it tells more than the analytic interval.
constexpr size_t kMostResampled = 20'000;

// The bins as ranges of the sorted answers: one end behind each.
struct SortedBins {
  std::vector<size_t> order;  // answers by confidence
  std::vector<size_t> ends;
};

SortedBins sorted_bins(std::span<const StatedAnswer> answers, int bins) {
  require(bins > 0, "a reliability plot has bins");
  SortedBins out;
  out.order.resize(answers.size());
  std::iota(out.order.begin(), out.order.end(), size_t{0});
  const auto less = [&](size_t a, size_t b) { return answers[a].confidence < answers[b].confidence; };
  if (!std::is_sorted(out.order.begin(), out.order.end(), less))
    std::stable_sort(out.order.begin(), out.order.end(), less);
  const size_t n = answers.size();
  const auto parts = static_cast<size_t>(bins);
  size_t cut = 0;
  for (size_t part = 0; part < parts; ++part) {
    cut += n / parts + (part < n % parts ? 1 : 0);
    size_t end = cut;
    while (end > 0 && end < n && answers[out.order[end]].confidence == answers[out.order[end - 1]].confidence)
      ++end;
    if (end > (out.ends.empty() ? 0 : out.ends.back())) out.ends.push_back(end);
  }
  return out;
}

double deviation(const StatedAnswer& answer) {
  return answer.confidence - (answer.right ? 1.0 : 0.0);
}

// The bin of each answer.
std::vector<size_t> bin_numbers(const SortedBins& bins) {
  std::vector<size_t> numbers(bins.order.size());
  size_t bin = 0;
  for (size_t place = 0; place < bins.order.size(); ++place) {
    if (place == bins.ends[bin]) ++bin;
    numbers[bins.order[place]] = bin;
  }
  return numbers;
}

std::vector<int64_t> documents_of(std::span<const StatedAnswer> answers) {
  std::vector<int64_t> documents(answers.size());
  std::transform(answers.begin(), answers.end(), documents.begin(),
                 [](const StatedAnswer& answer) { return answer.document; });
  return documents;
}

Estimate mean_over_documents(std::span<const double> values, std::span<const StatedAnswer> answers) {
  if (!has_repeats(answers)) return t_estimate(values);
  return clustered_estimate(values, documents_of(answers));
}

std::vector<double> deviations(std::span<const StatedAnswer> answers) {
  std::vector<double> out(answers.size());
  std::transform(answers.begin(), answers.end(), out.begin(), deviation);
  return out;
}

// Bootstrap over answers, or over documents, in bins that stay as they are.
Estimate resampled_error(std::span<const StatedAnswer> answers, const std::vector<size_t>& numbers,
                         const BootstrapOptions& options) {
  const std::vector<double> off = deviations(answers);
  std::vector<double> sums;
  const RowStatistic error = [&](std::span<const int64_t> rows) {
    sums.assign(kReliabilityBins, 0.0);
    for (const int64_t row : rows) sums[numbers[static_cast<size_t>(row)]] += off[static_cast<size_t>(row)];
    double total = 0.0;
    for (const double sum : sums) total += std::fabs(sum);
    return total / static_cast<double>(rows.size());
  };
  if (has_repeats(answers)) return clustered_percentile_bootstrap(documents_of(answers), error, options);
  return percentile_bootstrap(static_cast<int64_t>(answers.size()), error, options);
}

// The error is the mean of the deviations, each with the sign of its bin's sum.
Estimate signed_error(std::span<const StatedAnswer> answers, const std::vector<size_t>& numbers) {
  std::vector<double> off = deviations(answers);
  std::vector<double> sums(kReliabilityBins, 0.0);
  for (size_t i = 0; i < off.size(); ++i) sums[numbers[i]] += off[i];
  for (size_t i = 0; i < off.size(); ++i) off[i] = std::copysign(1.0, sums[numbers[i]]) * off[i];
  return mean_over_documents(off, answers);
}

// The error of answers that are right exactly as often as stated: a sum over bins of |normal|, each of which
// has the mean sqrt(2/pi v) and the variance (1 - 2/pi) v.
struct ChanceError {
  double mean = 0.0;
  double deviation = 0.0;
};

ChanceError chance_error(std::span<const StatedAnswer> answers, const std::vector<size_t>& numbers) {
  std::vector<double> variances(kReliabilityBins, 0.0);
  for (size_t i = 0; i < answers.size(); ++i) {
    variances[numbers[i]] += answers[i].confidence * (1.0 - answers[i].confidence);
  }
  constexpr double kShare = 2.0 * std::numbers::inv_pi;
  ChanceError out;
  double variance = 0.0;
  for (const double v : variances) {
    out.mean += std::sqrt(kShare * v);
    variance += (1.0 - kShare) * v;
  }
  const auto n = static_cast<double>(answers.size());
  out.mean /= n;
  out.deviation = std::sqrt(variance) / n;
  return out;
}

}  // namespace

bool has_repeats(std::span<const StatedAnswer> answers) {
  if (answers.empty()) return false;
  std::vector<int64_t> documents = documents_of(answers);
  const auto [least, most] = std::minmax_element(documents.begin(), documents.end());
  const auto range = static_cast<uint64_t>(*most) - static_cast<uint64_t>(*least);
  constexpr uint64_t kSparse = 64;  // a bit each up to here takes no more memory than the numbers
  if (range / kSparse < documents.size()) {
    std::vector<bool> seen(range + 1);
    for (const int64_t document : documents) {
      const auto place = static_cast<size_t>(document - *least);
      if (seen[place]) return true;
      seen[place] = true;
    }
    return false;
  }
  std::sort(documents.begin(), documents.end());
  return std::adjacent_find(documents.begin(), documents.end()) != documents.end();
}

std::vector<ReliabilityBin> reliability_bins(std::span<const StatedAnswer> answers, int bins) {
  const SortedBins sorted = sorted_bins(answers, bins);
  std::vector<ReliabilityBin> out;
  size_t place = 0;
  for (const size_t end : sorted.ends) {
    ReliabilityBin bin;
    double sum = 0.0;
    for (; place < end; ++place) {
      const StatedAnswer& answer = answers[sorted.order[place]];
      ++bin.n;
      bin.right += answer.right ? 1 : 0;
      sum += answer.confidence;
    }
    bin.confidence = sum / static_cast<double>(bin.n);
    bin.interval = wilson_interval(bin.right, bin.n);
    out.push_back(bin);
  }
  return out;
}

double calibration_error(std::span<const ReliabilityBin> bins) {
  double total = 0.0;
  int64_t n = 0;
  for (const ReliabilityBin& bin : bins) {
    total += static_cast<double>(bin.n) * std::fabs(bin.confidence - bin.share_right());
    n += bin.n;
  }
  return n == 0 ? kNoNumber : total / static_cast<double>(n);
}

Estimate calibration_error(std::span<const StatedAnswer> answers, const BootstrapOptions& options) {
  if (answers.empty()) return {};
  const std::vector<size_t> numbers = bin_numbers(sorted_bins(answers, kReliabilityBins));
  Estimate estimate = answers.size() > kMostResampled ? signed_error(answers, numbers)
                                                      : resampled_error(answers, numbers, options);
  if (!estimate.has_interval()) return estimate;
  if (answers.size() <= kMostResampled) {
    const Interval drawn{estimate.lo, estimate.hi};
    estimate.lo = 2.0 * estimate.value - drawn.hi;
    estimate.hi = estimate.value + 0.5 * (drawn.hi - drawn.lo);
  }
  const ChanceError chance = chance_error(answers, numbers);
  if (estimate.value <= chance.mean + normal_quantile(0.5 + options.confidence / 2) * chance.deviation)
    estimate.lo = 0.0;
  estimate.lo = std::clamp(estimate.lo, 0.0, estimate.value);
  estimate.hi = std::min(estimate.hi, 1.0);
  return estimate;
}

double chance_calibration_error(std::span<const StatedAnswer> answers) {
  if (answers.empty()) return kNoNumber;
  return chance_error(answers, bin_numbers(sorted_bins(answers, kReliabilityBins))).mean;
}

Estimate brier_score(std::span<const StatedAnswer> answers) {
  std::vector<double> squares = deviations(answers);
  for (double& value : squares) value *= value;
  return mean_over_documents(squares, answers);
}

Estimate overconfidence(std::span<const StatedAnswer> answers) {
  return mean_over_documents(deviations(answers), answers);
}

}  // namespace sizeup
