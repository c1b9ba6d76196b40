#include "harness/cost/assumptions.h"

#include <array>
#include <set>
#include <utility>

#include "core/json/json.h"
#include "harness/cost/price_date.h"

namespace sizeup {
namespace {

// The optional numbers of a price, by the names that run files give them.
constexpr std::array<std::pair<const char*, std::optional<double> Prices::*>, 4> kPrices{{
    {"per_hour", &Prices::per_hour},
    {"per_million_input", &Prices::per_million_input},
    {"per_million_cached_input", &Prices::per_million_cached_input},
    {"per_million_output", &Prices::per_million_output},
}};

constexpr std::array<std::pair<const char*, double OwnMachine::*>, 5> kMachine{{
    {"purchase", &OwnMachine::purchase},
    {"lifetime_months", &OwnMachine::lifetime_months},
    {"watts", &OwnMachine::watts},
    {"price_per_kwh", &OwnMachine::price_per_kwh},
    {"monthly", &OwnMachine::monthly},
}};

constexpr std::array<std::pair<const char*, std::string Prices::*>, 4> kTexts{{
    {"currency", &Prices::currency},
    {"entry", &Prices::entry},
    {"date", &Prices::date},
    {"source", &Prices::source},
}};

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}

std::optional<double> number_at(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

Prices prices_from(const Json& json) {
  Prices prices;
  for (const auto& [name, text] : kTexts) {
    const Json* value = member(json, name);
    if (value != nullptr && value->is_string()) prices.*text = value->get<std::string>();
  }
  for (const auto& [name, price] : kPrices) prices.*price = number_at(json, name);
  prices.utilisation = number_at(json, "utilisation").value_or(1.0);
  OwnMachine machine;
  bool own = false;
  for (const auto& [name, figure] : kMachine) {
    const std::optional<double> value = number_at(json, name);
    own = own || value;
    machine.*figure = value.value_or(0.0);
  }
  machine.idle_watts = number_at(json, "idle_watts");
  if (own) prices.own = machine;
  return prices;
}

CostAssumptions assumptions_from(const Json& json) {
  CostAssumptions out;
  out.volume = number_at(json, "volume");
  out.grid_g_per_kwh = number_at(json, "grid_g_per_kwh");
  const auto each_model = [&](const char* key, const auto& read) {
    const Json* models = member(json, key);
    if (models == nullptr || !models->is_object()) return;
    for (const auto& [model, value] : models->items()) read(out.running[model], value);
  };
  each_model("one_time", [](RunningCosts& costs, const Json& value) {
    if (value.is_number()) costs.one_time = value.get<double>();
  });
  each_model("monthly", [](RunningCosts& costs, const Json& value) {
    if (value.is_number()) costs.monthly = value.get<double>();
  });
  each_model("retraining", [](RunningCosts& costs, const Json& value) {
    costs.retraining = number_at(value, "cost").value_or(0.0);
    costs.retraining_months = number_at(value, "every_months").value_or(0.0);
  });
  return out;
}

}  // namespace

Json to_json(const Prices& prices) {
  Json json = {{"currency", prices.currency}, {"utilisation", prices.utilisation}};
  for (const auto& [name, price] : kPrices) {
    // A machine's price per hour follows from its figures.
    if (prices.*price && !(prices.own && price == &Prices::per_hour)) json[name] = *(prices.*price);
  }
  if (prices.own) {
    for (const auto& [name, figure] : kMachine) json[name] = (*prices.own).*figure;
    if (prices.own->idle_watts) json["idle_watts"] = *prices.own->idle_watts;
  }
  for (const auto& [name, text] : kTexts) {
    if (!(prices.*text).empty()) json[name] = prices.*text;
  }
  return json;
}

Json to_json(const CostAssumptions& assumptions) {
  Json json = Json::object();
  if (assumptions.volume) json["volume"] = *assumptions.volume;
  for (const auto& [model, costs] : assumptions.running) {
    if (costs.one_time > 0) json["one_time"][model] = costs.one_time;
    if (costs.monthly > 0) json["monthly"][model] = costs.monthly;
    if (costs.retraining_months > 0) {
      json["retraining"][model] = {{"cost", costs.retraining}, {"every_months", costs.retraining_months}};
    }
  }
  if (assumptions.grid_g_per_kwh) json["grid_g_per_kwh"] = *assumptions.grid_g_per_kwh;
  return json;
}

StoredCosts read_stored_costs(const std::string& settings) {
  StoredCosts out;
  const Result<Json> json = parse_json(settings, "settings");
  if (!json) return out;
  if (const Json* prices = member(*json, "prices"); prices != nullptr && prices->is_object()) {
    for (const auto& [model, price] : prices->items()) {
      if (Result<Prices> checked = check_prices(prices_from(price), model)) out.prices[model] = *checked;
    }
  }
  if (const Json* cost = member(*json, "cost")) out.assumptions = assumptions_from(*cost);
  return out;
}

std::vector<std::string> old_price_warnings(const std::map<std::string, Prices>& prices,
                                            const std::string& now) {
  std::set<std::string> dates;
  for (const auto& [model, price] : prices) dates.insert(price.date);
  std::vector<std::string> warnings;
  for (const std::string& date : dates) {
    if (auto warning = old_price_warning(date, now)) warnings.push_back(std::move(*warning));
  }
  return warnings;
}

}  // namespace sizeup
