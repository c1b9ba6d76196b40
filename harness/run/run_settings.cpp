#include "harness/run/run_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "backends/model_reference.h"
#include "core/io/file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "harness/cost/price_file.h"
#include "tasks/catalogue.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;  // a run file is written by hand

// Thrown inside this file only; parse_run_settings turns it into its Result.
struct Refused {
  Error error;
};

struct Reader {
  std::string place;
  std::filesystem::path folder;
  std::optional<PriceFile> price_file;  // that the run file names

  [[noreturn]] void refuse(const YAML::Node& node, std::string message, std::string expected,
                           std::string hint = {}) const {
    const YAML::Mark mark = node.Mark();
    std::string where = mark.is_null() ? place : fmt::format("{}:{}", place, mark.line + 1);
    throw Refused{
        {ErrorKind::bad_input, std::move(where), std::move(message), std::move(expected), std::move(hint)}};
  }

  template <class Value>
  Value scalar(const YAML::Node& node, const std::string& key, const char* expected) const {
    Value value{};
    if (!node.IsScalar() || !YAML::convert<Value>::decode(node, value)) {
      refuse(node, fmt::format("key '{}' has a value of the wrong kind", key), expected);
    }
    return value;
  }

  template <class Value>
  Value number(const YAML::Node& node, const std::string& key, Value lowest, Value highest) const {
    const std::string expected = fmt::format("a number from {} to {}", lowest, highest);
    const Value value = scalar<Value>(node, key, expected.c_str());
    if (!(value >= lowest && value <= highest)) {
      refuse(node, fmt::format("key '{}' is out of range: {}", key, value), expected);
    }
    return value;
  }

  std::string text(const YAML::Node& node, const std::string& key) const {
    return scalar<std::string>(node, key, "a text");
  }

  std::vector<std::string> texts(const YAML::Node& node, const std::string& key) const {
    if (node.IsScalar()) return {text(node, key)};
    if (!node.IsSequence())
      refuse(node, fmt::format("key '{}' has a value of the wrong kind", key), "a list of texts");
    std::vector<std::string> values;
    for (const YAML::Node& item : node) values.push_back(text(item, key));
    return values;
  }

  std::string joined(const std::string& path) const {
    if (path.empty() || folder.empty() || std::filesystem::path(path).is_absolute()) return path;
    return (folder / path).lexically_normal().string();
  }

  // A file in a model reference is relative to the run file; names of hubs and endpoints are no paths.
  std::string model(const YAML::Node& node, const std::string& text) const {
    Result<ModelReference> reference = ModelReference::parse(text);
    if (!reference) {
      refuse(node, fmt::format("key 'models': {}", reference.error().message), reference.error().expected,
             reference.error().hint);
    }
    if (reference->scheme != "file" && reference->scheme != "answers") return text;
    const size_t question = text.find('?');
    const size_t start = text.rfind(reference->target, question);
    require(start != std::string::npos, "the target of a model reference is part of its text");
    return text.substr(0, start) + joined(reference->target) + text.substr(start + reference->target.size());
  }

  // A data set of the hub has a name, which is no path.
  std::string data(const std::string& text) const {
    const std::string path = joined(text);
    OwnData named;
    named.file = text;
    const Result<std::optional<HubRows>> rows = hub_rows_of(named);
    std::error_code ignored;
    return rows && *rows && !std::filesystem::exists(path, ignored) ? text : path;
  }

  // A task is a file when it looks like one; everything else is a built-in name.
  std::string task(const std::string& text) const { return looks_like_path(text) ? joined(text) : text; }
};

// One key of a mapping that becomes a T.
template <class T>
struct Key {
  const char* name;
  void (*read)(const Reader&, const YAML::Node&, T&);
};

template <class T>
void read_mapping(const Reader& reader, const YAML::Node& mapping, std::span<const Key<T>> keys, T& into) {
  if (!mapping.IsMap()) reader.refuse(mapping, "not a mapping", "lines of 'key: value'");
  std::vector<std::string> seen;
  for (const auto& item : mapping) {
    const std::string name = reader.scalar<std::string>(item.first, "", "a key");
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key<T>& key) { return key.name == name; });
    if (known == keys.end()) {
      std::vector<std::string> names;
      for (const Key<T>& key : keys) names.emplace_back(key.name);
      const std::string hint = did_you_mean(name, names);
      reader.refuse(item.first, fmt::format("unknown key '{:.100}'", name),
                    hint.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : "", hint);
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      reader.refuse(item.first, fmt::format("key '{}' is given twice", name), "each key once");
    }
    seen.push_back(name);
    if (!item.second.IsNull()) known->read(reader, item.second, into);
  }
}

