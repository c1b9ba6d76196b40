#include "tasks/filters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/jinja/text.h"
#include "core/json/json.h"
#include "tasks/choice_filter.h"
#include "tasks/expression.h"
#include "tasks/keys.h"
#include "tasks/options.h"
#include "tasks/span_filter.h"
#include "tasks/tag_filter.h"
#include "tasks/text/nearest.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// A filter of each response by itself.
template <class Apply>
Filter of_each(Apply&& apply) {
  return
      [change = std::forward<Apply>(apply)](std::vector<Filtered>& responses, std::span<const std::string>) {
        for (Filtered& response : responses) change(response);
      };
}

// A filter without options, which makes one text of another.
template <auto Change>
Result<Filter> text_filter(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "a filter", {"function"}); !known) return forward_error(known);
  return of_each([](Filtered& filtered) { filtered.text = Change(filtered.text); });
}

// lm-evaluation-harness's RegexFilter: the match number group_select of re.findall, the first group of it
// that is not empty, stripped; the fallback where there is none. The harness ends with an IndexError where
// group_select counts beyond the matches; here that is no answer.
Result<Filter> regex_filter(const YamlNode& node) {
  if (Result<void> known =
          check_keys(node, "the filter 'regex'", {"function", "regex_pattern", "group_select", "fallback"});
      !known) {
    return forward_error(known);
  }
  Result<RegexOptions> read = read_regex_options(node);
  if (!read) return forward_error(read);
  const auto options = std::make_shared<const RegexOptions>(std::move(*read));
  return of_each([options](Filtered& filtered) {
    const std::optional<PythonRegex::Found> found = options->regex.find(filtered.text, options->group_select);
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
    filtered.text = options->fallback;
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
  return of_each([mark = text->text](Filtered& filtered) {
    filtered.text.resize(std::min(filtered.text.size(), filtered.text.find(mark)));
  });
}

// The value of mapping_dict whose key is the response, else default_value; without one (None in the harness)
// an empty text. Keys and values are compared and given as texts, also where YAML reads numbers: a response
// never equals a number in Python, which no task file means.
Result<Filter> map_filter(const YamlNode& node) {
  if (Result<void> known =
          check_keys(node, "the filter 'map'", {"function", "mapping_dict", "default_value"});
      !known) {
    return forward_error(known);
  }
  std::unordered_map<std::string, std::string> mapping;
  if (const YamlNode* given = node.find("mapping_dict")) {
    if (given->kind != YamlNode::Kind::map)
      return bad_input(given->place, "'mapping_dict' is not a map", "mapping_dict: {yes: A, no: B}");
    for (const auto& [key, value] : given->entries) mapping[key] = python_text(to_json(value));
  }
  std::string fallback;
  const YamlNode* stated = node.find("default_value");
  if (stated != nullptr && stated->kind != YamlNode::Kind::null) fallback = python_text(to_json(*stated));
  return of_each([mapping = std::move(mapping), fallback](Filtered& filtered) {
    const auto found = mapping.find(filtered.text);
    filtered.no_answer = filtered.no_answer || found == mapping.end();
    filtered.text = found == mapping.end() ? fallback : found->second;
  });
}

Result<Filter> take_first(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "a filter", {"function"}); !known) return forward_error(known);
  return Filter([](std::vector<Filtered>& responses, std::span<const std::string>) { responses.resize(1); });
}

Result<Filter> take_first_k(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "the filter 'take_first_k'", {"function", "k"}); !known)
    return forward_error(known);
  const YamlNode* k = node.find("k");
  if (k == nullptr || k->kind != YamlNode::Kind::integer || k->integer < 1)
    return bad_input(node.place, "the filter 'take_first_k' lacks its number", "k: 8");
  return Filter([count = static_cast<size_t>(k->integer)](std::vector<Filtered>& responses,
                                                          std::span<const std::string>) {
    responses.resize(std::min(responses.size(), count));
  });
}

// The text that occurs most often; of several the one that came first, as Counter.most_common has it.
Result<Filter> majority_vote(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "a filter", {"function"}); !known) return forward_error(known);
  return Filter([](std::vector<Filtered>& responses, std::span<const std::string>) {
    std::map<std::string_view, int> votes;
    for (const Filtered& response : responses) ++votes[response.text];
    const auto winner =
        std::max_element(responses.begin(), responses.end(),
                         [&](const Filtered& a, const Filtered& b) { return votes[a.text] < votes[b.text]; });
    responses = {Filtered(*winner)};
  });
}

std::string stripped(const std::string& text) {
  return std::string(python_strip(text));
}

enum class Leaves { all, one, k };  // responses; k: the option of this name

