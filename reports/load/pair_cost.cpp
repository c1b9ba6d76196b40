// What requests cost by volume, and what that rests on.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/cost/price_date.h"
#include "reports/format.h"
#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

constexpr double kSecondsPerHour = 3600;
constexpr double kMillion = 1e6;

// What one model's samples took over all tasks, by (task, sample).
struct ModelTokens {
  std::map<std::pair<size_t, int64_t>, SampleTokens> samples;
  double input = 0.0;  // means
  double cached_input = 0.0;
  double output = 0.0;
};

Result<ModelTokens> tokens_of(const Store& store, const std::vector<Cell>& cells) {
  ModelTokens out;
  for (size_t task = 0; task < cells.size(); ++task) {
    if (!cells[task].present) continue;
    Result<std::vector<SampleTokens>> rows = read_sample_tokens(store, cells[task].evaluation.id);
    if (!rows) return forward_error(rows);
    for (const SampleTokens& row : *rows) {
      out.samples[{task, row.sample}] = row;
      out.input += static_cast<double>(row.input);
      out.cached_input += static_cast<double>(row.cached_input);
      out.output += static_cast<double>(row.output);
    }
  }
  const auto n = static_cast<double>(std::max<size_t>(1, out.samples.size()));
  out.input /= n;
  out.cached_input /= n;
  out.output /= n;
  return out;
}

struct ModelCost {
  Prices prices;  // none where the answers were recorded with their costs
  ModelTokens tokens;
  ModelUse use;
};

// In the proportion in which samples take a machine's time (by tokens, as a pass's time is shared out) or
// cost at an endpoint.
double weight_of(const Prices& prices, const SampleTokens& tokens) {
  if (prices.per_hour) return static_cast<double>(tokens.input + tokens.output);
  Usage usage;
  usage.input_tokens = tokens.input;
  usage.cached_input_tokens = tokens.cached_input;
  usage.output_tokens = tokens.output;
  return cost_of(prices, usage).total.value_or(0.0);
}

// The stored cost of a request is the mean; tokens say only how samples differ.
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

// Mean and t interval of what a request costs.
Estimate per_request_of(const ModelCost& cost, double per_request) {
  std::vector<double> weights;
  for (const auto& [key, tokens] : cost.tokens.samples) weights.push_back(weight_of(cost.prices, tokens));
  Estimate estimate = t_estimate(weights);
  const double scale = per_request / estimate.value;
  const auto n = static_cast<int64_t>(weights.size());
  if (!std::isfinite(scale)) return {per_request, kNoNumber, kNoNumber, n};
  return {per_request, std::max(0.0, estimate.lo * scale), estimate.hi * scale, n};
}

ReportCost* whole_run(ReportData& data, int model) {
  for (ReportCost& cost : data.cost) {
    if (cost.model == model && cost.task < 0) return &cost;
  }
  return nullptr;
}

// Samples of which both models have tokens.
void pair_samples(ModelCost& candidate, ModelCost& baseline) {
  for (const auto& [key, tokens] : candidate.tokens.samples) {
    const auto other = baseline.tokens.samples.find(key);
    if (other == baseline.tokens.samples.end()) continue;
    candidate.use.per_sample.push_back(weight_of(candidate.prices, tokens));
    baseline.use.per_sample.push_back(weight_of(baseline.prices, other->second));
  }
}

std::string per_million(double price, const std::string& currency) {
  return format_money(price, currency) + " a million";
}

class Assumptions {
 public:
  Assumptions(const ReportData& data, const StoredCosts& stored, const CostAssumptions& used,
              std::vector<ReportAssumption>& out)
      : data_(data), stored_(stored), used_(used), out_(out) {}