constexpr double kMaxPrice = 1e9;

// A model's prices as they are written: numbers, or the name of an entry of the price file.
struct PriceEntry {
  Prices prices;
  std::string machine;
  std::string endpoint;
};

double price(const Reader& reader, const YAML::Node& node, const char* key) {
  return reader.number(node, key, 0.0, kMaxPrice);
}

OwnMachine& machine_of(PriceEntry& entry) {
  if (!entry.prices.own) entry.prices.own.emplace();
  return *entry.prices.own;
}

using Entry = PriceEntry;

constexpr std::array<Key<PriceEntry>, 17> kPriceKeys{{
    {"currency",
     [](const Reader& r, const YAML::Node& n, Entry& e) { e.prices.currency = r.text(n, "currency"); }},
    {"per_hour",
     [](const Reader& r, const YAML::Node& n, Entry& e) { e.prices.per_hour = price(r, n, "per_hour"); }},
    {"utilisation", [](const Reader& r, const YAML::Node& n,
                       Entry& e) { e.prices.utilisation = r.number(n, "utilisation", 0.0, 1.0); }},
    {"per_million_input", [](const Reader& r, const YAML::Node& n,
                             Entry& e) { e.prices.per_million_input = price(r, n, "per_million_input"); }},
    {"per_million_cached_input",
     [](const Reader& r, const YAML::Node& n, Entry& e) {
       e.prices.per_million_cached_input = price(r, n, "per_million_cached_input");
     }},
    {"per_million_output", [](const Reader& r, const YAML::Node& n,
                              Entry& e) { e.prices.per_million_output = price(r, n, "per_million_output"); }},
    {"purchase", [](const Reader& r, const YAML::Node& n,
                    Entry& e) { machine_of(e).purchase = price(r, n, "purchase"); }},
    {"lifetime_months", [](const Reader& r, const YAML::Node& n,
                           Entry& e) { machine_of(e).lifetime_months = price(r, n, "lifetime_months"); }},
    {"watts",
     [](const Reader& r, const YAML::Node& n, Entry& e) { machine_of(e).watts = price(r, n, "watts"); }},
    {"idle_watts", [](const Reader& r, const YAML::Node& n,
                      Entry& e) { machine_of(e).idle_watts = price(r, n, "idle_watts"); }},
    {"price_per_kwh", [](const Reader& r, const YAML::Node& n,
                         Entry& e) { machine_of(e).price_per_kwh = price(r, n, "price_per_kwh"); }},
    {"monthly",
     [](const Reader& r, const YAML::Node& n, Entry& e) { machine_of(e).monthly = price(r, n, "monthly"); }},
    {"machine", [](const Reader& r, const YAML::Node& n, Entry& e) { e.machine = r.text(n, "machine"); }},
    {"endpoint", [](const Reader& r, const YAML::Node& n, Entry& e) { e.endpoint = r.text(n, "endpoint"); }},
    {"entry", [](const Reader& r, const YAML::Node& n, Entry& e) { e.prices.entry = r.text(n, "entry"); }},
    {"date", [](const Reader& r, const YAML::Node& n, Entry& e) { e.prices.date = r.text(n, "date"); }},
    {"source", [](const Reader& r, const YAML::Node& n, Entry& e) { e.prices.source = r.text(n, "source"); }},
}};

