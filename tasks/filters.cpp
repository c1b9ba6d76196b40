#include "tasks/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "core/jinja/text.h"
#include "tasks/keys.h"
#include "tasks/text/nearest.h"
#include "tasks/text/python_regex.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

using Filter = std::function<void(Filtered&)>;

Result<Filter> no_parameters(const YamlNode& node, void (*apply)(Filtered&)) {
  if (Result<void> known = check_keys(node, "a filter", {"function"}); !known) return forward_error(known);
  return Filter(apply);
}

// lm-evaluation-harness's RegexFilter: the match number group_select of re.findall, the first group of it
// that is not empty, stripped; the fallback where there is none. The harness ends with an IndexError where
// group_select counts beyond the matches; here that is no answer.
Result<Filter> regex_filter(const YamlNode& node) {
  constexpr int kLargestIndex = 1'000;
  if (Result<void> known =
          check_keys(node, "the filter 'regex'", {"function", "regex_pattern", "group_select", "fallback"});
      !known) {
    return forward_error(known);
  }
  std::string pattern = R"(#### (\-?[0-9\.\,]+))";
  if (const YamlNode* given = node.find("regex_pattern")) pattern = given->text;
  std::string fallback = "[invalid]";
  if (const YamlNode* given = node.find("fallback")) fallback = given->text;
  int index = 0;
  if (const YamlNode* given = node.find("group_select")) {
    if (given->kind != YamlNode::Kind::integer || std::abs(given->integer) > kLargestIndex) {
      return bad_input(given->place, "'group_select' is no index", fmt::format("-{0} to {0}", kLargestIndex));
    }
    index = static_cast<int>(given->integer);
  }
  Result<PythonRegex> regex = PythonRegex::compile(pattern, node.place);
  if (!regex) return forward_error(regex);
  const auto compiled = std::make_shared<const PythonRegex>(std::move(*regex));
  return Filter([compiled, fallback, index](Filtered& filtered) {
    const std::optional<PythonRegex::Found> found = compiled->find(filtered.text, index);
    // One group (or none) is taken even if it is empty; of several the first that is not.
    if (found && found->size() == 1) {
      filtered.text = std::string(python_strip((*found)[0]));
      return;
    }
    for (const std::string& group : found.value_or(PythonRegex::Found{})) {
      if (group.empty()) continue;
      filtered.text = std::string(python_strip(group));
      return;
    }
    filtered.text = fallback;
    filtered.no_answer = true;
  });
}

// What stands before the first occurrence of a text; all where it does not occur.
Result<Filter> before_filter(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "the filter 'before'", {"function", "text"}); !known)
    return forward_error(known);
  const YamlNode* text = node.find("text");
  if (text == nullptr || !text->is_scalar() || text->text.empty())
    return bad_input(node.place, "the filter 'before' lacks its 'text'", "text: '```'");
  return Filter([mark = text->text](Filtered& filtered) {
    filtered.text.resize(std::min(filtered.text.size(), filtered.text.find(mark)));
  });
}

void strip(Filtered& filtered) {
  filtered.text = std::string(python_strip(filtered.text));
}

struct FilterRow {
  const char* name;
  const char* description;
  Result<Filter> (*make)(const YamlNode& node);
};

constexpr std::array kFilters = {
    FilterRow{"regex", "the group_select-th match of regex_pattern (Python's re.findall), or fallback",
              regex_filter},
    FilterRow{"before", "what stands before the first occurrence of text", before_filter},
    FilterRow{"take_first", "the first of several responses",
              [](const YamlNode& node) { return no_parameters(node, [](Filtered&) {}); }},
    FilterRow{"lowercase", "Python's str.lower",
              [](const YamlNode& node) {
                return no_parameters(
                    node, [](Filtered& filtered) { filtered.text = jinja::to_lower(filtered.text); });
              }},
    FilterRow{"uppercase", "Python's str.upper",
              [](const YamlNode& node) {
                return no_parameters(
                    node, [](Filtered& filtered) { filtered.text = jinja::to_upper(filtered.text); });
              }},
    FilterRow{"strip", "white space at both ends removed (Python's str.strip)",
              [](const YamlNode& node) { return no_parameters(node, strip); }},
    FilterRow{"remove_whitespace", "lm-evaluation-harness's name of strip: inner white space stays",
              [](const YamlNode& node) { return no_parameters(node, strip); }},
};

Result<Filter> make_filter(const YamlNode& node) {
  const YamlNode* function = node.find("function");
  if (function == nullptr) return bad_input(node.place, "a filter has no 'function'", "function: NAME");
  std::vector<std::string> names;
  for (const FilterRow& row : kFilters) {
    if (function->text == row.name) return row.make(node);
    names.emplace_back(row.name);
  }
  const std::string nearest = nearest_name(function->text, names);
  return bad_input(function->place, fmt::format("unknown filter '{}'", function->text),
                   fmt::format("one of {}", fmt::join(names, ", ")),
                   nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest));
}

}  // namespace

Result<FilterPipeline> FilterPipeline::parse(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "filter_list", {"name", "filter"}); !known)
    return forward_error(known);
  const YamlNode* name = node.find("name");
  const YamlNode* chain = node.find("filter");
  if (name == nullptr || chain == nullptr || chain->kind != YamlNode::Kind::list) {
    return bad_input(node.place, "an entry of filter_list lacks 'name' or its list 'filter'",
                     "name: NAME, filter: [{function: NAME}, ...]");
  }
  FilterPipeline pipeline;
  pipeline.name_ = name->text;
  for (const YamlNode& step : chain->items) {
    Result<Filter> filter = make_filter(step);
    if (!filter) return forward_error(filter);
    pipeline.filters_.push_back(std::move(*filter));
  }
  return pipeline;
}

Filtered FilterPipeline::apply(std::string text) const {
  Filtered filtered{std::move(text), false};
  for (const Filter& filter : filters_) filter(filtered);
  return filtered;
}

std::vector<FilterListing> filter_table() {
  std::vector<FilterListing> listing;
  for (const FilterRow& row : kFilters) listing.push_back({row.name, row.description});
  return listing;
}

}  // namespace sizeup
