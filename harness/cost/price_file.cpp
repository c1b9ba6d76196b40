#include "harness/cost/price_file.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "harness/cost/price_date.h"
#include "harness/decide/checked_yaml.h"
#include "tasks/yaml.h"

namespace sizeup {
namespace {

constexpr double kMostAmount = 1e9;
constexpr const char* kForm = "prices: {date: 2026-03-01, currency: EUR, endpoints: {...}, machines: {...}}";

double amount(const YamlNode& node, const std::string& key) {
  return number_of(node, key, 0.0, kMostAmount);
}

Prices read_endpoint(const YamlNode& node, const std::string& what) {
  constexpr std::array<std::string_view, 3> kKeys = {"per_million_input", "per_million_cached_input",
                                                     "per_million_output"};
  Prices prices;
  for (const YamlEntry& entry : entries_of(node, what, kKeys)) {
    const double price = amount(entry.value, entry.key);
    if (entry.key == "per_million_input") prices.per_million_input = price;
    if (entry.key == "per_million_cached_input") prices.per_million_cached_input = price;
    if (entry.key == "per_million_output") prices.per_million_output = price;
  }
  return prices;
}

Prices read_machine(const YamlNode& node, const std::string& what) {
  constexpr std::array<std::string_view, 7> kKeys = {
      "per_hour", "purchase", "lifetime_months", "watts", "idle_watts", "price_per_kwh", "monthly"};
  Prices prices;
  OwnMachine machine;
  bool own = false;
  for (const YamlEntry& entry : entries_of(node, what, kKeys)) {
    const double figure = amount(entry.value, entry.key);
    if (entry.key == "per_hour") {
      prices.per_hour = figure;
      continue;
    }
    own = true;
    if (entry.key == "purchase") machine.purchase = figure;
    if (entry.key == "lifetime_months") machine.lifetime_months = figure;
    if (entry.key == "watts") machine.watts = figure;
    if (entry.key == "idle_watts") machine.idle_watts = figure;
    if (entry.key == "price_per_kwh") machine.price_per_kwh = figure;
    if (entry.key == "monthly") machine.monthly = figure;
  }
  if (own) prices.own = machine;
  return prices;
}

std::map<std::string, Prices> read_entries(const YamlNode& node, const char* kind, const PriceFile& file,
                                           Prices (*read)(const YamlNode&, const std::string&)) {
  if (node.kind != YamlNode::Kind::map) {
    refuse(node, fmt::format("'{}s' is no mapping", kind), "names and their prices");
  }
  std::map<std::string, Prices> out;
  for (const YamlEntry& entry : node.entries) {
    const std::string what = fmt::format("{} '{:.100}'", kind, entry.key);
    Prices prices = read(entry.value, what);
    prices.currency = file.currency;
    prices.date = file.date;
    prices.source = file.source;
    prices.entry = fmt::format("{} {}", kind, entry.key);
    const Result<Prices> checked = check_prices(prices, entry.value.place);
    if (!checked) {
      refuse(entry.value, fmt::format("{}: {}", what, checked.error().message), checked.error().expected,
             checked.error().hint);
    }
    if (!checked->known())
      refuse(entry.value, what + " has no price", "per_hour, purchase or per_million_...");
    out[entry.key] = prices;  // a machine's price per hour depends on the utilisation that a run file gives
  }
  return out;
}

PriceFile read(const YamlNode& root, const std::string& name) {
  constexpr std::array<std::string_view, 1> kRoot = {"prices"};
  constexpr std::array<std::string_view, 5> kKeys = {"date", "currency", "source", "endpoints", "machines"};
  entries_of(root, "the file", kRoot);
  const YamlNode* prices = root.find("prices");
  if (prices == nullptr) refuse(root, "the file has no 'prices'", kForm);
  entries_of(*prices, "'prices'", kKeys);
  PriceFile file;
  file.name = name;
  for (const char* key : {"date", "currency"}) {
    if (prices->find(key) == nullptr) refuse(*prices, fmt::format("'prices' has no {}", key), kForm);
  }
  const YamlNode& date = *prices->find("date");
  file.date = text_of(date, "date");
  if (!is_date(file.date))
    refuse(date, fmt::format("'date' is '{:.60}'", file.date), "a day such as 2026-03-01");
  file.currency = text_of(*prices->find("currency"), "currency");
  if (const YamlNode* source = prices->find("source")) file.source = text_of(*source, "source");
  if (const YamlNode* endpoints = prices->find("endpoints")) {
    file.endpoints = read_entries(*endpoints, "endpoint", file, read_endpoint);
  }
  if (const YamlNode* machines = prices->find("machines")) {
    file.machines = read_entries(*machines, "machine", file, read_machine);
  }
  return file;
}

}  // namespace

Result<PriceFile> read_price_file(const std::filesystem::path& file) {
  return read_checked(read_yaml(file), file.filename().string(), read);
}

Result<PriceFile> parse_price_file(const std::string& yaml, const std::string& name) {
  return read_checked(parse_yaml(yaml, name), name, read);
}

}  // namespace sizeup