  void of_model(int model, const std::string& name, const ModelCost& cost, const ReportCost& row) const {
    const std::string from = origin(cost.prices);
    const std::string& currency = row.currency;
    if (row.by_volume->capacity()) {
      of_machine(model, cost.prices, from, currency);
      add(model, "time of a request", format_duration(1000.0 * cost.use.mean), measured(cost));
      add(model, "a machine answers at most",
          format_count(static_cast<int64_t>(*row.by_volume->capacity())) + " requests a month",
          "730 hours at that utilisation");
    } else if (cost.prices.per_million_input) {
      add(model, "input tokens", per_million(*cost.prices.per_million_input, currency), from);
      if (cost.prices.per_million_cached_input) {
        add(model, "cached input tokens", per_million(*cost.prices.per_million_cached_input, currency), from);
      }
      add(model, "output tokens", per_million(*cost.prices.per_million_output, currency), from);
    } else {
      add(model, "cost of a request", format_money(row.per_request.value, currency), clean_name(row.basis));
    }
    if (cost.tokens.input + cost.tokens.output > 0)
      add(model, "tokens of a request", tokens(cost), measured(cost));
    running(model, name, currency);
  }

  void of_both(const std::optional<double>& volume) const {
    if (!volume) return;
    add(-1, "requests a month", format_count(std::llround(*volume)),
        stored_.assumptions.volume == volume ? "run file" : "command line");
  }

 private:
  void add(int model, std::string what, std::string value, std::string from) const {
    out_.push_back({model, std::move(what), std::move(value), std::move(from)});
  }

  std::string origin(const Prices& prices) const {
    std::string out = clean_name(prices.entry.empty() ? std::string("run file") : prices.entry);
    if (!prices.date.empty()) out += ", " + price_date_text(prices.date, data_.run.created);
    if (!prices.source.empty()) out += ", " + clean_name(prices.source);
    return out;
  }

  static std::string measured(const ModelCost& cost) {
    return fmt::format("measured, mean of {} samples",
                       format_count(static_cast<int64_t>(cost.tokens.samples.size())));
  }

  static std::string tokens(const ModelCost& cost) {
    std::string out = format_significant(cost.tokens.input) + " input";
    if (cost.tokens.cached_input > 0) {
      out += fmt::format(" ({} of them cached)", format_significant(cost.tokens.cached_input));
    }
    return out + " + " + format_significant(cost.tokens.output) + " output";
  }

  void of_machine(int model, const Prices& prices, const std::string& from,
                  const std::string& currency) const {
    if (prices.own) {
      const OwnMachine& own = *prices.own;
      if (own.purchase > 0) {
        add(model, "purchase",
            fmt::format("{} over {:g} months", format_money(own.purchase, currency), own.lifetime_months),
            from);
      }
      if (own.watts > 0 || own.idle_watts.value_or(0.0) > 0) {
        const std::string idle =
            own.idle_watts ? fmt::format(", {:g}\u00a0W idle", *own.idle_watts) : std::string();
        add(model, "power",
            fmt::format("{:g}\u00a0W{} at {} a kWh", own.watts, idle,
                        format_money(own.price_per_kwh, currency)),
            from);
      }
      if (own.monthly > 0) add(model, "machine, monthly", format_money(own.monthly, currency), from);
    }
    add(model, "machine, always on", format_money(*prices.per_hour, currency) + " an hour",
        prices.own ? "worked out of these" : from);
    add(model, "utilisation", format_percent(prices.utilisation, 0),
        prices.utilisation < 1 ? "run file" : "none stated: always busy");
  }

  void running(int model, const std::string& name, const std::string& currency) const {
    const auto at = used_.running.find(name);
    if (at == used_.running.end()) return;
    const auto before = stored_.assumptions.running.find(name);
    const RunningCosts stored = before == stored_.assumptions.running.end() ? RunningCosts{} : before->second;
    const RunningCosts& used = at->second;
    const auto from = [](bool same) { return same ? "run file" : "command line"; };
    if (used.one_time > 0) {
      add(model, "one-time", format_money(used.one_time, currency), from(used.one_time == stored.one_time));
    }
    if (used.monthly > 0) {
      add(model, "monthly", format_money(used.monthly, currency), from(used.monthly == stored.monthly));
    }
    if (used.retraining_months > 0) {
      add(model, "retraining",
          fmt::format("{} every {:g} months", format_money(used.retraining, currency),
                      used.retraining_months),
          from(used.retraining == stored.retraining && used.retraining_months == stored.retraining_months));
    }
  }