struct FilterRow {
  const char* name;
  const char* description;
  Result<Filter> (*make)(const YamlNode& node);
  Leaves leaves = Leaves::all;
  bool needs_choices = false;
};

constexpr std::array kFilters = {
    FilterRow{"regex", "the group_select-th match of regex_pattern (Python's re.findall), or fallback",
              regex_filter},
    FilterRow{"multi_choice_regex",
              "as regex; else the letter of the choice whose text, or whose letter after a colon, is there",
              multi_choice_filter, Leaves::all, true},
    FilterRow{"regex_pos", "the tags of pairs ('word', 'TAG'), as Python writes a list, or fallback",
              tag_filter},
    FilterRow{"before", "what stands before the first occurrence of text", before_filter},
    FilterRow{"map", "the value of mapping_dict for the whole response, or default_value", map_filter},
    FilterRow{"format_span", "entities as 'per: name $ loc: name', labels in their short forms",
              text_filter<format_span>},
    FilterRow{"take_first", "the first of several responses", take_first, Leaves::one},
    FilterRow{"take_first_k", "the first k of several responses", take_first_k, Leaves::k},
    FilterRow{"majority_vote", "the most frequent of several responses (of equals the first)", majority_vote,
              Leaves::one},
    FilterRow{"lowercase", "Python's str.lower", text_filter<jinja::to_lower>},
    FilterRow{"uppercase", "Python's str.upper", text_filter<jinja::to_upper>},
    FilterRow{"strip", "white space at both ends removed (Python's str.strip)", text_filter<stripped>},
    FilterRow{"remove_whitespace", "lm-evaluation-harness's name of strip: inner white space stays",
              text_filter<stripped>},
};

// Filters of the harness that we do not have.
struct RefusedFilter {
  const char* name;
  const char* why;
  const char* instead;
};
constexpr std::array kRefused = {
    RefusedFilter{"custom", "is a Python function, and sizeup runs no Python",
                  "write it as a chain of regex, map, before, lowercase, strip, ..."},
    RefusedFilter{
        "decontaminate", "changes nothing in lm-evaluation-harness either",
        "leave it out; `sizeup tasks check --training FILE` finds rows that a model was trained on"},
};

Result<const FilterRow*> find_row(const YamlNode& step) {
  const YamlNode* function = step.find("function");
  if (function == nullptr) return bad_input(step.place, "a filter has no 'function'", "function: NAME");
  std::vector<std::string> names;
  for (const FilterRow& row : kFilters) {
    if (function->text == row.name) return &row;
    names.emplace_back(row.name);
  }
  for (const RefusedFilter& refused : kRefused) {
    if (function->text != refused.name) continue;
    return bad_input(function->place, fmt::format("the filter '{}' {}", refused.name, refused.why), "",
                     refused.instead);
  }
  return bad_input(function->place, fmt::format("unknown filter '{}'", function->text),
                   fmt::format("one of {}", fmt::join(names, ", ")), did_you_mean(function->text, names));
}

// How many responses a step, which its filter has read, leaves of `before`; an error if it asks for more.
Result<int> responses_after(const FilterRow& row, const YamlNode& step, int before) {
  if (row.leaves == Leaves::all) return before;
  if (row.leaves == Leaves::one) return 1;
  const YamlNode* k = step.find("k");
  if (k->integer > before) {
    return bad_input(k->place, fmt::format("'{}' asks for {} responses of {}", row.name, k->integer, before),
                     fmt::format("repeats: {}", k->integer));
  }
  return static_cast<int>(k->integer);
}

}  // namespace

Result<FilterPipeline> FilterPipeline::parse(const YamlNode& node, int responses) {
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
  pipeline.responses_ = responses;
  for (const YamlNode& step : chain->items) {
    Result<const FilterRow*> row = find_row(step);
    if (!row) return forward_error(row);
    Result<Filter> filter = (*row)->make(step);
    if (!filter) return forward_error(filter);
    pipeline.filters_.push_back(std::move(*filter));
    Result<int> left = responses_after(**row, step, pipeline.responses_);
    if (!left) return forward_error(left);
    pipeline.responses_ = *left;
    pipeline.needs_choices_ |= (*row)->needs_choices;
  }
  return pipeline;
}

std::vector<Filtered> FilterPipeline::apply(std::vector<std::string> texts,
                                            std::span<const std::string> choices) const {
  std::vector<Filtered> responses;
  for (std::string& text : texts) responses.push_back({std::move(text), false});
  for (const Filter& filter : filters_) filter(responses, choices);
  return responses;
}

std::vector<FilterListing> filter_table() {
  std::vector<FilterListing> listing;
  for (const FilterRow& row : kFilters) listing.push_back({row.name, row.description});
  return listing;
}

}  // namespace sizeup
