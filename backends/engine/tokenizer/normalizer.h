// What is done to a text before it is cut into words.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/engine/tokenizer/split_regex.h"

namespace sizeup {

namespace normalize {
struct Nfc {};  // Unicode normalisation form C
struct Prepend {
  std::string text;  // to texts that are not empty
};
struct Replace {
  SplitRegex pattern;
  std::string content;
};
}  // namespace normalize

using NormalizerStep = std::variant<normalize::Nfc, normalize::Prepend, normalize::Replace>;

class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

  // `text` is valid UTF-8.
  std::string apply(std::string_view text) const;

 private:
  std::vector<NormalizerStep> steps_;
};

}  // namespace sizeup
