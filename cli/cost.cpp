// sizeup cost: what two models of a run cost by volume, and from where on one of them is the cheaper one.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>

#include "backends/model_reference.h"
#include "cli/command.h"
#include "cli/model_files.h"
#include "cli/table.h"
#include "cli/traffic.h"
#include "core/json/json.h"
#include "core/text/from_chars.h"
#include "harness/store/read.h"
#include "harness/store/store.h"
#include "reports/format.h"
#include "reports/report.h"

namespace sizeup::cli {
namespace {

struct CostCommand {
  std::string run;
  std::string baseline;
  std::string candidate;
  std::string db = "sizeup.db";
  double volume = 0.0;  // 0: the run file's
  std::vector<std::string> one_time;
  std::vector<std::string> monthly;
  std::vector<std::string> retraining;
  std::string requests;                 // a file of the user's own
  std::vector<std::string> tokenizers;  // MODEL=REF
  bool offline = false;
  bool json = false;
};

Error wrong(const std::string& option, const std::string& text, const std::string& form) {
  return {ErrorKind::usage, "", fmt::format("{} is '{:.100}'", option, text), form, ""};
}

std::optional<double> amount_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || std::isinf(value))
    return {};
  return value;
}

// NAME=AMOUNT.
Result<void> set_amounts(const std::vector<std::string>& texts, const std::string& option,
                         double RunningCosts::*amount, CostAssumptions& assumptions) {
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    const auto value =
        equals == std::string::npos ? std::nullopt : amount_of(std::string_view(text).substr(equals + 1));
    if (!value) return tl::unexpected<Error>(wrong(option, text, "MODEL=AMOUNT"));
    assumptions.running[text.substr(0, equals)].*amount = *value;
  }
  return {};
}

// NAME=AMOUNT/MONTHS.
Result<void> set_retraining(const std::vector<std::string>& texts, CostAssumptions& assumptions) {
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    const size_t slash = text.rfind('/');
    std::optional<double> cost;
    std::optional<double> months;
    if (equals != std::string::npos && slash != std::string::npos && slash > equals) {
      cost = amount_of(std::string_view(text).substr(equals + 1, slash - equals - 1));
      months = amount_of(std::string_view(text).substr(slash + 1));
    }
    if (!cost || months.value_or(0.0) <= 0) {
      return tl::unexpected<Error>(wrong("--retraining", text, "MODEL=AMOUNT/MONTHS"));
    }
    RunningCosts& costs = assumptions.running[text.substr(0, equals)];
    costs.retraining = *cost;
    costs.retraining_months = *months;
  }
  return {};
}

// Those that the run stored, with the command line's in their places.
Result<CostAssumptions> assumptions_of(const CostCommand& command, const Store& store) {
  Result<RunRow> run = find_run(store, command.run.empty() ? "latest" : command.run);
  if (!run) return forward_error(run);
  CostAssumptions out = read_stored_costs(run->settings).assumptions;
  if (command.volume > 0) out.volume = command.volume;
  if (auto set = set_amounts(command.one_time, "--one-time", &RunningCosts::one_time, out); !set)
    return forward_error(set);
  if (auto set = set_amounts(command.monthly, "--monthly", &RunningCosts::monthly, out); !set)
    return forward_error(set);
  if (auto set = set_retraining(command.retraining, out); !set) return forward_error(set);
  return out;
}

// What counts a model's tokens: the command line's, else its own files. An endpoint has none.
Result<std::map<std::string, std::string>> counters_of(const CostCommand& command, const Store& store,
                                                       int64_t run_id) {
  auto evaluations = read_evaluations(store, run_id);
  if (!evaluations) return forward_error(evaluations);
  std::map<std::string, std::string> counters;
  for (const EvaluationRow& evaluation : *evaluations) {
    const auto reference = ModelReference::parse(evaluation.model.reference);
    if (!reference || reference->scheme == "openai" || reference->scheme == "answers") continue;
    counters[evaluation.model.name] = evaluation.model.reference;
  }
  for (const std::string& text : command.tokenizers) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) return tl::unexpected<Error>(wrong("--tokenizer", text, "MODEL=REF"));
    counters[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return counters;
}

