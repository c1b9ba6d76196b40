// What requests cost by volume, and what that rests on.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/cost/price_date.h"
#include "reports/format.h"
#include "reports/load/load_parts.h"
#include "reports/load/model_cost.h"
#include "reports/text.h"

namespace sizeup {
namespace {

constexpr double kMillion = 1e6;

ReportCost* whole_run(ReportData& data, int model) {
  for (ReportCost& cost : data.cost) {
    if (cost.model == model && cost.task < 0) return &cost;
  }
  return nullptr;
}

// Samples of which both models have tokens.
void pair_samples(ModelCost& candidate, ModelCost& baseline) {
  for (const auto& [key, part] : candidate.tokens.parts) {
    const auto other = baseline.tokens.parts.find(key);
    if (other == baseline.tokens.parts.end()) continue;
    candidate.use.per_sample.push_back(weight_of(candidate.prices, part.tokens));
    candidate.use.counts.push_back(part.count);
    baseline.use.per_sample.push_back(weight_of(baseline.prices, other->second.tokens));
    baseline.use.counts.push_back(part.count);
  }
  const auto& counts = candidate.use.counts;
  if (std::all_of(counts.begin(), counts.end(), [](int64_t count) { return count == 1; })) {
    candidate.use.counts.clear();
    baseline.use.counts.clear();
  }
}

std::string per_million(double price, const std::string& currency) {
  return format_money(price, currency) + " a million";
}

class Assumptions {
 public:
  Assumptions(const ReportData& data, const StoredCosts& stored, const CostAssumptions& used,
              const std::optional<Traffic>& traffic, std::vector<ReportAssumption>& out)
      : data_(data), stored_(stored), used_(used), traffic_(traffic), out_(out) {}

  void of_model(int model, const std::string& name, const ModelCost& cost, const ReportCost& row) const {
    const std::string from = origin(cost.prices);
    const std::string& currency = row.currency;
    if (row.by_volume->capacity()) {
      of_machine(model, cost.prices, from, currency);
      add(model, "time of a request", format_duration(1000.0 * cost.use.mean),
          traffic_ ? std::string("measured time of a token") : basis_of_tokens(name, cost));
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
    if (cost.tokens.mean.input + cost.tokens.mean.output > 0)
      add(model, "tokens of a request", tokens(cost), basis_of_tokens(name, cost));
    running(model, name, currency);
  }

  void of_both(const std::optional<double>& volume) const {
    if (!volume) return;
    add(-1, "requests a month", format_count(std::llround(*volume)), origin_of_volume(*volume));
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

  std::string origin_of_volume(double volume) const {
    if (stored_.assumptions.volume == volume) return "run file";
    const bool own = traffic_ && requests_per_month(traffic_->rows) == volume;
    return own ? "rate of " + clean_name(traffic_->name) : "command line";
  }

  std::string basis_of_tokens(const std::string& name, const ModelCost& cost) const {
    if (!traffic_) return fmt::format("measured, mean of {} samples", format_count(cost.tokens.requests));
    const auto& rows = traffic_->tokens.at(name);
    const bool all_known =
        std::all_of(rows.begin(), rows.end(), [](const TrafficTokens& row) { return row.output; });
    return fmt::format("{}, mean of {} requests{}", clean_name(traffic_->name),
                       format_count(cost.tokens.requests),
                       all_known ? "" : "; output where it is not said: measured");
  }

  static std::string tokens(const ModelCost& cost) {
    const RequestTokens& mean = cost.tokens.mean;
    std::string out = format_significant(mean.input) + " input";
    if (mean.cached_input > 0)
      out += fmt::format(" ({} of them cached)", format_significant(mean.cached_input));
    return out + " + " + format_significant(mean.output) + " output";
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
  const std::optional<Traffic>& traffic_;
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

// The traffic in the place of the evaluation's samples: a machine takes as long for a token as it did there,
// an endpoint's tokens have their prices. Nothing where a cost was recorded and not worked out of prices.
std::optional<double> take_traffic(const Traffic& traffic, const std::string& name, double per_request,
                                   ModelCost& cost) {
  if (traffic.tokens.count(name) == 0) return std::nullopt;
  const double evaluated = weight_of(cost.prices, cost.tokens.mean);
  cost.tokens = tokens_of(traffic, name, cost.tokens.mean);
  const double wanted = weight_of(cost.prices, cost.tokens.mean);
  if (!cost.prices.per_hour) return wanted > 0 ? std::optional(wanted) : std::nullopt;
  return evaluated > 0 && wanted > 0 ? std::optional(per_request * wanted / evaluated) : std::nullopt;
}

// What the row says of the evaluation's requests, said of others that cost so much.
void scale(ReportCost& row, double per_request) {
  const double times = 1000.0 * per_request / *row.per_1000;
  row.per_1000 = 1000.0 * per_request;
  if (row.per_1000_correct) row.per_1000_correct = *row.per_1000_correct * times;
}

// The row of a model with everything that its tokens say; false where the cost of its requests is not known.
bool fill_row(const ReportOptions& options, const std::optional<double>& volume, const std::string& name,
              const RunningCosts& running, ModelCost& cost, ReportCost& row) {
  double per_request = *row.per_1000 / 1000.0;
  if (options.traffic) {
    const auto other = take_traffic(*options.traffic, name, per_request, cost);
    if (!other || !(per_request > 0)) {
      row.per_1000.reset();
      row.per_1000_correct.reset();
      return false;
    }
    per_request = *other;
    scale(row, per_request);
  }
  cost.use = use_of(cost.prices, running, per_request);
  row.per_request = per_request_of(cost, per_request);
  const double both = cost.tokens.mean.input + cost.tokens.mean.output;
  if (both > 0) row.per_million_tokens = per_request / both * kMillion;
  row.by_volume.emplace(cost.use, cost.use.mean);
  if (options.traffic && volume) {
    const bool own = requests_per_month(options.traffic->rows) == *volume;
    row.per_month = month_of_traffic(cost, *options.traffic, *volume, own);
  }
  return true;
}

}  // namespace

Result<void> compare_costs(const Store& store, const RunContent& content, const ReportOptions& options,
                           ReportData& data) {
  const StoredCosts stored = read_stored_costs(content.run.settings);
  const CostAssumptions used = options.cost.value_or(stored.assumptions);
  if (auto checked = check_names(content, used); !checked) return checked;
  data.old_prices = old_price_warnings(stored.prices, content.run.created_at);
  if (options.traffic) std::erase_if(data.cost, [](const ReportCost& cost) { return cost.task >= 0; });
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
    const RunningCosts beside = running == used.running.end() ? RunningCosts{} : running->second;
    if (fill_row(options, used.volume, name, beside, cost, *row)) costs.emplace(model, std::move(cost));
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
  const Assumptions assumptions(data, stored, used, options.traffic, pair.assumptions);
  assumptions.of_both(pair.volume);
  const auto& name_of = [&](int model) { return content.models[static_cast<size_t>(model)].name; };
  assumptions.of_model(data.candidate, name_of(data.candidate), candidate->second, small);
  assumptions.of_model(data.baseline, name_of(data.baseline), baseline->second, large);
  data.pair_cost = std::move(pair);
  return {};
}

}  // namespace sizeup