// The prices of an entry: its own, or those that it names in the price file.
Prices named_prices(const Reader& reader, const YAML::Node& node, const PriceEntry& entry) {
  if (entry.machine.empty() && entry.endpoint.empty()) return entry.prices;
  const bool machine = !entry.machine.empty();
  const std::string& name = machine ? entry.machine : entry.endpoint;
  Prices only_utilisation;
  only_utilisation.utilisation = entry.prices.utilisation;
  if ((machine && !entry.endpoint.empty()) || to_json(entry.prices) != to_json(only_utilisation)) {
    reader.refuse(node, fmt::format("prices beside the name '{:.100}'", name),
                  "{machine: NAME}, {endpoint: NAME}, with or without a utilisation, or prices alone");
  }
  if (!reader.price_file) {
    reader.refuse(node, fmt::format("'{:.100}' is named, but no price file", name),
                  "a line 'price_file: FILE'");
  }
  const auto& entries = machine ? reader.price_file->machines : reader.price_file->endpoints;
  const auto found = entries.find(name);
  if (found == entries.end()) {
    std::vector<std::string> names;
    for (const auto& [known, prices] : entries) names.push_back(known);
    reader.refuse(node,
                  fmt::format("{} has no {} '{:.100}'", reader.price_file->name,
                              machine ? "machine" : "endpoint", name),
                  names.empty() ? "" : fmt::format("one of {}", fmt::join(names, ", ")),
                  did_you_mean(name, names));
  }
  Prices prices = found->second;
  prices.utilisation = entry.prices.utilisation;
  return prices;
}

void read_prices(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  if (!node.IsMap())
    reader.refuse(node, "key 'prices' has a value of the wrong kind", "'model name: {per_hour: ...}'");
  for (const auto& item : node) {
    const std::string model = reader.text(item.first, "prices");
    PriceEntry entry;
    read_mapping<PriceEntry>(reader, item.second, kPriceKeys, entry);
    Result<Prices> checked = check_prices(named_prices(reader, item.first, entry), reader.place);
    if (!checked) {
      reader.refuse(item.first, fmt::format("prices of '{}': {}", model, checked.error().message),
                    checked.error().expected, checked.error().hint);
    }
    settings.prices[model] = *checked;
  }
}

// Models and an amount for each.
template <class Read>
void read_by_model(const Reader& reader, const YAML::Node& node, const std::string& key, const Read& read) {
  if (!node.IsMap())
    reader.refuse(node, fmt::format("key '{}' has a value of the wrong kind", key), "'model name: ...'");
  for (const auto& item : node) read(reader.text(item.first, key), item.second);
}

constexpr std::array<Key<RunningCosts>, 2> kRetrainingKeys{{
    {"cost", [](const Reader& r, const YAML::Node& n,
                RunningCosts& c) { c.retraining = r.number(n, "cost", 0.0, kMaxPrice); }},
    {"every_months", [](const Reader& r, const YAML::Node& n,
                        RunningCosts& c) { c.retraining_months = r.number(n, "every_months", 0.1, 1200.0); }},
}};