// The requests of the user's file, counted for every model that has a price.
Result<std::optional<Traffic>> traffic_of(const CostCommand& command, const Store& store) {
  if (command.requests.empty()) {
    if (command.tokenizers.empty()) return std::optional<Traffic>();
    return usage_error("--tokenizer counts the texts of --requests", "give both");
  }
  auto run = find_run(store, command.run.empty() ? "latest" : command.run);
  if (!run) return forward_error(run);
  auto counters = counters_of(command, store, run->id);
  if (!counters) return forward_error(counters);
  std::vector<std::string> models;
  for (const auto& [name, prices] : read_stored_costs(run->settings).prices) models.push_back(name);
  auto traffic = read_traffic({command.requests, std::move(*counters), command.offline}, models);
  if (!traffic) return forward_error(traffic);
  return std::optional(std::move(*traffic));
}

const std::string& name_of(const ReportData& data, int model) {
  return data.models[static_cast<size_t>(model)].name;
}

std::string money(const std::optional<double>& amount, const std::string& currency) {
  return amount ? format_money(*amount, currency) : std::string("unknown");
}

std::string interval(const Estimate& estimate, const std::string& currency) {
  if (!estimate.has_interval()) return std::string(kNone);
  return format_money(estimate.lo, currency) + "…" + format_money(estimate.hi, currency);
}

// `volume` 0: none is stated.
Table cost_table(const ReportData& data, double volume, bool of_traffic) {
  std::vector<std::string> headers{"model", "request", "95 % interval", "million tokens",
                                   "1,000 right answers"};
  if (volume > 0) headers.insert(headers.end(), {"machines", "month", "year"});
  if (volume > 0 && of_traffic) headers.insert(headers.end() - 1, "95\u00a0% interval");
  Table table(headers);
  for (const ReportCost& cost : data.cost) {
    if (cost.task >= 0 || (cost.model != data.candidate && cost.model != data.baseline)) continue;
    const Estimate& request = cost.per_request;
    std::vector<std::string> cells{
        name_of(data, cost.model),
        cost.per_1000 ? format_money(*cost.per_1000 / 1000.0, cost.currency) : "unknown",
        interval(request, cost.currency), money(cost.per_million_tokens, cost.currency),
        money(cost.per_1000_correct, cost.currency)};
    if (volume > 0 && cost.by_volume) {
      const std::optional<VolumeCost>& by_volume = cost.by_volume;
      const double month = by_volume->per_month(volume);
      cells.push_back(by_volume->capacity() ? format_count(by_volume->machines(volume)) : std::string(kNone));
      cells.push_back(format_money(month, cost.currency));
      if (of_traffic) cells.push_back(interval(cost.per_month, cost.currency));
      cells.push_back(format_money(12.0 * month, cost.currency));
    }
    cells.resize(headers.size(), std::string(kNone));
    table.add(std::move(cells));
  }
  return table;
}

Table assumption_table(const ReportData& data) {
  Table table({"model", "assumption", "value", "from"});
  for (const ReportAssumption& one : data.pair_cost->assumptions) {
    table.add({one.model < 0 ? "both" : name_of(data, one.model), one.what, one.value, one.from});
  }
  return table;
}

std::string joules(const std::optional<double>& value) {
  return value ? format_significant(*value) + " J" : "not measured";
}

Table energy_table(const ReportData& data) {
  Table table({"model", "energy of a token", "of a request", "of a right answer", "CO2 of 1,000 requests"});
  for (const ReportEnergy& energy : data.energy) {
    if (energy.model != data.candidate && energy.model != data.baseline) continue;
    table.add(
        {name_of(data, energy.model), joules(energy.joules_per_token), joules(energy.joules_per_request),
         joules(energy.joules_per_correct),
         energy.grams_per_1000 ? format_significant(*energy.grams_per_1000) + " g" : std::string(kNone)});
  }
  return table;
}

