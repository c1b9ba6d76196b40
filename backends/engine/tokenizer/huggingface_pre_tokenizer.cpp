#include <fmt/format.h>

#include <array>
#include <utility>

#include "backends/engine/tokenizer/huggingface_steps.h"
#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/word_patterns.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// A word character by Unicode's rules for regular expressions, as Rust's \w.
constexpr std::string_view kWords =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\s]+)";

using Steps = std::vector<PreTokenizerStep>;

Result<void> add_split(std::string_view pattern, SplitBehavior behavior, const std::string& place,
                       Steps& steps, bool invert = false) {
  auto regex = SplitRegex::compile(pattern, place);
  if (!regex) return forward_error(regex);
  steps.emplace_back(pretokenize::Split{std::move(*regex), behavior, invert});
  return {};
}

Result<SplitBehavior> read_behavior(const SortedJson& value, std::string_view otherwise,
                                    const std::string& place) {
  static constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors = {{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  }};
  const std::string name = json_text(value, "behavior", otherwise);
  for (const auto& [known, behavior] : kBehaviors) {
    if (known == name) return behavior;
  }
  return step_not_supported(place, "pre_tokenizer with a behavior", name);
}

Result<void> add_pattern(const SortedJson& value, const std::string& place, Steps& steps) {
  auto pattern = read_step_pattern(value, place);
  if (!pattern) return forward_error(pattern);
  if (!pattern->regex) {
    auto regex = SplitRegex::compile(quote_for_regex(pattern->text), place);
    if (!regex) return forward_error(regex);
    pattern->regex = std::move(*regex);
  }
  const auto behavior = read_behavior(value, "", place);
  if (!behavior) return tl::unexpected<Error>(behavior.error());
  steps.emplace_back(
      pretokenize::Split{std::move(*pattern->regex), *behavior, json_flag(value, "invert", false)});
  return {};
}

bool is_one_character(std::string_view text) {
  const auto code_point = decode_utf8(text);
  return code_point && code_point->bytes == text.size();
}

Result<void> add_metaspace(const SortedJson& value, const std::string& place, Steps& steps) {
  pretokenize::Metaspace step;
  step.mark = json_text(value, "replacement", kSpaceMark);
  if (!is_one_character(step.mark)) {
    return bad_input(place, "pre_tokenizer Metaspace has a malformed replacement", "one character");
  }
  step.split = json_flag(value, "split", true);
  // add_prefix_space is the older spelling of the scheme.
  const std::string scheme =
      json_text(value, "prepend_scheme", json_flag(value, "add_prefix_space", true) ? "always" : "never");
  if (scheme == "always") {
    step.prepend = PrependScheme::always;
  } else if (scheme == "first") {
    step.prepend = PrependScheme::first;
  } else if (scheme == "never") {
    step.prepend = PrependScheme::never;
  } else {
    return step_not_supported(place, "pre_tokenizer Metaspace with a prepend_scheme", scheme);
  }
  steps.emplace_back(std::move(step));
  return {};
}

Result<void> add_byte_level(const SortedJson& value, const std::string& place, Steps& steps) {
  if (json_flag(value, "add_prefix_space", true)) steps.emplace_back(pretokenize::PrefixSpace{});
  if (json_flag(value, "use_regex", true)) {
    if (auto added = add_split(kGpt2Pattern, SplitBehavior::isolated, place, steps); !added) return added;
  }
  steps.emplace_back(pretokenize::ByteAlphabet{});
  return {};
}

Result<void> add_digits(const SortedJson& value, const std::string& place, Steps& steps) {
  const bool individual = json_flag(value, "individual_digits", false);
  return add_split(R"(\p{N})", individual ? SplitBehavior::isolated : SplitBehavior::contiguous, place,
                   steps);
}

Result<void> add_punctuation(const SortedJson& value, const std::string& place, Steps& steps) {
  const auto behavior = read_behavior(value, "Isolated", place);
  if (!behavior) return tl::unexpected<Error>(behavior.error());
  return add_split(kPunctuation, *behavior, place, steps);
}

Result<void> add_words(const SortedJson&, const std::string& place, Steps& steps) {
  return add_split(kWords, SplitBehavior::removed, place, steps, true);
}