constexpr std::array<Key<CostAssumptions>, 5> kCostKeys{{
    {"volume", [](const Reader& r, const YAML::Node& n,
                  CostAssumptions& c) { c.volume = r.number(n, "volume", 1.0, 1e15); }},
    {"one_time",
     [](const Reader& r, const YAML::Node& n, CostAssumptions& c) {
       read_by_model(r, n, "one_time", [&](const std::string& model, const YAML::Node& value) {
         c.running[model].one_time = r.number(value, "one_time", 0.0, kMaxPrice);
       });
     }},
    {"monthly",
     [](const Reader& r, const YAML::Node& n, CostAssumptions& c) {
       read_by_model(r, n, "monthly", [&](const std::string& model, const YAML::Node& value) {
         c.running[model].monthly = r.number(value, "monthly", 0.0, kMaxPrice);
       });
     }},
    {"retraining",
     [](const Reader& r, const YAML::Node& n, CostAssumptions& c) {
       read_by_model(r, n, "retraining", [&](const std::string& model, const YAML::Node& value) {
         RunningCosts& costs = c.running[model];
         read_mapping<RunningCosts>(r, value, kRetrainingKeys, costs);
         if (costs.retraining_months <= 0)
           r.refuse(value, "retraining without its months", "{cost: 200, every_months: 6}");
       });
     }},
    {"grid_g_per_kwh",
     [](const Reader& r, const YAML::Node& n, CostAssumptions& c) {
       c.grid_g_per_kwh = r.number(n, "grid_g_per_kwh", 0.0, 10'000.0);
     }},
}};

void read_cost(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  read_mapping<CostAssumptions>(reader, node, kCostKeys, settings.cost);
}

constexpr std::array<std::pair<const char*, ProtocolChoice>, 3> kProtocols{{
    {"auto", ProtocolChoice::automatic},
    {"likelihood", ProtocolChoice::likelihood},
    {"generative", ProtocolChoice::generative},
}};

void read_protocol(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  const std::string text = reader.text(node, "protocol");
  for (const auto& [name, choice] : kProtocols) {
    if (text != name) continue;
    settings.protocol = choice;
    return;
  }
  reader.refuse(node, fmt::format("key 'protocol' has the unknown value '{:.100}'", text),
                "auto, likelihood or generative");
}

void read_scenario(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  Result<Scenario> scenario = parse_scenario(reader.text(node, "scenario"));
  if (!scenario)
    reader.refuse(node, "key 'scenario': " + scenario.error().message, scenario.error().expected);
  settings.scenario = *scenario;
}

constexpr double kMaxMilliseconds = 1e9;
constexpr std::array<Key<LatencyLimits>, 3> kLimitKeys{{
    {"ttft_ms", [](const Reader& r, const YAML::Node& n,
                   LatencyLimits& l) { l.ttft = r.number(n, "limits.ttft_ms", 0.0, kMaxMilliseconds); }},
    {"tpot_ms", [](const Reader& r, const YAML::Node& n,
                   LatencyLimits& l) { l.tpot = r.number(n, "limits.tpot_ms", 0.0, kMaxMilliseconds); }},
    {"total_ms", [](const Reader& r, const YAML::Node& n,
                    LatencyLimits& l) { l.total = r.number(n, "limits.total_ms", 0.0, kMaxMilliseconds); }},
}};

void read_limits(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  read_mapping<LatencyLimits>(reader, node, kLimitKeys, settings.limits);
}

void read_models(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  for (const std::string& text : reader.texts(node, "models"))
    settings.models.push_back(reader.model(node, text));
}

void read_tasks(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  for (const std::string& text : reader.texts(node, "tasks")) settings.tasks.push_back(reader.task(text));
}

constexpr std::array<Key<OwnData>, 10> kDataKeys{{
    {"file",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.file = r.data(r.text(n, "data.file")); }},
    {"dataset_name", [](const Reader& r, const YAML::Node& n,
                        OwnData& d) { d.dataset_name = r.text(n, "data.dataset_name"); }},
    {"test_split",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.test_split = r.text(n, "data.test_split"); }},
    {"input", [](const Reader& r, const YAML::Node& n, OwnData& d) { d.input = r.text(n, "data.input"); }},
    {"target", [](const Reader& r, const YAML::Node& n, OwnData& d) { d.target = r.text(n, "data.target"); }},
    {"choices",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.choices = r.texts(n, "data.choices"); }},
    {"metrics",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.metrics = r.texts(n, "data.metrics"); }},
    {"schema",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.schema = r.joined(r.text(n, "data.schema")); }},
    {"grounding",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.grounding = r.text(n, "data.grounding"); }},
    {"slices",
     [](const Reader& r, const YAML::Node& n, OwnData& d) { d.slices = r.texts(n, "data.slices"); }},
}};

// A data file's name, or a mapping with what is known of it.
void read_data(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  OwnData data;
  if (node.IsScalar()) {
    data.file = reader.data(reader.text(node, "data"));
  } else {
    read_mapping<OwnData>(reader, node, kDataKeys, data);
    if (data.file.empty()) reader.refuse(node, "key 'data' names no file", "data: {file: NAME}");
  }
  settings.data = std::move(data);
}

void read_samples(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  constexpr const char* kForm = "'task name: [0, 5, 7]'";
  constexpr int64_t kMaxRow = int64_t{1} << 40;
  if (!node.IsMap()) reader.refuse(node, "key 'samples' has a value of the wrong kind", kForm);
  for (const auto& item : node) {
    if (!item.second.IsSequence() || item.second.size() == 0)
      reader.refuse(item.second, "key 'samples' names no documents", kForm);
    std::vector<int64_t>& rows = settings.samples[reader.text(item.first, "samples")];
    rows.clear();
    for (const YAML::Node& row : item.second)
      rows.push_back(reader.number<int64_t>(row, "samples", 0, kMaxRow));
  }
}

