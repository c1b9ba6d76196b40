// Replacing a text, or what a pattern matches: a step of normalizers and of decoders.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/engine/tokenizer/split_regex.h"

namespace sizeup {

struct Replacement {
  std::string text;                 // not empty unless there is a regex
  std::optional<SplitRegex> regex;  // takes valid UTF-8 only
  std::string content;

  std::string apply(std::string_view text) const;
};

std::string replace_all(std::string_view text, std::string_view part, std::string_view content);

}  // namespace sizeup
