#include "harness/load/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

constexpr double kPercents[] = {50, 90, 95, 99};
constexpr size_t kWindows = 20;

bool within(double value, const std::optional<double>& limit) {
  return !limit || value <= *limit;
}

LoadQuantity quantity(std::string name, std::string meaning, std::span<const double> values) {
  LoadQuantity out;
  out.name = std::move(name);
  out.meaning = std::move(meaning);
  out.n = static_cast<int64_t>(values.size());
  out.mean = mean(values);
  for (const double percent : kPercents) {
    out.percentiles.push_back({percent, percentile_estimate(values, percent), enough_queries(out.n, percent),
                               minimum_queries(percent)});
  }
  return out;
}

template <class Value>
std::vector<double> values_of(std::span<const RequestTimes> requests, Value&& value) {
  std::vector<double> values;
  for (const RequestTimes& request : requests) {
    if (!request.answered()) continue;
    if (const double x = value(request); !std::isnan(x)) values.push_back(x);
  }
  return values;
}

std::vector<LoadQuantity> quantities_of(const LoadMeasurement& measurement) {
  const std::span requests(measurement.requests);
  const std::vector<double> gaps(measurement.token_gaps.begin(), measurement.token_gaps.end());
  return {
      quantity("ttft", "time to the first token", values_of(requests, [](auto& r) { return r.ttft(); })),
      quantity("tpot", "time per token after it", values_of(requests, [](auto& r) { return r.tpot(); })),
      quantity("itl", "between two tokens", gaps),
      quantity("total", "time to the full answer", values_of(requests, [](auto& r) { return r.total(); }))};
}

std::vector<LoadWindow> windows_of(std::span<const RequestTimes> requests, double begin, double end) {
  std::vector<LoadWindow> windows;
  if (!(end > begin)) return windows;
  const double length = (end - begin) / kWindows;
  const auto window_of = [&](double time) {
    return std::min(kWindows - 1, static_cast<size_t>(std::max(0.0, (time - begin) / length)));
  };
  std::vector<std::vector<double>> ttft(kWindows);
  std::vector<std::vector<double>> total(kWindows);
  for (size_t w = 0; w < kWindows; ++w) {
    windows.push_back(
        {static_cast<double>(w) * length / 1000.0, static_cast<double>(w + 1) * length / 1000.0});
  }
  for (const RequestTimes& request : requests) {
    if (std::isnan(request.due)) continue;
    const size_t due = window_of(request.due);
    ++windows[due].due;
    if (!request.answered()) continue;
    ++windows[window_of(request.last)].finished;
    if (!std::isnan(request.first)) ttft[due].push_back(request.ttft());
    total[due].push_back(request.total());
  }
  for (size_t w = 0; w < kWindows; ++w) {
    windows[w].median_ttft = percentile(ttft[w], 50);
    windows[w].median_total = percentile(total[w], 50);
  }
  return windows;
}

}  // namespace

bool LatencyLimits::met_by(const RequestTimes& request) const {
  return request.answered() && within(request.ttft(), ttft) &&
         (!request.has_tpot() || within(request.tpot(), tpot)) && within(request.total(), total);
}

LoadSummary summarize(const LoadMeasurement& measurement, const LatencyLimits& limits,
                      const std::function<bool(size_t)>& right) {
  LoadSummary summary;
  summary.scenario = measurement.scenario;
  summary.limits = limits;
  double begin = std::numeric_limits<double>::infinity();
  double end = -begin;
  double prompt_tokens = 0;
  double completion_tokens = 0;
  int64_t good = 0;
  int64_t correct = 0;
  for (size_t i = 0; i < measurement.requests.size(); ++i) {
    const RequestTimes& request = measurement.requests[i];
    ++summary.requests;
    if (!request.answered()) ++summary.failed;
    if (!std::isnan(request.due)) begin = std::min(begin, request.due);
    if (!std::isnan(request.last)) end = std::max(end, request.last);
    if (!request.answered()) continue;
    prompt_tokens += request.prompt_tokens;
    completion_tokens += request.completion_tokens;
    if (!limits.met_by(request)) continue;
    ++good;
    correct += right && right(i) ? 1 : 0;
  }
  if (end > begin) {
    summary.seconds = (end - begin) / 1000.0;
    const auto rate = [&](double count) { return count / summary.seconds; };
    summary.requests_per_second = rate(static_cast<double>(summary.requests - summary.failed));
    summary.prompt_tokens_per_second = rate(prompt_tokens);
    summary.completion_tokens_per_second = rate(completion_tokens);
    if (limits.any() && measurement.scenario.has_latencies()) {
      summary.goodput = rate(static_cast<double>(good));
      if (right) summary.correct_goodput = rate(static_cast<double>(correct));
    }
  }
  if (!measurement.scenario.has_latencies()) return summary;
  summary.quantities = quantities_of(measurement);
  summary.histogram = log_histogram(values_of(measurement.requests, [](auto& r) { return r.total(); }));
  summary.windows = windows_of(measurement.requests, begin, end);
  return summary;
}

}  // namespace sizeup