Outcome show_cost(const CostCommand& command) {
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto assumptions = assumptions_of(command, *store);
  if (!assumptions) return forward_error(assumptions);
  auto traffic = traffic_of(command, *store);
  if (!traffic) return forward_error(traffic);
  ReportOptions options;
  options.baseline = command.baseline;
  options.candidate = command.candidate;
  options.traffic = std::move(*traffic);
  if (options.traffic && command.volume <= 0) {
    if (const auto rate = requests_per_month(options.traffic->rows)) assumptions->volume = rate;
  }
  const double volume = assumptions->volume.value_or(0.0);
  options.cost = std::move(*assumptions);
  auto data = load_costs(*store, command.run, options);
  if (!data) return forward_error(data);
  if (command.json) {
    Json out = {{"schema", "sizeup.cost/1"}, {"run", data->run.name}};
    out["models"] = {{"small", name_of(*data, data->candidate)},
                     {"large", data->is_pair() ? Json(name_of(*data, data->baseline)) : Json(nullptr)}};
    out["cost"] = cost_to_json(*data);
    if (options.traffic)
      out["requests"] = {{"file", options.traffic->name}, {"count", options.traffic->requests()}};
    fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (data->cost.empty()) {
    return bad_input(command.db, fmt::format("the run '{}' has no prices", data->run.name),
                     "`prices:` in its run file",
                     "put them in and run it again: answers in the store are not asked again");
  }
  for (const std::string& warning : data->old_prices) fmt::print(stderr, "{}\n", warning);
  if (!data->pair_cost) {
    fmt::print("{}\nThere is no pair to compare: prices of two models, in one currency, are needed.\n",
               cost_table(*data, volume, options.traffic.has_value()).to_text());
    return 0;
  }
  fmt::print("{}\n{}\n{}\n", assumption_table(*data).to_text(),
             cost_table(*data, volume, options.traffic.has_value()).to_text(), energy_table(*data).to_text());
  fmt::print("small is {}, large is {}.\n", name_of(*data, data->candidate), name_of(*data, data->baseline));
  for (const std::string& sentence : break_even_sentences(*data)) fmt::print("{}\n", sentence);
  return 0;
}

}  // namespace

std::function<Outcome()> add_cost(CLI::App& app) {
  auto command = std::make_shared<CostCommand>();
  app.footer(
      "Prices and assumptions are those of the run file (keys `prices`, `price_file` and `cost`); amounts "
      "are in the\n"
      "currency of the prices.");
  app.add_option("run", command->run, "The run (default: the latest)");
  app.add_option("--baseline", command->baseline, "The model to compare with (default: the largest)");
  app.add_option("--candidate", command->candidate, "The model in question (default: the smallest)");
  app.add_option("--volume", command->volume, "Requests a month")->check(CLI::Range(1.0, 1e15));
  app.add_option(
      "--requests", command->requests,
      "Your own requests in place of the evaluation's samples: JSON lines with token counts or texts, "
      "\"count\" and\n\"time\" (docs/cost.md); - is standard input");
  app.add_option(
      "--tokenizer", command->tokenizers,
      "MODEL=REF that counts the texts of --requests for a model (default: its own, if it has files)");
  app.add_option("--one-time", command->one_time, "MODEL=AMOUNT to put it in place");
  app.add_option("--monthly", command->monthly, "MODEL=AMOUNT a month beside requests");
  app.add_option("--retraining", command->retraining, "MODEL=AMOUNT/MONTHS: so much every so many months");
  app.add_option("--db", command->db, "The store")->capture_default_str();
  add_offline(app, command->offline);
  app.add_flag("--json", command->json, "JSON instead of tables");
  return [command] { return show_cost(*command); };
}

}  // namespace sizeup::cli
