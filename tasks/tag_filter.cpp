#include "tasks/tag_filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "core/jinja/value.h"
#include "tasks/keys.h"
#include "tasks/text/python_regex.h"

namespace sizeup {
namespace {

PythonRegex pair_pattern() {
  Result<PythonRegex> regex = PythonRegex::compile(R"(\('([^']*)', '([^']*)'\))", "regex_pos");
  require(regex.has_value(), "the pattern of regex_pos is a regular expression");
  return std::move(*regex);
}

// str(list) of Python.
std::string written(const std::vector<std::string>& tags) {
  std::vector<std::string> quoted;
  for (const std::string& tag : tags) quoted.push_back(jinja::quote(tag));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

Result<std::string> read_fallback(const YamlNode& node) {
  const YamlNode* given = node.find("fallback");
  if (given == nullptr || given->kind == YamlNode::Kind::null) return written({"invalid"});
  if (given->kind != YamlNode::Kind::list)
    return bad_input(given->place, "'fallback' of 'regex_pos' is no list", "fallback: [invalid]");
  std::vector<std::string> tags;
  for (const YamlNode& tag : given->items) tags.push_back(tag.text);
  return written(tags);
}

}  // namespace

Result<Filter> tag_filter(const YamlNode& node) {
  // The harness takes regex_pattern and group_select, and looks for its own pattern whatever they say.
  if (Result<void> known = check_keys(node, "the filter 'regex_pos'",
                                      {"function", "regex_pattern", "group_select", "fallback"});
      !known) {
    return forward_error(known);
  }
  const Result<std::string> fallback = read_fallback(node);
  if (!fallback) return tl::unexpected<Error>(fallback.error());
  const auto pattern = std::make_shared<const PythonRegex>(pair_pattern());
  return Filter(
      [pattern, fallback = *fallback](std::vector<Filtered>& responses, std::span<const std::string>) {
        for (Filtered& response : responses) {
          std::vector<std::string> tags;
          for (const PythonRegex::Found& pair : pattern->find_all(response.text)) tags.push_back(pair.at(1));
          response.no_answer = tags.empty();
          response.text = tags.empty() ? fallback : written(tags);
        }
      });
}

}  // namespace sizeup
