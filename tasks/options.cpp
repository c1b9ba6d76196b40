#include "tasks/options.h"

#include <fmt/format.h>

namespace sizeup {

Result<void> read_flag(const YamlNode& options, const char* key, bool& out) {
  const YamlNode* given = options.find(key);
  if (given == nullptr) return {};
  if (given->kind != YamlNode::Kind::boolean)
    return bad_input(given->place, fmt::format("'{}' is not true or false", key));
  out = given->boolean;
  return {};
}

Result<std::vector<PythonRegex>> read_ignored(const YamlNode& options) {
  std::vector<PythonRegex> ignored;
  const YamlNode* given = options.find("regexes_to_ignore");
  if (given == nullptr) return ignored;
  if (given->kind != YamlNode::Kind::list)
    return bad_input(given->place, "'regexes_to_ignore' is not a list");
  for (const YamlNode& pattern : given->items) {
    Result<PythonRegex> regex = PythonRegex::compile(pattern.text, pattern.place);
    if (!regex) return forward_error(regex);
    ignored.push_back(std::move(*regex));
  }
  return ignored;
}

Result<RegexOptions> read_regex_options(const YamlNode& options) {
  constexpr int kLargestIndex = 1'000;
  std::string pattern = R"(#### (\-?[0-9\.\,]+))";
  if (const YamlNode* given = options.find("regex_pattern")) pattern = given->text;
  int index = 0;
  if (const YamlNode* given = options.find("group_select")) {
    const bool is_index = given->kind == YamlNode::Kind::integer && given->integer >= -kLargestIndex &&
                          given->integer <= kLargestIndex;
    if (!is_index) {
      return bad_input(given->place, "'group_select' is no index", fmt::format("-{0} to {0}", kLargestIndex));
    }
    index = static_cast<int>(given->integer);
  }
  Result<PythonRegex> regex = PythonRegex::compile(pattern, options.place);
  if (!regex) return forward_error(regex);
  RegexOptions read{std::move(*regex), index};
  if (const YamlNode* given = options.find("fallback")) read.fallback = given->text;
  return read;
}

}  // namespace sizeup