void read_judges(const Reader& reader, const YAML::Node& node, RunSettings& settings) {
  if (!node.IsMap()) reader.refuse(node, "key 'judges' has a value of the wrong kind", "'task name: JSON'");
  for (const auto& item : node)
    settings.judges[reader.text(item.first, "judges")] = reader.text(item.second, "judges");
}

using Settings = RunSettings;
constexpr int64_t kMaxCount = int64_t{1} << 40;
constexpr int kMaxSmall = 1 << 20;

// The seed is a column of signed 64-bit integers in the store.
constexpr uint64_t kMaxSeed = std::numeric_limits<int64_t>::max();

constexpr std::array<Key<RunSettings>, 31> kKeys{{
    {"name", [](const Reader& r, const YAML::Node& n, Settings& s) { s.name = r.text(n, "name"); }},
    {"models", read_models},
    {"tasks", read_tasks},
    {"data", read_data},
    {"limit", [](const Reader& r, const YAML::Node& n,
                 Settings& s) { s.limit = r.number<int64_t>(n, "limit", 0, kMaxCount); }},
    {"num_fewshot", [](const Reader& r, const YAML::Node& n,
                       Settings& s) { s.num_fewshot = r.number(n, "num_fewshot", 0, 1000); }},
    {"max_bad_rows",
     [](const Reader& r, const YAML::Node& n, Settings& s) {
       s.max_bad_rows = r.number<int64_t>(n, "max_bad_rows", 0, kMaxCount);
     }},
    {"data_dir",
     [](const Reader& r, const YAML::Node& n, Settings& s) { s.data_dir = r.joined(r.text(n, "data_dir")); }},
    {"db", [](const Reader& r, const YAML::Node& n, Settings& s) { s.db = r.joined(r.text(n, "db")); }},
    {"protocol", read_protocol},
    {"apply_chat_template",
     [](const Reader& r, const YAML::Node& n, Settings& s) {
       s.apply_chat_template = r.scalar<bool>(n, "apply_chat_template", "true or false");
     }},
    {"system_instruction", [](const Reader& r, const YAML::Node& n,
                              Settings& s) { s.system_instruction = r.text(n, "system_instruction"); }},
    {"gen_prefix",
     [](const Reader& r, const YAML::Node& n, Settings& s) { s.gen_prefix = r.text(n, "gen_prefix"); }},
    {"fewshot_as_multiturn",
     [](const Reader& r, const YAML::Node& n, Settings& s) {
       s.fewshot_as_multiturn = r.scalar<bool>(n, "fewshot_as_multiturn", "true or false");
     }},
    {"samples", read_samples},
    {"think_end",
     [](const Reader& r, const YAML::Node& n, Settings& s) { s.think_end = r.text(n, "think_end"); }},
    {"seed", [](const Reader& r, const YAML::Node& n,
                Settings& s) { s.seed = r.number<uint64_t>(n, "seed", 0, kMaxSeed); }},
    {"now", [](const Reader& r, const YAML::Node& n, Settings& s) { s.now = r.text(n, "now"); }},
    {"prices", read_prices},
    {"price_file", [](const Reader&, const YAML::Node&, Settings&) {}},  // read before the prices
    {"cost", read_cost},
    {"latency_samples",
     [](const Reader& r, const YAML::Node& n, Settings& s) {
       s.latency_samples = r.number(n, "latency_samples", 0, kMaxSmall);
     }},
    {"scenario", read_scenario},
    {"limits", read_limits},
    {"threads", [](const Reader& r, const YAML::Node& n,
                   Settings& s) { s.threads = r.number(n, "threads", 0, kMaxSmall); }},
    {"durable", [](const Reader& r, const YAML::Node& n,
                   Settings& s) { s.durable = r.scalar<bool>(n, "durable", "true or false"); }},
    {"no_text", [](const Reader& r, const YAML::Node& n,
                   Settings& s) { s.no_text = r.scalar<bool>(n, "no_text", "true or false"); }},
    {"redact", [](const Reader& r, const YAML::Node& n, Settings& s) { s.redact = r.texts(n, "redact"); }},
    {"redact_sha256",
     [](const Reader& r, const YAML::Node& n, Settings& s) { s.redact_sha256 = r.text(n, "redact_sha256"); }},
    {"judges", read_judges},
    {"judging", [](const Reader& r, const YAML::Node& n, Settings& s) { s.judging = r.text(n, "judging"); }},
}};

