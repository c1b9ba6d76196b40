#include "tasks/choice_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "core/jinja/text.h"
#include "core/text/utf8.h"
#include "tasks/keys.h"
#include "tasks/options.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr size_t kMostLetters = 26;

struct ChoiceSearch {
  RegexOptions options;
  std::vector<PythonRegex> ignored;
  bool ignore_case = false;
  bool ignore_punctuation = false;

  std::string apply(const std::string& response, std::span<const std::string> choices) const;  // "": nothing

 private:
  std::string reduced(std::string_view text) const;
  std::string by_pattern(const std::string& response) const;
  std::string by_text(const std::string& response, std::span<const std::string> choices) const;
  std::string by_letter(std::string_view response, size_t choices) const;
};

// match[index] of a list of matches; "" where it has none there.
std::string selected(const std::vector<std::string>& matches, int index) {
  const auto count = static_cast<int64_t>(matches.size());
  const int64_t at = index < 0 ? count + index : index;
  if (at < 0 || at >= count) return {};
  return std::string(python_strip(matches[static_cast<size_t>(at)]));
}

std::string bracketed(size_t choice) {
  return fmt::format("({})", static_cast<char>('A' + choice));
}

// What a regular expression of the texts as alternatives finds, one after the other. An empty alternative
// matches wherever no other does.
std::vector<std::string> find_texts(std::string_view response, const std::vector<std::string>& texts) {
  const bool has_empty = std::find(texts.begin(), texts.end(), "") != texts.end();
  std::vector<std::string> found;
  for (size_t at = 0; at <= response.size();) {
    const std::string_view rest = response.substr(at);
    const auto match = std::find_if(texts.begin(), texts.end(), [&](const std::string& text) {
      return !text.empty() && rest.starts_with(text);
    });
    if (match != texts.end()) {
      found.push_back(*match);
      at += match->size();
      continue;
    }
    if (has_empty) found.emplace_back();
    at += rest.empty() ? 1 : jinja::decode_at(response, at).bytes;
  }
  return found;
}

// The length of the pattern that Python's re.escape makes of a text: what the harness sorts alternatives by.
size_t escaped_length(std::string_view text) {
  constexpr std::string_view kEscaped = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
  const auto escapes = std::count_if(text.begin(), text.end(),
                                     [&](char c) { return kEscaped.find(c) != std::string_view::npos; });
  return count_code_points(text) + static_cast<size_t>(escapes);
}

std::string ChoiceSearch::reduced(std::string_view text) const {
  std::string out(text);
  for (const PythonRegex& regex : ignored) out = regex.remove_from(out);
  if (ignore_case) out = jinja::to_lower(out);
  return ignore_punctuation ? without_punctuation(out) : out;
}

std::string ChoiceSearch::by_pattern(const std::string& response) const {
  const std::optional<PythonRegex::Found> found = options.regex.find(response, options.group_select);
  if (!found) return {};
  const auto group =
      std::find_if(found->begin(), found->end(), [](const std::string& text) { return !text.empty(); });
  return group == found->end() ? std::string() : std::string(python_strip(*group));
}

std::string ChoiceSearch::by_text(const std::string& response, std::span<const std::string> choices) const {
  std::vector<std::string> texts;
  std::map<std::string, size_t> choice_of;
  for (size_t i = 0; i < choices.size(); ++i) {
    texts.push_back(reduced(python_strip(choices[i])));
    choice_of[texts.back()] = i;
  }
  // The longest first: "Guilty" must not be found inside of "Guilty of Romance".
  std::stable_sort(texts.begin(), texts.end(), [](const std::string& a, const std::string& b) {
    return escaped_length(a) > escaped_length(b);
  });
  const std::string match = selected(find_texts(reduced(response), texts), options.group_select);
  const auto choice = choice_of.find(match);
  return match.empty() || choice == choice_of.end() ? match : bracketed(choice->second);
}

std::string ChoiceSearch::by_letter(std::string_view response, size_t choices) const {
  std::vector<std::string> found;
  for (size_t at = 0; at < response.size(); ++at) {
    if (response[at] != ':') continue;
    const std::string_view rest = jinja::strip_left(response.substr(at + 1));
    if (rest.empty() || rest[0] < 'A' || static_cast<size_t>(rest[0] - 'A') >= choices) continue;
    found.push_back(bracketed(static_cast<size_t>(rest[0] - 'A')));
  }
  return selected(found, options.group_select);
}

std::string ChoiceSearch::apply(const std::string& response, std::span<const std::string> choices) const {
  const std::span<const std::string> lettered = choices.first(std::min(choices.size(), kMostLetters));
  std::string match = by_pattern(response);
  if (match.empty()) match = by_text(response, lettered);
  if (match.empty()) match = by_letter(response, lettered.size());
  return match;
}

}  // namespace

Result<Filter> multi_choice_filter(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "the filter 'multi_choice_regex'",
                                      {"function", "regex_pattern", "group_select", "fallback", "ignore_case",
                                       "ignore_punctuation", "regexes_to_ignore"});
      !known) {
    return forward_error(known);
  }
  Result<RegexOptions> options = read_regex_options(node);
  if (!options) return forward_error(options);
  Result<std::vector<PythonRegex>> ignored = read_ignored(node);
  if (!ignored) return forward_error(ignored);
  const auto search =
      std::make_shared<ChoiceSearch>(ChoiceSearch{std::move(*options), std::move(*ignored), false, false});
  if (Result<void> read = read_flag(node, "ignore_case", search->ignore_case); !read)
    return forward_error(read);
  if (Result<void> read = read_flag(node, "ignore_punctuation", search->ignore_punctuation); !read)
    return forward_error(read);
  return Filter([search](std::vector<Filtered>& responses, std::span<const std::string> choices) {
    for (Filtered& response : responses) {
      response.text = search->apply(response.text, choices);
      if (!response.text.empty()) continue;
      response.text = search->options.fallback;
      response.no_answer = true;
    }
  });
}

}  // namespace sizeup