  const ReportData& data_;
  const StoredCosts& stored_;
  const CostAssumptions& used_;
  std::vector<ReportAssumption>& out_;
};

bool paid_now_and_then(const RunningCosts& costs) {
  return costs.one_time > 0 || costs.retraining_months > 0;
}

Result<void> check_names(const RunContent& content, const CostAssumptions& assumptions) {
  for (const auto& [name, costs] : assumptions.running) {
    const bool known =
        std::any_of(content.models.begin(), content.models.end(),
                    [&, &wanted = name](const ModelRow& model) { return model.name == wanted; });
    if (known) continue;
    std::string names;
    for (const ModelRow& model : content.models) names += (names.empty() ? "" : ", ") + model.name;
    return tl::unexpected<Error>(
        {ErrorKind::usage, "",
         fmt::format("costs are given for '{:.100}', which the run does not have", name), "one of " + names,
         ""});
  }
  return {};
}

}  // namespace

Result<void> compare_costs(const Store& store, const RunContent& content, const ReportOptions& options,
                           ReportData& data) {
  const StoredCosts stored = read_stored_costs(content.run.settings);
  const CostAssumptions used = options.cost.value_or(stored.assumptions);
  if (auto checked = check_names(content, used); !checked) return checked;
  std::map<int, ModelCost> costs;
  for (size_t i = 0; i < content.models.size(); ++i) {
    const int model = static_cast<int>(i);
    ReportCost* row = whole_run(data, model);
    if (row == nullptr || !row->per_1000) continue;
    const std::string& name = content.models[i].name;
    ModelCost cost;
    if (const auto prices = stored.prices.find(name); prices != stored.prices.end())
      cost.prices = prices->second;
    if (row->basis == kRecordedCost) cost.prices = {};
    Result<ModelTokens> tokens = tokens_of(store, content.cells[i]);
    if (!tokens) return forward_error(tokens);
    cost.tokens = std::move(*tokens);
    const auto running = used.running.find(name);
    const double per_request = *row->per_1000 / 1000.0;
    cost.use =
        use_of(cost.prices, running == used.running.end() ? RunningCosts{} : running->second, per_request);
    row->per_request = per_request_of(cost, per_request);
    const double both = cost.tokens.input + cost.tokens.output;
    if (both > 0) row->per_million_tokens = per_request / both * kMillion;
    row->by_volume.emplace(cost.use, cost.use.mean);
    costs.emplace(model, std::move(cost));
  }
  if (!data.is_pair()) return {};
  const auto candidate = costs.find(data.candidate);
  const auto baseline = costs.find(data.baseline);
  if (candidate == costs.end() || baseline == costs.end()) return {};
  const ReportCost& small = *whole_run(data, data.candidate);
  const ReportCost& large = *whole_run(data, data.baseline);
  if (small.currency != large.currency) return {};

  pair_samples(candidate->second, baseline->second);
  const ModelUse& small_use = candidate->second.use;
  const ModelUse& large_use = baseline->second.use;
  ReportPairCost pair;
  pair.currency = small.currency;
  pair.volume = used.volume;
  pair.by_volume = break_even_volume(small_use, large_use);
  if (pair.volume && (paid_now_and_then(small_use.running) || paid_now_and_then(large_use.running))) {
    pair.by_month = break_even_month(small_use, large_use, *pair.volume);
  }
  const Assumptions assumptions(data, stored, used, pair.assumptions);
  assumptions.of_both(pair.volume);
  const auto& name_of = [&](int model) { return content.models[static_cast<size_t>(model)].name; };
  assumptions.of_model(data.candidate, name_of(data.candidate), candidate->second, small);
  assumptions.of_model(data.baseline, name_of(data.baseline), baseline->second, large);
  data.pair_cost = std::move(pair);
  return {};
}

}  // namespace sizeup