Json to_json(const LatencyLimits& limits) {
  Json json = Json::object();
  if (limits.ttft) json["ttft_ms"] = *limits.ttft;
  if (limits.tpot) json["tpot_ms"] = *limits.tpot;
  if (limits.total) json["total_ms"] = *limits.total;
  return json;
}

Json to_json(const OwnData& data) {
  return {{"file", data.file.string()},    {"dataset_name", data.dataset_name},
          {"test_split", data.test_split}, {"input", data.input},
          {"target", data.target},         {"choices", data.choices},
          {"metrics", data.metrics},       {"schema", data.schema.string()},
          {"grounding", data.grounding},   {"slices", data.slices}};
}

}  // namespace

Result<RunSettings> read_run_file(const std::filesystem::path& file) {
  Result<std::string> text = read_file(file, kMaxFileBytes);
  if (!text) return forward_error(text);
  return parse_run_settings(*text, file.string(), file.parent_path());
}

Result<RunSettings> parse_run_settings(std::string_view yaml, const std::string& place,
                                       const std::filesystem::path& folder) {
  Reader reader{place, folder, {}};
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (const YAML::Node file = root.IsMap() ? root["price_file"] : YAML::Node(); file && !file.IsNull()) {
      Result<PriceFile> prices = read_price_file(reader.joined(reader.text(file, "price_file")));
      if (!prices) return forward_error(prices);
      reader.price_file = std::move(*prices);
    }
    RunSettings settings;
    settings.db = reader.joined(settings.db.string());
    read_mapping<RunSettings>(reader, root, kKeys, settings);
    return settings;
  } catch (const Refused& refused) {
    return tl::unexpected<Error>(refused.error);
  } catch (const YAML::Exception& error) {
    return bad_input(fmt::format("{}:{}", place, error.mark.line + 1),
                     fmt::format("not valid YAML: {}", error.msg), "a run file: lines of 'key: value'");
  }
}

std::string hash_of_patterns(const std::vector<std::string>& patterns) {
  return patterns.empty() ? "" : sha256_hex(to_line(Json(patterns)));
}

std::string to_run_file(const RunSettings& settings) {
  Json json = {{"models", settings.models},
               {"tasks", settings.tasks},
               {"limit", settings.limit},
               {"max_bad_rows", settings.max_bad_rows},
               {"db", settings.db.string()},
               {"seed", settings.seed},
               {"latency_samples", settings.latency_samples},
               {"scenario", name_of(settings.scenario)},
               {"threads", settings.threads},
               {"durable", settings.durable}};
  if (!settings.name.empty()) json["name"] = settings.name;
  if (settings.limits.any()) json["limits"] = to_json(settings.limits);
  if (!settings.data_dir.empty()) json["data_dir"] = settings.data_dir.string();
  if (settings.data) json["data"] = to_json(*settings.data);
  if (settings.num_fewshot) json["num_fewshot"] = *settings.num_fewshot;
  for (const auto& [name, choice] : kProtocols) {
    if (settings.protocol == choice) json["protocol"] = name;
  }
  if (settings.apply_chat_template) json["apply_chat_template"] = *settings.apply_chat_template;
  if (!settings.system_instruction.empty()) json["system_instruction"] = settings.system_instruction;
  if (settings.gen_prefix) json["gen_prefix"] = *settings.gen_prefix;
  if (settings.fewshot_as_multiturn) json["fewshot_as_multiturn"] = true;
  if (!settings.samples.empty()) json["samples"] = settings.samples;
  if (!settings.think_end.empty()) json["think_end"] = settings.think_end;
  if (!settings.now.empty()) json["now"] = settings.now;
  if (settings.no_text) json["no_text"] = true;
  if (!settings.redact.empty()) json["redact_sha256"] = hash_of_patterns(settings.redact);
  if (!settings.judges.empty()) json["judges"] = settings.judges;
  if (!settings.judging.empty()) json["judging"] = settings.judging;
  for (const auto& [model, prices] : settings.prices) json["prices"][model] = to_json(prices);
  if (settings.cost.any()) json["cost"] = to_json(settings.cost);
  return to_line(json);
}

}  // namespace sizeup
