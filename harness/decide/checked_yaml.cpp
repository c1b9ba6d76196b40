#include "harness/decide/checked_yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tasks/text/nearest.h"

namespace sizeup {

void refuse(const YamlNode& node, std::string message, std::string expected, std::string hint) {
  throw RefusedYaml{
      {ErrorKind::bad_input, node.place, std::move(message), std::move(expected), std::move(hint)}};
}

const std::vector<YamlEntry>& entries_of(const YamlNode& node, const std::string& what,
                                         std::span<const std::string_view> known) {
  if (node.kind != YamlNode::Kind::map) {
    refuse(node, what + " is no mapping", fmt::format("keys: {}", fmt::join(known, ", ")));
  }
  const std::vector<std::string> names(known.begin(), known.end());
  for (const YamlEntry& entry : node.entries) {
    if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
    refuse(entry.value, fmt::format("{} has the unknown key '{:.100}'", what, entry.key),
           fmt::format("one of {}", fmt::join(names, ", ")), did_you_mean(entry.key, names));
  }
  return node.entries;
}

double number_of(const YamlNode& node, const std::string& key, double lowest, double highest) {
  const bool is_number = node.kind == YamlNode::Kind::integer || node.kind == YamlNode::Kind::real;
  if (!is_number || !(node.real >= lowest && node.real <= highest)) {
    refuse(node, fmt::format("'{}' is '{:.60}'", key, node.text),
           fmt::format("a number from {} to {}", lowest, highest));
  }
  return node.real;
}

std::string text_of(const YamlNode& node, const std::string& key) {
  if (!node.is_scalar() || node.text.empty()) refuse(node, fmt::format("'{}' is no text", key), "a text");
  return node.text;
}

}  // namespace sizeup
