#include "reports/load/model_cost.h"

#include <algorithm>
#include <cmath>

namespace sizeup {
namespace {

constexpr double kSecondsPerHour = 3600;

// Weights of all parts, and how many requests each stands for.
struct Weights {
  std::vector<double> values;
  std::vector<int64_t> counts;
};

Weights weights_of(const ModelCost& cost) {
  Weights out;
  for (const auto& [key, part] : cost.tokens.parts) {
    out.values.push_back(weight_of(cost.prices, part.tokens));
    out.counts.push_back(part.count);
  }
  return out;
}

}  // namespace

void ModelTokens::add(std::pair<size_t, int64_t> key, const RequestTokens& tokens, int64_t count) {
  parts[key] = {tokens, count};
  requests += count;
  const double share = static_cast<double>(count) / static_cast<double>(requests);
  mean.input += share * (tokens.input - mean.input);
  mean.cached_input += share * (tokens.cached_input - mean.cached_input);
  mean.output += share * (tokens.output - mean.output);
}

Result<ModelTokens> tokens_of(const Store& store, const std::vector<Cell>& cells) {
  ModelTokens out;
  for (size_t task = 0; task < cells.size(); ++task) {
    if (!cells[task].present) continue;
    Result<std::vector<SampleTokens>> rows = read_sample_tokens(store, cells[task].evaluation.id);
    if (!rows) return forward_error(rows);
    for (const SampleTokens& row : *rows) {
      out.add({task, row.sample},
              {static_cast<double>(row.input), static_cast<double>(row.cached_input),
               static_cast<double>(row.output)},
              1);
    }
  }
  return out;
}

ModelTokens tokens_of(const Traffic& traffic, const std::string& model, const RequestTokens& evaluated) {
  ModelTokens out;
  const std::vector<TrafficTokens>& rows = traffic.tokens.at(model);
  for (size_t i = 0; i < rows.size(); ++i) {
    out.add({0, static_cast<int64_t>(i)},
            {rows[i].input, rows[i].cached_input, rows[i].output.value_or(evaluated.output)},
            traffic.rows[i].count);
  }
  return out;
}

double weight_of(const Prices& prices, const RequestTokens& tokens) {
  if (prices.per_hour) return tokens.input + tokens.output;
  return token_price(prices, tokens.input, tokens.cached_input, tokens.output).value_or(0.0);
}

ModelUse use_of(const Prices& prices, const RunningCosts& running, double per_request) {
  ModelUse use;
  use.running = running;
  use.mean = per_request;
  if (prices.per_hour.value_or(0.0) > 0 && per_request > 0) {
    use.machine_per_month = *prices.per_hour * kHoursPerMonth;
    use.utilisation = prices.utilisation;
    use.mean = per_request / *prices.per_hour * prices.utilisation * kSecondsPerHour;
  }
  return use;
}

Estimate per_request_of(const ModelCost& cost, double per_request) {
  const Weights weights = weights_of(cost);
  if (weights.values.empty()) return {per_request, kNoNumber, kNoNumber, 0};
  const Estimate estimate = counted_estimate(weights.values, weights.counts);
  const double scale = per_request / estimate.value;
  if (!std::isfinite(scale)) return {per_request, kNoNumber, kNoNumber, estimate.n};
  return {per_request, std::max(0.0, estimate.lo * scale), estimate.hi * scale, estimate.n};
}

Estimate month_of_traffic(const ModelCost& cost, const Traffic& traffic, double volume, bool own_volume) {
  const Weights weights = weights_of(cost);
  const Estimate mean = counted_estimate(weights.values, weights.counts);
  const double scale = cost.use.mean / mean.value;  // from weights to seconds, or to the price
  if (!std::isfinite(scale))
    return {VolumeCost(cost.use, cost.use.mean).per_month(volume), kNoNumber, kNoNumber, mean.n};
  if (!own_volume || !covers_days(traffic.rows))
    return month_of(cost.use, {cost.use.mean, mean.lo * scale, mean.hi * scale, mean.n}, volume);
  ModelUse use = cost.use;
  for (const double weight : weights.values) use.per_sample.push_back(weight * scale);
  return month_by_days(use, traffic.rows, volume);
}

}  // namespace sizeup