Result<void> add_white_space(const SortedJson&, const std::string& place, Steps& steps) {
  return add_split(R"(\s)", SplitBehavior::removed, place, steps);
}

Result<void> add_bert(const SortedJson& value, const std::string& place, Steps& steps) {
  if (auto added = add_white_space(value, place, steps); !added) return added;
  return add_split(kPunctuation, SplitBehavior::isolated, place, steps);
}

Result<void> add_delimiter(const SortedJson& value, const std::string& place, Steps& steps) {
  const std::string delimiter = json_text(value, "delimiter");
  if (!is_one_character(delimiter)) {
    return bad_input(place, "pre_tokenizer CharDelimiterSplit has a malformed delimiter", "one character");
  }
  return add_split(quote_for_regex(delimiter), SplitBehavior::removed, place, steps);
}

Result<void> add_scripts(const SortedJson&, const std::string& place, Steps& steps) {
  return add_split(script_runs_pattern(), SplitBehavior::removed, place, steps, true);
}

Result<void> add_fixed_length(const SortedJson& value, const std::string& place, Steps& steps) {
  pretokenize::FixedLength step;
  const SortedJson& length = json_member(value, "length");
  if (!length.is_null()) {
    if (!length.is_number_unsigned() || length == 0)
      return bad_input(place, "pre_tokenizer FixedLength has a malformed length", "a number above 0");
    step.characters = length.get<size_t>();
  }
  steps.emplace_back(step);
  return {};
}

using Reader = Result<void> (*)(const SortedJson& value, const std::string& place, Steps& steps);

constexpr std::array<std::pair<std::string_view, Reader>, 11> kReaders = {{
    {"BertPreTokenizer", add_bert},
    {"ByteLevel", add_byte_level},
    {"CharDelimiterSplit", add_delimiter},
    {"Digits", add_digits},
    {"FixedLength", add_fixed_length},
    {"Metaspace", add_metaspace},
    {"Punctuation", add_punctuation},
    {"Split", add_pattern},
    {"UnicodeScripts", add_scripts},
    {"Whitespace", add_words},
    {"WhitespaceSplit", add_white_space},
}};

Result<void> add_pre_tokenizer(const SortedJson& value, const std::string& place, Steps& steps) {
  if (value.is_null()) return {};
  const std::string type = json_text(value, "type");
  if (type == "Sequence") {
    for (const SortedJson& part : json_member(value, "pretokenizers")) {
      if (auto added = add_pre_tokenizer(part, place, steps); !added) return added;
    }
    return {};
  }
  for (const auto& [name, add] : kReaders) {
    if (name == type) return add(value, place, steps);
  }
  return step_not_supported(place, "pre_tokenizer", type);
}

}  // namespace

Result<PreTokenizer> read_pre_tokenizer(const SortedJson& value, const std::string& place) {
  Steps steps;
  if (auto added = add_pre_tokenizer(value, place, steps); !added) return forward_error(added);
  return PreTokenizer(std::move(steps));
}

Result<StepPattern> read_step_pattern(const SortedJson& owner, const std::string& place) {
  const SortedJson& pattern = json_member(owner, "pattern");
  StepPattern result;
  if (json_member(pattern, "Regex").is_string()) {
    auto regex = SplitRegex::compile(json_text(pattern, "Regex"), place);
    if (!regex) return forward_error(regex);
    result.regex = std::move(*regex);
    return result;
  }
  result.text = pattern.is_string() ? pattern.get<std::string>() : json_text(pattern, "String");
  if (result.text.empty())
    return bad_input(place, "a pattern is missing", R"({"Regex": ...} or {"String": ...})");
  return result;
}

Result<Replacement> read_replacement(const SortedJson& value, const std::string& place) {
  auto pattern = read_step_pattern(value, place);
  if (!pattern) return forward_error(pattern);
  return Replacement{std::move(pattern->text), std::move(pattern->regex), json_text(value, "content")};
}

tl::unexpected<Error> step_not_supported(const std::string& place, std::string_view key,
                                         std::string_view type) {
  return bad_input(place, fmt::format("{} of type '{}' is not supported yet", key, type.substr(0, 60)));
}

}  // namespace sizeup
