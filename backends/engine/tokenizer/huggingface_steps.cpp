#include "backends/engine/tokenizer/huggingface_steps.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/word_patterns.h"

namespace sizeup {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581

tl::unexpected<Error> not_supported(const std::string& place, std::string_view key, std::string_view type) {
  return bad_input(place, fmt::format("{} of type '{}' is not supported yet", key, type.substr(0, 60)));
}

// {"Regex": "..."} or {"String": "..."}.
Result<SplitRegex> read_pattern(const SortedJson& owner, const std::string& place) {
  const SortedJson& pattern = json_member(owner, "pattern");
  if (json_member(pattern, "Regex").is_string())
    return SplitRegex::compile(json_text(pattern, "Regex"), place);
  const std::string literal = json_text(pattern, "String");
  if (literal.empty())
    return bad_input(place, "a pattern is missing", R"({"Regex": ...} or {"String": ...})");
  return SplitRegex::compile(quote_for_regex(literal), place);
}

Result<void> add_normalizer(const SortedJson& value, const std::string& place,
                            std::vector<NormalizerStep>& steps) {
  if (value.is_null()) return {};
  const std::string type = json_text(value, "type");
  if (type == "Sequence") {
    for (const SortedJson& part : json_member(value, "normalizers")) {
      if (auto added = add_normalizer(part, place, steps); !added) return added;
    }
    return {};
  }
  if (type == "NFC") {
    steps.emplace_back(normalize::Nfc{});
  } else if (type == "Prepend") {
    steps.emplace_back(normalize::Prepend{json_text(value, "prepend")});
  } else if (type == "Replace") {
    auto pattern = read_pattern(value, place);
    if (!pattern) return forward_error(pattern);
    steps.emplace_back(normalize::Replace{std::move(*pattern), json_text(value, "content")});
  } else {
    return not_supported(place, "normalizer", type);
  }
  return {};
}

Result<PreTokenizerStep> read_split(const SortedJson& value, const std::string& place) {
  static constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors = {{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  }};
  auto pattern = read_pattern(value, place);
  if (!pattern) return forward_error(pattern);
  const std::string name = json_text(value, "behavior");
  for (const auto& [known, behavior] : kBehaviors) {
    if (known == name)
      return pretokenize::Split{std::move(*pattern), behavior, json_flag(value, "invert", false)};
  }
  return not_supported(place, "pre_tokenizer Split with a behavior", name);
}

Result<PreTokenizerStep> read_metaspace(const SortedJson& value, const std::string& place) {
  pretokenize::Metaspace step;
  step.mark = json_text(value, "replacement", kMark);
  if (step.mark != kMark)
    return not_supported(place, "pre_tokenizer Metaspace with a replacement", step.mark);
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
    return not_supported(place, "pre_tokenizer Metaspace with a prepend_scheme", scheme);
  }
  return step;
}

Result<void> add_pattern(std::string_view pattern, SplitBehavior behavior, const std::string& place,
                         std::vector<PreTokenizerStep>& steps) {
  auto regex = SplitRegex::compile(pattern, place);
  if (!regex) return forward_error(regex);
  steps.emplace_back(pretokenize::Split{std::move(*regex), behavior});
  return {};
}

Result<void> add_pre_tokenizer(const SortedJson& value, const std::string& place,
                               std::vector<PreTokenizerStep>& steps) {
  if (value.is_null()) return {};
  const std::string type = json_text(value, "type");
  if (type == "Sequence") {
    for (const SortedJson& part : json_member(value, "pretokenizers")) {
      if (auto added = add_pre_tokenizer(part, place, steps); !added) return added;
    }
    return {};
  }
  if (type == "Digits") {
    const bool individual = json_flag(value, "individual_digits", false);
    return add_pattern(R"(\p{N})", individual ? SplitBehavior::isolated : SplitBehavior::contiguous, place,
                       steps);
  }
  if (type == "ByteLevel") {
    if (json_flag(value, "add_prefix_space", true)) steps.emplace_back(pretokenize::PrefixSpace{});
    if (json_flag(value, "use_regex", true)) {
      if (auto added = add_pattern(kGpt2Pattern, SplitBehavior::isolated, place, steps); !added) return added;
    }
    steps.emplace_back(pretokenize::ByteAlphabet{});
    return {};
  }
  if (type != "Split" && type != "Metaspace") return not_supported(place, "pre_tokenizer", type);
  auto step = type == "Split" ? read_split(value, place) : read_metaspace(value, place);
  if (!step) return forward_error(step);
  steps.push_back(std::move(*step));
  return {};
}

Result<void> add_decoder(const SortedJson& value, const std::string& place, PieceDecoder& decoder) {
  const std::string type = json_text(value, "type");
  if (type == "Sequence") {
    for (const SortedJson& part : json_member(value, "decoders")) {
      if (auto added = add_decoder(part, place, decoder); !added) return added;
    }
  } else if (type == "ByteLevel") {
    decoder.spelling = Spelling::byte_alphabet;
  } else if (type == "ByteFallback") {
    decoder.byte_pieces = true;
  } else if (type == "Metaspace") {
    decoder.spelling = Spelling::metaspace;
    const bool prefixed =
        json_text(value, "prepend_scheme", "always") != "never" && json_flag(value, "add_prefix_space", true);
    decoder.leading = prefixed ? LeadingSpace::strip_first_piece : LeadingSpace::keep;
  } else if (type == "Replace") {
    if (json_text(json_member(value, "pattern"), "String") != kMark || json_text(value, "content") != " ") {
      return not_supported(place, "decoder Replace of anything but U+2581 by a space; a decoder", type);
    }
    decoder.spelling = Spelling::metaspace;
  } else if (type == "Strip") {
    const SortedJson& start = json_member(value, "start");
    const SortedJson& stop = json_member(value, "stop");
    if (json_text(value, "content") != " " || start != 1 || stop != 0) {
      return not_supported(place, "decoder Strip of anything but one leading space; a decoder", type);
    }
    decoder.leading = LeadingSpace::strip_one;
  } else if (type != "Fuse") {  // joins the pieces, as we do
    return not_supported(place, "decoder", type.empty() ? "null" : type);
  }
  return {};
}

}  // namespace

Result<Normalizer> read_normalizer(const SortedJson& value, const std::string& place) {
  std::vector<NormalizerStep> steps;
  if (auto added = add_normalizer(value, place, steps); !added) return forward_error(added);
  return Normalizer(std::move(steps));
}

Result<PreTokenizer> read_pre_tokenizer(const SortedJson& value, const std::string& place) {
  std::vector<PreTokenizerStep> steps;
  if (auto added = add_pre_tokenizer(value, place, steps); !added) return forward_error(added);
  return PreTokenizer(std::move(steps));
}

Result<PieceDecoder> read_decoder(const SortedJson& value, const std::string& place) {
  PieceDecoder decoder;
  if (auto added = add_decoder(value, place, decoder); !added) return forward_error(added);
  return decoder;
}

}  // namespace sizeup
