// What a comparison of two tokenizers found, as JSON and as text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "backends/engine/text_model.h"
#include "backends/engine/tokenizer/comparison.h"
#include "core/json/json_fwd.h"

namespace sizeup::cli {

struct ComparedTokenizer {
  std::string name;
  TextModel model;
  std::optional<std::string> chat_template;
  std::optional<int64_t> context_length;  // tokens, as the configuration says
};

// Kind, size and special tokens: what inspect shows, too.
Json tokenizer_to_json(const Tokenizer& tokenizer);

Json tokenizers_to_json(const std::array<const ComparedTokenizer*, 2>& models,
                        const TextComparison& comparison, const VocabularyOverlap& overlap);

// From tokenizers_to_json()'s object.
std::string tokenizers_to_text(const Json& report);

}  // namespace sizeup::cli
