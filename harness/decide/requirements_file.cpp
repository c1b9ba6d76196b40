#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "harness/decide/checked_yaml.h"
#include "harness/decide/requirements.h"
#include "tasks/yaml.h"

namespace sizeup {
namespace {

struct Range {
  double lowest;
  double highest;
};

constexpr Range kMargin = {1e-6, 1.0};
constexpr Range kScore = {-1e15, 1e15};  // a headline may be any number, such as a perplexity
constexpr Range kAmount = {1e-9, 1e15};

double number(const YamlNode& node, const std::string& key, const Range& range) {
  return number_of(node, key, range.lowest, range.highest);
}

// One number for every task, or a mapping of task to number.
void read_by_task(const YamlNode& node, const std::string& key, const Range& range,
                  std::optional<double>& all, std::map<std::string, double>& by_task) {
  if (node.kind != YamlNode::Kind::map) {
    all = number(node, key, range);
    return;
  }
  for (const YamlEntry& entry : node.entries) by_task[entry.key] = number(entry.value, entry.key, range);
}

MonthlyBudget read_cost(const YamlNode& node) {
  constexpr std::array<std::string_view, 3> kKeys = {"per_month", "currency", "requests_per_month"};
  entries_of(node, "'cost'", kKeys);
  for (const std::string_view key : kKeys) {
    if (node.find(key) != nullptr) continue;
    refuse(node, fmt::format("'cost' has no {}", key),
           "cost: {per_month: 500, currency: EUR, requests_per_month: 100000}");
  }
  return {number(*node.find("per_month"), "per_month", kAmount), text_of(*node.find("currency"), "currency"),
          number(*node.find("requests_per_month"), "requests_per_month", kAmount)};
}

// "8 GB", "512MB" or a number of bytes. Powers of 1,000, as file sizes and memory are printed.
int64_t read_memory(const YamlNode& node) {
  constexpr const char* kForm = "a size such as 8 GB or 512 MB, or a number of bytes";
  constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
      {{"B", 1.0}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}}};
  constexpr double kMost = 1e15;
  double bytes = node.real;
  if (node.kind == YamlNode::Kind::text) {
    const size_t end = std::min(node.text.find_first_not_of("0123456789."), node.text.size());
    const size_t unit_begin = std::min(node.text.find_first_not_of(' ', end), node.text.size());
    const std::string_view unit = std::string_view(node.text).substr(unit_begin);
    const auto known =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& entry) { return entry.first == unit; });
    const Result<YamlNode> amount = parse_yaml(node.text.substr(0, end), node.place);
    if (known == kUnits.end() || !amount) refuse(node, fmt::format("'memory' is '{:.60}'", node.text), kForm);
    bytes = amount->real * known->second;
  } else if (node.kind != YamlNode::Kind::integer && node.kind != YamlNode::Kind::real) {
    refuse(node, "'memory' is no size", kForm);
  }
  if (!(bytes >= 1.0 && bytes <= kMost)) refuse(node, fmt::format("'memory' is '{:.60}'", node.text), kForm);
  return static_cast<int64_t>(bytes);
}

bool read_flag(const YamlNode& node, const std::string& key) {
  if (node.kind != YamlNode::Kind::boolean)
    refuse(node, fmt::format("'{}' is '{:.60}'", key, node.text), "true or false");
  return node.boolean;
}

Preference read_preference(const YamlNode& node) {
  const std::string name = text_of(node, "prefer");
  if (name == "smallest") return Preference::smallest;
  if (name == "cheapest") return Preference::cheapest;
  if (name == "fastest") return Preference::fastest;
  refuse(node, fmt::format("'prefer' is '{:.60}'", name), "smallest, cheapest or fastest");
}

Requirements read(const YamlNode& root, const std::string& name) {
  constexpr std::array<std::string_view, 7> kKeys = {"margin", "minimum",    "p95_ms", "cost",
                                                     "memory", "local_only", "prefer"};
  entries_of(root, "the file", kKeys);
  Requirements out;
  out.source = name;
  for (const auto& [key, value] : root.entries) {
    if (key == "margin") read_by_task(value, key, kMargin, out.margin, out.margins);
    if (key == "minimum") read_by_task(value, key, kScore, out.minimum, out.minimums);
    if (key == "p95_ms") out.p95_ms = number(value, key, kAmount);
    if (key == "cost") out.budget = read_cost(value);
    if (key == "memory") out.memory_bytes = read_memory(value);
    if (key == "local_only") out.local_only = read_flag(value, key);
    if (key == "prefer") out.prefer = read_preference(value);
  }
  return out;
}

}  // namespace

Result<Requirements> read_requirements(const std::filesystem::path& file) {
  return read_checked(read_yaml(file), file.filename().string(), read);
}

Result<Requirements> parse_requirements(const std::string& text, const std::string& name) {
  return read_checked(parse_yaml(text, name), name, read);
}

}  // namespace sizeup
